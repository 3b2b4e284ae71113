"""Rasters: what counts as data, what values become, and the spread that they are stretched by."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from latentclust.data.raster_windows import band_reading, read_scene
from latentclust.data.rasters import (
    as_bytes,
    bands_of,
    has_gaps,
    percentile_ranges,
    read_window,
)
from latentclust.data.scenes.opening import raster
from latentclust.errors import LatentclustError


@pytest.fixture
def floats(tmp_path: Path) -> Path:
    """Two bands of 3x4 floats, 0 to 23, the value 5 of the first being no data and one of the second NaN."""
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    values[1, 2, 3] = np.nan
    path = tmp_path / "floats.tif"
    shape = {"count": 2, "height": 3, "width": 4, "dtype": "float32", "nodata": 5.0}
    place = {"crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 500_000, 0, -10, 5_800_000)}
    with rasterio.open(path, "w", driver="GTiff", **shape, **place) as file:
        file.write(values)
    return path


def test_a_window_is_read_with_what_of_it_is_data(floats: Path) -> None:
    with raster(floats) as file:
        assert bands_of(file) == (1, 2)
        assert has_gaps(file, (1,))
        values, valid = read_window(file, (2, 1), Window(0, 1, 3, 2))
    assert values[0].tolist() == [[16, 17, 18], [20, 21, 22]]
    assert valid.tolist() == [[True, False, True], [True, True, True]]


def test_a_coarse_reading_has_a_pixel_in_so_many(floats: Path) -> None:
    with raster(floats) as file:
        values, valid = read_window(file, (1,), step=2)
    assert values.shape == (1, 2, 2)
    assert valid.shape == (2, 2)


def test_a_scene_is_read_whole_as_its_windows_are(floats: Path) -> None:
    image, valid = read_scene(floats, (1, 2), ((0.0, 10.0), (12.0, 24.0)))
    assert np.argwhere(~valid).tolist() == [[1, 1], [2, 3]]
    assert image[0, 0].tolist() == [0, 26, 51, 76]  # 25.5 and 76.5 go to the even neighbour
    assert image[0, 2, 2] == 255
    assert image[:, ~valid].max() == 0


def test_bytes_without_ranges_stay_as_they_are() -> None:
    values = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    valid = values[0] != 4
    assert as_bytes(values, valid, ()).tolist() == [[[0, 1, 2], [3, 0, 5]]]


def test_ranges_lie_between_percentiles_of_all_scenes() -> None:
    ranges = percentile_ranges([np.arange(0, 51)[None], np.arange(51, 101)[None]], "data.bands")
    assert ranges == ((2.0, 98.0),)


def test_a_band_that_is_nearly_constant_is_stretched_over_all_its_values() -> None:
    values = np.zeros((1, 1000))
    values[0, 7] = 3
    assert percentile_ranges([values], "data.bands") == ((0.0, 3.0),)
    with pytest.raises(LatentclustError, match=r"data\.bands: selected band 1 is constant: all its values are 4"):
        percentile_ranges([np.full((1, 5), 4)], "data.bands")


def test_a_file_that_is_not_a_raster_is_named(tmp_path: Path) -> None:
    path = tmp_path / "text.tif"
    path.write_text("not found")
    with pytest.raises(LatentclustError, match=r"text\.tif: cannot be read"), raster(path):
        pass


def described(path: Path, names: tuple[str | None, ...], scales: tuple[float, ...] = (1, 1, 1)) -> Path:
    shape = {"count": len(names), "height": 2, "width": 2, "dtype": "uint8"}
    place = {"crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 500_000, 0, -10, 5_800_000)}
    with rasterio.open(path, "w", driver="GTiff", **shape, **place, photometric="MINISBLACK", alpha="NO") as file:
        file.write(np.ones((len(names), 2, 2), np.uint8))
        file.descriptions, file.scales = names, scales
    return path


def test_names_and_scales_of_the_bands_read_are_kept(tmp_path: Path) -> None:
    one = described(tmp_path / "1.tif", ("B02", "B03", "B04"), (1, 2, 3))
    found = band_reading([one, described(tmp_path / "2.tif", ("x", "B03", "B04"), (9, 2, 3))], (3, 2), ())
    assert (found.names, found.scales) == (("B04", "B03"), ((3.0, 0.0), (2.0, 0.0)))
    assert (found.bands, found.counts, found.types) == ((3, 2), (3,), ("uint8",))


@pytest.mark.parametrize("names", [("B02", "B03", "x"), ("B02", "B03", None), (None, None, None)])
def test_names_that_rasters_do_not_share_are_none(tmp_path: Path, names: tuple[str | None, ...]) -> None:
    one, two = described(tmp_path / "1.tif", ("B02", "B03", "B04")), described(tmp_path / "2.tif", names, (1, 1, 2))
    found = band_reading([one, two], (1, 2, 3), ())
    assert (found.names, found.scales) == ((), ())
    assert band_reading([described(two, ("a", "a", "b"))], (1, 2, 3), ()).names == ()
    assert band_reading([described(two, ("a", None, "b"))], (1, 2, 3), ()).names == ()
