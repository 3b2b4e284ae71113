"""Masks of scenes: which pixels become nodata, on which grids, and which mask a scene takes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.control import GroundControlPoint
from rasterio.rpc import RPC
from rasterio.transform import Affine
from rasterio.warp import Resampling, reproject
from rasterio.windows import Window

from latentclust.data.rasters import bands_of, read_window
from latentclust.data.scenes.bands import scene_notes
from latentclust.data.scenes.discover import find_scenes
from latentclust.data.scenes.masks import MaskChoice
from latentclust.data.scenes.opening import raster
from latentclust.errors import LatentclustError
from latentclust.specs.scenes import Scene
from tests.labelling.planted import TRANSFORM, noise_scene, write_scene

CLOUD = 9

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


def moved(scale: float, pixels: float = 0) -> Affine:
    """The place of a raster with other pixels, moved along both axes."""
    side = 10 * scale
    return Affine(side, 0, TRANSFORM.c + pixels * side, 0, -side, TRANSFORM.f - pixels * side)


def classes(height: int, width: int, seed: int = 1) -> NDArray[np.uint8]:
    """Values 0 to 11 of single pixels."""
    return np.random.default_rng(seed).integers(0, 12, (height, width), np.uint8)


def write_mask(path: Path, values: NDArray[Any], scale: float = 1, **profile: Any) -> Path:
    return write_scene(path, values[None], **{"transform": moved(scale), **profile})


def found(paths: Path | list[str], mask: Path | str, *values: int, bits: tuple[int, ...] = (), **rest: Any) -> Scene:
    given = paths if isinstance(paths, list) else [str(paths)]
    (scene,) = find_scenes(given, masks=MaskChoice(str(mask), values, bits), **rest)
    return scene


def valid_pixels(scene: Scene, bands: tuple[int, ...] = (1, 2, 3)) -> NDArray[np.bool_]:
    with raster(scene) as file:
        return read_window(file, bands)[1]


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    return write_scene(tmp_path / "scene.tif", noise_scene(44, 60), tiled=True, blockxsize=16, blockysize=16)


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_pixels_of_the_values_are_nodata_on_a_grid_as_fine_or_coarser(scene: Path, tmp_path: Path, scale: int) -> None:
    values = classes(44 // scale, 60 // scale)
    mask = write_mask(tmp_path / "m" / "mask.tif", values, scale, nodata=0)
    valid = valid_pixels(found(scene, mask, 3, 8, 9, 10))
    np.testing.assert_array_equal(valid, ~np.isin(np.kron(values, np.ones((scale, scale))), [3, 8, 9, 10]))


def test_windows_of_any_size_have_the_same_masked_pixels(scene: Path, tmp_path: Path) -> None:
    mask = write_mask(tmp_path / "mask.tif", classes(15, 20), 3.1)
    masked = found(scene, mask, 0, 7)
    whole = valid_pixels(masked)
    assert 0.1 < (~whole).mean() < 0.9
    with raster(masked) as file:
        for side in (7, 16):
            for top in range(0, 44, side):
                for left in range(0, 60, side):
                    place = Window(left, top, min(side, 60 - left), min(side, 44 - top))
                    np.testing.assert_array_equal(read_window(file, (1,), place)[1], whole[place.toslices()])


def test_a_mask_of_another_system_is_brought_to_the_grid_by_nearest_neighbour(scene: Path, tmp_path: Path) -> None:
    values = np.kron(classes(8, 10), np.ones((12, 12), np.uint8))
    place = moved(1, -20)
    with rasterio.open(write_mask(tmp_path / "utm.tif", values, transform=place)) as file:
        bounds = rasterio.warp.transform_bounds(file.crs, "EPSG:4326", *file.bounds)
    there = np.zeros((300, 300), np.uint8)
    degrees = Affine((bounds[2] - bounds[0]) / 300, 0, bounds[0], 0, (bounds[1] - bounds[3]) / 300, bounds[3])
    grids = {"src_transform": place, "src_crs": "EPSG:32613", "dst_transform": degrees, "dst_crs": "EPSG:4326"}
    reproject(values, there, resampling=Resampling.nearest, **grids)
    mask = write_scene(tmp_path / "degrees.tif", there[None], crs="EPSG:4326", transform=degrees)
    valid = valid_pixels(found(scene, mask, 3, 8, 9, 10))
    wanted = ~np.isin(values[20:64, 20:80], [3, 8, 9, 10])
    assert (valid == wanted).mean() > 0.95


@pytest.mark.parametrize(("kind", "bits"), [(np.uint16, (3, 4)), (np.uint8, (0,)), (np.uint16, (15,))])
def test_bits_mask_pixels_in_which_one_is_set(scene: Path, tmp_path: Path, kind: type, bits: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).integers(0, np.iinfo(kind).max + 1, (44, 60)).astype(kind)
    valid = valid_pixels(found(scene, write_mask(tmp_path / "mask.tif", values), bits=bits))
    np.testing.assert_array_equal(valid, (values & sum(1 << bit for bit in bits)) == 0)


def test_pixels_that_the_mask_does_not_cover_are_nodata_and_told(scene: Path, tmp_path: Path) -> None:
    mask = write_mask(tmp_path / "mask.tif", np.where(np.arange(30) < 5, 1, 0) * np.ones((44, 1), np.uint8))
    masked = found(scene, mask, 1)
    np.testing.assert_array_equal(
        valid_pixels(masked), (np.arange(60) >= 5) & (np.arange(60) < 30) & np.ones((44, 1), bool)
    )
    with raster(masked) as file:
        (note,) = scene_notes(file, masked)
    assert "does not cover about 48% of it" in note


def test_values_that_do_not_occur_are_told(scene: Path, tmp_path: Path) -> None:
    mask = write_mask(tmp_path / "mask.tif", np.zeros((44, 60), np.uint8))
    masked = found(scene, mask, 3, 8, bits=(7,))
    with raster(masked) as file:
        (note,) = scene_notes(file, masked)
    assert note == f"no pixel of 2,640 sampled ones has value 3 or 8 or bit 7 in the mask {mask}"


def test_a_band_of_the_scene_keeps_its_place_and_is_no_band(tmp_path: Path) -> None:
    image, mask = noise_scene(44, 60), classes(44, 60)
    path = write_scene(tmp_path / "a.tif", np.stack([image[0], mask, *image[1:]]), alpha="NO")
    with rasterio.open(path, "r+") as file:
        file.descriptions = ("red", "SCL", "green", "blue")
    for band in ("band:SCL", "band:scl", "band:2"):
        masked = found(path, band, CLOUD)
        with raster(masked) as file:
            assert bands_of(file) == (1, 3, 4)
            values, valid = read_window(file, (1, 3, 4))
        np.testing.assert_array_equal(values, image)
        np.testing.assert_array_equal(valid, mask != CLOUD)


def test_nodata_counts_beside_the_mask(tmp_path: Path) -> None:
    image = noise_scene(44, 60)
    image[:, :, :4] = 7
    path = write_scene(tmp_path / "a.tif", image, nodata=7)
    mask = write_mask(tmp_path / "mask.tif", np.where(np.arange(60) < 50, 0, 1) * np.ones((44, 1), np.uint8))
    valid = valid_pixels(found(path, mask, 1))
    np.testing.assert_array_equal(valid, (image != 7).all(axis=0) & (np.arange(60) < 50))


def test_place_tags_and_scales_of_the_scene_stay(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "a.tif", noise_scene(44, 60), crs=None, transform=None)
    points = [GroundControlPoint(row, col, 500 + col, 900 - row) for row, col in ((0, 0), (0, 60), (44, 0), (44, 60))]
    ones = [1.0, *[0.0] * 19]
    rpcs = RPC(10.0, 100.0, 45.0, 1.0, ones, ones, 22.0, 22.0, 7.0, 1.0, ones, ones, 30.0, 30.0, 0.1, 0.1)
    with rasterio.open(path, "r+") as file:
        file.gcps, file.scales, file.offsets = (points, file.crs or "EPSG:32613"), (0.1, 1, 1), (2, 0, 0)
        file.rpcs = rpcs
        file.update_tags(TIFFTAG_DATETIME="2021:06:01 10:00:00")
    mask = write_mask(tmp_path / "mask.tif", classes(44, 60), crs=None, transform=None)
    with rasterio.open(path) as plain, raster(found(path, mask, 1)) as file:
        assert [(p.row, p.col, p.x, p.y) for p in file.gcps[0]] == [(p.row, p.col, p.x, p.y) for p in plain.gcps[0]]
        assert (file.gcps[1], file.rpcs.to_dict()) == (plain.gcps[1], plain.rpcs.to_dict())
        assert (file.scales[:3], file.offsets[:3], file.dtypes[:3]) == (plain.scales, plain.offsets, plain.dtypes)
        assert file.tags()["TIFFTAG_DATETIME"] == "2021:06:01 10:00:00"
        assert file.block_shapes[0] == plain.block_shapes[0]


@pytest.mark.parametrize(
    ("values", "profile", "words"),
    [
        (
            np.zeros((44, 60), np.float32),
            {},
            "holds values of type float32, and the values of a mask are whole numbers",
        ),
        (np.zeros((2, 44, 60), np.uint8), {}, "has 2 bands, and a mask has one"),
        (np.zeros((44, 60), np.uint8), {"transform": moved(1, 100)}, "covers no pixel of it"),
        (np.zeros((40, 60), np.uint8), {"crs": None, "transform": None}, "not both have a coordinate system"),
    ],
)
def test_a_mask_that_cannot_be_read_as_one_is_refused(
    scene: Path, tmp_path: Path, values: NDArray[Any], profile: dict[str, Any], words: str
) -> None:
    mask = write_scene(tmp_path / "mask.tif", values if values.ndim == 3 else values[None], **profile)
    with pytest.raises(LatentclustError, match=words), raster(found(scene, mask, 1)):
        pass


@pytest.mark.parametrize(
    ("mask", "values", "bits", "words"),
    [
        ("absent.tif", (1,), (), "--mask: no file absent.tif"),
        ("band:", (1,), (), "'band:' names no mask"),
        ("band:SCL", (), (), "has no values that are masked"),
        ("band:SCL", (), (16,), "bit 16 is not from 0 to 15"),
    ],
)
def test_a_choice_that_cannot_be_right_is_refused(
    scene: Path, mask: str, values: tuple[int, ...], bits: tuple[int, ...], words: str
) -> None:
    with pytest.raises(LatentclustError, match=words):
        found(scene, mask, *values, bits=bits)


def test_a_band_that_is_missing_is_refused_with_those_there(scene: Path) -> None:
    masked = found(scene, "band:SCL", 1)
    with pytest.raises(LatentclustError, match=r"named SCL for the mask \(its bands: 1, 2, 3\)"), raster(masked):
        pass


@pytest.mark.parametrize(
    "pattern", ["{folder}/{name}_QA.tif", "in/{name}_*.tif", "in/*_QA.tif", "{folder}/../in/{name}?QA*"]
)
def test_each_scene_takes_its_own_match_of_a_pattern_and_masks_are_no_scenes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    for name in ("a1", "a12"):
        write_scene(tmp_path / "in" / f"{name}.tif", noise_scene(20, 20))
        write_mask(tmp_path / "in" / f"{name}_QA.tif", classes(20, 20))
    write_scene(tmp_path / "in" / "b.tif", noise_scene(20, 20))
    monkeypatch.chdir(tmp_path)
    scenes = find_scenes(["in"], masks=MaskChoice(pattern, (1,)))
    pairs = {scene.short: scene.mask and Path(scene.mask.source).name for scene in scenes}
    assert pairs == {"a1.tif": "a1_QA.tif", "a12.tif": "a12_QA.tif", "b.tif": None}
    assert [bool(scene.error) for scene in scenes] == [False, False, True]
    assert "has no mask that match" in scenes[2].error.what


def test_of_files_of_one_band_the_mask_is_one_too(tmp_path: Path) -> None:
    image, mask = noise_scene(44, 60), classes(44, 60)
    for band, values in zip(("B04", "B03", "B02", "SCL"), (*image, mask), strict=True):
        write_scene(tmp_path / f"T32_{band}_x.tif", values[None])
    joined = found([str(tmp_path)], "band:SCL", CLOUD, bands=("B04", "B03", "B02"))
    with raster(joined) as file:
        values, valid = read_window(file, bands_of(file))
    np.testing.assert_array_equal(values, image)
    np.testing.assert_array_equal(valid, mask != CLOUD)
