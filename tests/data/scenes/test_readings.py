"""Rasters of one data set: their bands are matched, their fill and alpha channels noted, their values stretched."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray

from latentclust.data.raster_windows import draw_windows, read_scene
from latentclust.data.scenes.discover import find_scenes
from latentclust.data.scenes.inputs import scene_from_file
from latentclust.data.scenes.readings import Readings
from latentclust.data.scenes.readings import read_alike as read_scenes_alike
from latentclust.errors import LatentclustError
from tests.labelling.planted import noise_scene, write_scene


def described(path: Path, values: NDArray[Any], names: tuple[str, ...] = (), **profile: Any) -> Path:
    profile = {"photometric": "MINISBLACK", "alpha": "NO"} | profile if len(values) > 1 else profile
    write_scene(path, values, **profile)
    if names:
        with rasterio.open(path, "r+") as file:
            file.descriptions = names
    return path


def four_bands(kind: str = "uint8") -> NDArray[Any]:
    return np.concatenate([noise_scene(60, 70), noise_scene(60, 70, seed=1)[:1]]).astype(kind)


def read_alike(paths: list[Path], bands: Any, *options: Any, **others: Any) -> Readings:
    words = [band for band in bands or () if isinstance(band, str)]
    return read_scenes_alike(find_scenes(paths, bands=words), bands, *options, **others)


# Names


@pytest.mark.parametrize(
    "names", [("B02", "B03", "B04", "B08"), ("b02", "b03", "b04", "b08"), ("blue", "Green", "red", "nir")]
)
def test_bands_in_another_order_are_read_by_name(tmp_path: Path, names: tuple[str, ...]) -> None:
    values = four_bands()
    paths = [
        described(tmp_path / "a.tif", values, ("B04", "B03", "B02", "B08")),
        described(tmp_path / "b.tif", values[[2, 1, 0, 3]], names),
    ]
    found = read_alike(paths, None, 8)
    assert [reading.bands for reading in found.rasters] == [(1, 2, 3, 4), (3, 2, 1, 4)]
    assert found.rasters[0].names == found.rasters[1].names == ("B04", "B03", "B02", "B08")
    assert found.notes == ()
    images = [read_scene(path, reading)[0] for path, reading in zip(paths, found.rasters, strict=True)]
    np.testing.assert_array_equal(images[0], images[1])
    numbered = read_alike(paths, (4, 1), 8).rasters
    assert [reading.bands for reading in numbered] == [(4, 1), (4, 3)]


def test_bands_are_requested_by_name(tmp_path: Path) -> None:
    paths = [
        described(tmp_path / "a.tif", four_bands(), ("B04", "B03", "B02", "B08")),
        described(tmp_path / "b.tif", four_bands()[:3], ("nir", "red", "x")),
    ]
    found = read_alike(paths, ("NIR", "red"), 8)
    assert [reading.bands for reading in found.rasters] == [(4, 1), (1, 2)]
    assert (found.rasters[1].names, found.rasters[1].counts, found.notes) == (("B08", "B04"), (3, 4), ())
    with pytest.raises(LatentclustError, match=r"b\.tif: has no band, or several, named blue .its bands: nir, red, x"):
        read_alike(paths, ("red", "blue"), 8)
    with pytest.raises(LatentclustError, match=r"b\.tif: has 3 bands, but band 4 is requested"):
        read_alike(paths, (4,), 8)


def test_names_that_rasters_do_not_share_are_noted_and_not_kept(tmp_path: Path) -> None:
    one = described(tmp_path / "a.tif", four_bands(), ("B04", "B03", "B02", "B08"))
    nameless = read_alike([one, described(tmp_path / "b.tif", four_bands())], None, 8)
    assert (nameless.rasters[0].names, nameless.notes) == ((), ())
    others = [described(tmp_path / f"{name}.tif", four_bands(), ("B04", "v", "w", "x")) for name in "cd"]
    found = read_alike([one, *others], None, 8)
    assert found.rasters[0].names == ()
    (note,) = found.notes
    assert note.startswith(f"{others[0]} and 1 more: bands (B04, v, w, x) do not have the names of {one}, B04, B03,")
    mixed = described(tmp_path / "e.tif", four_bands(), ("B02", "B03", "B04", "x"))
    with pytest.raises(LatentclustError, match=r"e\.tif: bands .* in another order and not all: B04 is band 3, not 1"):
        read_alike([one, mixed], None, 8)


def test_names_and_scales_of_the_bands_that_are_read_are_kept(tmp_path: Path) -> None:
    paths = [
        described(tmp_path / f"{at}.tif", four_bands(), (name, "B03", "B04", "B08")) for at, name in enumerate("xy")
    ]
    for path, first in zip(paths, (1, 9), strict=True):
        with rasterio.open(path, "r+") as file:
            file.scales = (first, 2, 3, 4)
    found = read_alike(paths, (3, 2), 8).rasters[0]
    assert (found.names, found.scales) == (("B04", "B03"), ((3.0, 0.0), (2.0, 0.0)))
    assert (found.bands, found.counts, found.types) == ((3, 2), (4,), ("uint8",))
    other = read_alike(paths, (1,), 8)
    assert other.rasters[0].scales == ()
    assert f"{paths[1]}: band 1 (y) has scale 9 and offset 0, and {paths[0]} had scale 1 and offset 0" in other.notes[1]


# Types and scales


def test_rasters_of_several_types_are_refused(tmp_path: Path) -> None:
    one = described(tmp_path / "a.tif", four_bands("uint16") * 39)
    other = described(tmp_path / "b.tif", four_bands())
    with pytest.raises(
        LatentclustError, match=r"b\.tif: holds values of type uint8, unlike .*a\.tif \(uint16\)\. Convert"
    ):
        read_alike([one, other], None, 8)


@pytest.mark.parametrize("kind", ["uint16", "float32"])
def test_rasters_of_two_scales_are_noted(tmp_path: Path, kind: str) -> None:
    one = described(tmp_path / "a.tif", four_bands(kind) * 40)
    same = described(tmp_path / "b.tif", four_bands(kind)[::-1] * 38)
    other = described(tmp_path / "c.tif", four_bands(kind))
    assert read_alike([one, same], None, 8).notes == ()
    (note,) = read_alike([one, same, other], None, 8).notes
    assert note.startswith(f"{other}: has values of another scale than {one}")


def test_bytes_of_few_grey_levels_are_stretched(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    few = described(tmp_path / "few.tif", rng.integers(0, 21, (1, 60, 70), np.uint8))
    bits = described(tmp_path / "bits.tif", rng.integers(0, 2, (1, 60, 70), np.uint8), nbits=1)
    assert read_scene(few, read_alike([few], None, 8).rasters[0])[0].max() == 255
    assert set(np.unique(read_scene(bits, read_alike([bits], None, 8).rasters[0])[0])) == {0, 255}
    whole = described(tmp_path / "whole.tif", four_bands())
    assert read_alike([whole], None, 8).rasters[0].ranges == ()


# Nodata


def collared(kind: str = "uint16") -> NDArray[Any]:
    values = four_bands(kind) * 8 + 6500
    values[:, :, :20] = 0
    return values


def test_a_declared_value_is_nodata_as_in_the_file(tmp_path: Path) -> None:
    plain = described(tmp_path / "plain.tif", collared())
    tagged = described(tmp_path / "tagged.tif", collared(), nodata=0)
    (given,), (kept,) = read_alike([plain], None, 8, nodata=0.0).rasters, read_alike([tagged], None, 8).rasters
    assert given.ranges == kept.ranges
    assert given.ranges[0][0] > 6500
    assert ((given.nodata, given.declared), (kept.nodata, kept.declared)) == ((0.0, ()), (None, (0.0,)))
    places = draw_windows([scene_from_file(plain)], [given], 8, 50, 0.0, np.random.default_rng(0))
    assert places[:, 2].min() >= 20
    for first, second in zip(read_scene(plain, given), read_scene(tagged, kept), strict=True):
        np.testing.assert_array_equal(first, second)


def test_fill_that_nobody_declared_is_noted(tmp_path: Path) -> None:
    plain = described(tmp_path / "plain.tif", collared())
    tagged = described(tmp_path / "tagged.tif", collared(), nodata=0)
    (note,) = read_alike([plain], None, 8).notes
    assert note.startswith(f"{plain}: 0 alone fills a part of the border in all bands, and is read as data")
    assert read_alike([plain], None, 8, nodata=0.0).notes == ()
    fill, lacks = sorted(read_alike([tagged, plain], None, 8).notes)
    assert fill.startswith(f"{plain}: 0 alone fills")
    assert lacks.startswith(f"{plain}: declares no nodata, unlike {tagged} (0)")


def test_what_is_left_out_as_alpha_is_noted(tmp_path: Path) -> None:
    values = four_bands()
    values[3, :30] = 0
    path = write_scene(tmp_path / "naip.tif", values, photometric="RGB", alpha="YES")
    (left_out,) = read_alike([path], None, 8).rasters
    (note,) = read_alike([path], None, 8).notes
    assert note.startswith(f"{path}: band 4 is flagged as alpha, but its values are those of a measured band")
    assert read_scene(path, left_out)[1].mean() == 0.5
    found = read_alike([path], (1, 2, 3, 4), 8)
    assert found.notes == ()
    assert read_scene(path, found.rasters[0])[1].all()
    values[3] = np.where(values[3], 255, 0)
    path = write_scene(tmp_path / "rgba.tif", values, photometric="RGB", alpha="YES")
    assert read_alike([path], None, 8).notes == (
        f"{path}: band 4 is flagged as alpha: it is left out, and its zeros are nodata",
    )
