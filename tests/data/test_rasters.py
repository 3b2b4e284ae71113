"""Rasters: what counts as data, what values become, and the spread that they are stretched by."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from latentclust.data.raster_windows import read_scene
from latentclust.data.rasters import (
    BandReading,
    as_bytes,
    bands_of,
    has_gaps,
    percentile_ranges,
    read_window,
    stretch,
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
    image, valid = read_scene(floats, BandReading((1, 2), ((0.0, 10.0), (12.0, 24.0)), (2,), ("float32",)))
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


def test_bytes_of_few_grey_levels_are_stretched_band_by_band() -> None:
    rng = np.random.default_rng(0)
    full, few, bits = (rng.integers(low, high, 10_000) for low, high in ((0, 256), (200, 221), (0, 2)))
    samples = [np.stack([full, few, bits, np.full(10_000, 7)]).astype(np.uint8)]
    assert stretch(samples, "data.bands") == ((0.0, 255.0), (200.0, 220.0), (0.0, 1.0), (0.0, 255.0))
    whole = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    np.testing.assert_array_equal(as_bytes(whole, whole[0] >= 0, ((0.0, 255.0),)), whole)
    assert stretch([samples[0][:1]], "data.bands") == ()
    assert stretch([samples[0][2:3], samples[0][:1]], "data.bands") == ()  # the rasters together
    with pytest.raises(LatentclustError, match="selected band 4 is constant"):
        stretch([samples[0].astype(np.int8)], "data.bands")


def alpha_after(path: Path, count: int, hole: np.ndarray, kind: str = "uint8") -> Path:
    """A raster of ones with an alpha channel behind its bands, which is 0 in the hole."""
    values = np.concatenate([np.ones((count, *hole.shape)), np.where(hole, 0, 200)[np.newaxis]]).astype(kind)
    shape = {"count": count + 1, "height": hole.shape[0], "width": hole.shape[1], "dtype": kind}
    place = {"crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 500_000, 0, -10, 5_800_000)}
    with rasterio.open(path, "w", driver="GTiff", **shape, **place) as file:
        file.write(values)
    with rasterio.open(path, "r+") as file:
        file.colorinterp = [ColorInterp.gray] + [ColorInterp.undefined] * (count - 1) + [ColorInterp.alpha]
    return path


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_an_alpha_channel_after_any_number_of_bands_is_a_mask(tmp_path: Path, count: int, kind: str) -> None:
    hole = np.arange(12).reshape(3, 4) < 5
    bands = tuple(range(1, count + 1))
    with raster(alpha_after(tmp_path / "a.tif", count, hole, kind)) as file:
        assert bands_of(file) == bands
        assert has_gaps(file, bands)
        np.testing.assert_array_equal(read_window(file, bands)[1], ~hole)
        np.testing.assert_array_equal(read_window(file, bands[:1], Window(1, 1, 3, 2))[1], ~hole[1:, 1:])
        assert bands_of(file, (count + 1,)) == (*bands, count + 1)
        assert read_window(file, (*bands, count + 1))[1].all()  # a band that is read is no mask


def test_a_nodata_value_that_is_not_declared_adds_to_the_declared_one(floats: Path) -> None:
    with raster(floats) as file:
        assert has_gaps(file, (1,), 5.0)
        valid = read_window(file, (1, 2), nodata=14.0)[1]
        assert np.argwhere(~valid).tolist() == [[0, 2], [1, 1], [2, 3]]
        assert read_window(file, (1,), nodata=1e300)[1].sum() == 11
