"""Files of one band each as one raster."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.transform import Affine
from rasterio.windows import Window

from latentclust.data.rasters import bands_of, has_gaps, read_window
from latentclust.data.scenes.vrt import BandFile, build_vrt
from latentclust.errors import LatentclustError
from tests.labelling.planted import TRANSFORM, noise_scene, write_scene


def moved(pixels: float) -> Affine:
    return Affine(*TRANSFORM[:2], TRANSFORM.c + 10 * pixels, *TRANSFORM[3:6])


def parts(*paths: Path) -> list[BandFile]:
    return [BandFile(path.stem, str(path), str(path)) for path in paths]


def test_values_types_names_and_place_are_those_of_the_files(tmp_path: Path) -> None:
    values = noise_scene(70, 90)
    one = write_scene(tmp_path / "B & 04.tif", values[:1], tiled=True, blockxsize=64, blockysize=32)
    two = write_scene(tmp_path / "B03.tif", values[1:2].astype(np.float32) / 7)
    with rasterio.open(two, "r+") as file:
        file.scales, file.offsets = (0.5,), (-1.0,)
    with rasterio.open(build_vrt(parts(two, one), "scene")) as file:
        assert (file.count, file.dtypes, file.descriptions) == (2, ("float32", "uint8"), ("B03", "B & 04"))
        assert (file.transform, file.crs) == (TRANSFORM, rasterio.open(one).crs)
        assert file.block_shapes[1] == (32, 64)
        assert bands_of(file) == (1, 2)
        assert (file.scales, file.offsets) == ((0.5, 1.0), (-1.0, 0.0))
        assert not has_gaps(file, (2,))
        np.testing.assert_array_equal(file.read(2), values[0])
        np.testing.assert_array_equal(file.read(1), values[1].astype(np.float32) / 7)


@pytest.mark.parametrize("nodata", [5, 5.0, np.nan, -3.4028234663852886e38])
def test_a_pixel_that_is_nodata_in_one_file_is_none_of_the_scene(tmp_path: Path, nodata: float) -> None:
    kind = np.dtype(np.uint16 if isinstance(nodata, int) else np.float32)
    values = np.arange(10, 22, dtype=kind).reshape(1, 3, 4)
    gap = values.copy()
    gap[0, 1, 2] = nodata
    one, two = write_scene(tmp_path / "a.tif", values), write_scene(tmp_path / "b.tif", gap, nodata=nodata)
    with rasterio.open(build_vrt(parts(one, two), "scene")) as file:
        _, valid = read_window(file, (1, 2))
        assert np.argwhere(~valid).tolist() == [[1, 2]]
        assert read_window(file, (1,))[1].all()


@pytest.mark.parametrize("inside", [True, False])
def test_masks_and_alpha_of_files_count(tmp_path: Path, inside: bool) -> None:
    values = noise_scene(30, 40)
    plain, masked = write_scene(tmp_path / "a.tif", values[:1]), write_scene(tmp_path / "b.tif", values[1:2])
    mask = np.ones((30, 40), np.bool_)
    mask[3, 4] = False
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=inside), rasterio.open(masked, "r+") as file:
        file.write_mask(mask)
    assert (tmp_path / "b.tif.msk").exists() != inside
    alpha = np.full((30, 40), 255, np.uint8)
    alpha[5, 6] = 0
    grey = write_scene(tmp_path / "c.tif", np.stack((values[2], alpha)), alpha="YES")
    with rasterio.open(build_vrt(parts(plain, masked, grey), "scene")) as file:
        assert has_gaps(file, (2,))
        assert has_gaps(file, (3,))
        found, valid = read_window(file, (1, 2, 3))
    np.testing.assert_array_equal(found, values)
    assert np.argwhere(~valid).tolist() == [[3, 4], [5, 6]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"side": 19}, r"b\.tif is 30x19 pixels \(w x h\), unlike the 30x20 of .*a\.tif"),
        ({"crs": "EPSG:32614"}, r"b\.tif is in EPSG:32614, unlike the EPSG:32613 of .*a\.tif"),
        ({"crs": None}, r"b\.tif is in None, unlike the EPSG:32613 of"),
        ({"transform": moved(0.25)}, r"b\.tif is shifted by 0\.25 pixels at a corner from"),
        (
            {"transform": Affine(10.1, *TRANSFORM[1:6])},
            r"b\.tif is shifted by 0\.3 pixels at a corner from ",
        ),
        ({"count": 2}, r"b\.tif has 2 band\(s\) of uint8"),
        ({"kind": np.complex64}, r"b\.tif has 1 band\(s\) of complex64"),
    ],
)
def test_files_that_do_not_lie_upon_each_other_are_named(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    one = write_scene(tmp_path / "a.tif", noise_scene(20, 30)[:1])
    values = noise_scene(change.pop("side", 20), 30)[: change.pop("count", 1)].astype(change.pop("kind", np.uint8))
    two = write_scene(tmp_path / "b.tif", values, **change)
    with pytest.raises(LatentclustError, match=words):
        build_vrt(parts(one, two), "scene")


@pytest.mark.parametrize(
    "place",
    [
        {"crs": "+proj=laea +lat_0=51.3 +lon_0=9.7 +ellps=GRS80 +units=m +no_defs"},
        {"crs": "EPSG:4326", "transform": Affine(30.1, 0.2, 7e5 + 1 / 3, 0.3, -30.7, 4e6 + 1 / 7)},
        {"crs": None},
        {"crs": None, "transform": None},
    ],
)
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_the_place_of_the_files_is_kept_bit_for_bit(tmp_path: Path, place: Any) -> None:
    one = write_scene(tmp_path / "a.tif", noise_scene(20, 30)[:1], **place)
    with rasterio.open(build_vrt(parts(one), "scene")) as file, rasterio.open(one) as before:
        assert (file.transform, file.crs) == (before.transform, before.crs)


def test_transforms_that_differ_by_rounding_are_the_same(tmp_path: Path) -> None:
    values = noise_scene(20, 30)[:1]
    one = write_scene(tmp_path / "a.tif", values)
    two = write_scene(tmp_path / "b.tif", values, transform=moved(1e-7))
    assert build_vrt(parts(one, two), "scene")


def test_a_file_that_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    one = write_scene(tmp_path / "a.tif", noise_scene(20, 30)[:1])
    with pytest.raises(LatentclustError, match=r"scene: its band b, .*b\.tif, cannot be read"):
        build_vrt(parts(one, tmp_path / "b.tif"), "scene")


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_ground_control_points_are_kept(tmp_path: Path) -> None:
    corners = [(0, 0, 10.1, 50.2), (0, 30, 10.3, 50.2), (20, 0, 10.1, 50.0), (20, 30, 10.35, 50.05)]
    points = [GroundControlPoint(row, column, x, y, 3.25) for row, column, x, y in corners]
    place = {"crs": "EPSG:4326", "transform": None}
    values = noise_scene(20, 30)
    one = write_scene(tmp_path / "a.tif", values[:1], gcps=points, **place)
    two = write_scene(tmp_path / "b.tif", values[1:2], gcps=points, **place)
    other = write_scene(tmp_path / "c.tif", values[1:2], gcps=points[:3], **place)
    with rasterio.open(build_vrt(parts(one, two), "scene")) as file, rasterio.open(one) as before:
        assert file.gcps[1] == before.gcps[1]
        assert [p.asdict() | {"id": ""} for p in file.gcps[0]] == [p.asdict() | {"id": ""} for p in before.gcps[0]]
    with pytest.raises(LatentclustError, match=r"c\.tif is shifted by"):
        build_vrt(parts(one, other), "scene")


def coarser(path: Path, values: np.ndarray, factor: float, **profile: Any) -> Path:
    place = Affine(10 * factor, 0, TRANSFORM.c, 0, -10 * factor, TRANSFORM.f)
    return write_scene(path, values, **{"transform": place, **profile})


def test_coarser_files_of_the_same_area_are_repeated_on_the_finest_grid_in_every_window(tmp_path: Path) -> None:
    values = noise_scene(36, 60)
    small, smaller = values[1:2, ::2, ::2].copy(), values[2:3, ::6, ::6].copy()
    small[0, 3, 4] = 0
    files = parts(
        coarser(tmp_path / "B05.tif", small, 2, nodata=0),
        write_scene(tmp_path / "B04.tif", values[:1]),
        coarser(tmp_path / "B01.tif", smaller, 6),
    )
    wanted = np.stack([np.kron(small[0], np.ones((2, 2))), values[0], np.kron(smaller[0], np.ones((6, 6)))])
    with rasterio.open(build_vrt(files, "scene")) as file:
        assert (file.shape, file.transform) == ((36, 60), TRANSFORM)
        found, valid = read_window(file, (1, 2, 3))
        np.testing.assert_array_equal(found, wanted)
        np.testing.assert_array_equal(valid, wanted[0] != 0)
        for side in (5, 7):
            for top in range(0, 36, side):
                for left in range(0, 60, side):
                    window = Window(left, top, min(side, 60 - left), min(side, 36 - top))
                    np.testing.assert_array_equal(
                        read_window(file, (1, 2, 3), window)[0], wanted[:, *window.toslices()]
                    )


@pytest.mark.parametrize(
    ("factor", "profile", "words"),
    [
        (2.1, {}, r"a.tif is 30x18 pixels \(w x h\), unlike the 60x36 of"),
        (2, {"crs": "EPSG:32612"}, "a.tif is in EPSG:32612, unlike the EPSG:32613 of"),
        (2, {"crs": None, "transform": None}, "a.tif is 30x18 pixels"),
    ],
)
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_coarser_files_of_another_area_are_refused(
    tmp_path: Path, factor: float, profile: dict[str, Any], words: str
) -> None:
    other = coarser(tmp_path / "a.tif", noise_scene(18, 30)[:1], factor, **profile)
    with pytest.raises(LatentclustError, match=words):
        build_vrt(parts(other, write_scene(tmp_path / "b.tif", noise_scene(36, 60)[:1])), "scene")
