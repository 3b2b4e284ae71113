"""Scale and offset of rasters: which values are converted, and to what."""

from pathlib import Path

import numpy as np
import pytest
import rasterio

from latentclust.data.rasters import as_bytes, follow_curves, read_values
from latentclust.data.scenes.bands import BandMatch, match_bands
from latentclust.data.scenes.discover import find_scenes
from latentclust.data.scenes.opening import raster
from latentclust.data.scenes.readings import read_alike
from latentclust.data.scenes.scale_tags import IDENTITY, NO_TAG, combined, scale_curves
from latentclust.errors import LatentclustError
from tests.labelling.planted import write_scene

REFLECTANCE = (1e-4, 0.0)
"""Scale and offset of Sentinel-2 until processing baseline 03.01; values of 04.00 are 1,000 higher."""

SHIFTED = (1e-4, -0.1)


@pytest.mark.parametrize(
    ("found", "trained", "other_type", "values", "wanted"),
    [
        (SHIFTED, REFLECTANCE, False, [1000, 4500], [0, 3500]),
        (REFLECTANCE, SHIFTED, False, [0, 3500], [1000, 4500]),
        ((1.0, -1000.0), NO_TAG, False, [1000, 4500], [0, 3500]),
        (NO_TAG, (1.0, -1000.0), False, [0, 3500], [1000, 4500]),
        ((2.0, 1.0), (0.5, -1.0), False, [0, 10], [4, 44]),
        (REFLECTANCE, NO_TAG, True, [0, 3500], [0, 0.35]),
        (NO_TAG, SHIFTED, True, [0, 0.35], [1000, 4500]),
    ],
)
def test_equal_quantities_become_equal(found, trained, other_type, values, wanted) -> None:
    (curve,) = scale_curves((found,), (trained,), other_type)
    np.testing.assert_allclose(follow_curves(np.array([values]), (curve,)), [wanted], rtol=1e-12, atol=1e-9)


def test_a_scale_that_only_one_header_has_is_unknown_and_equal_ones_change_nothing() -> None:
    assert scale_curves((SHIFTED, NO_TAG, SHIFTED), (NO_TAG, SHIFTED, SHIFTED), False) == (None, None, IDENTITY)
    assert combined((None, IDENTITY)) == ()
    assert combined((None, ((0.0, 1.0), (3.0, 4.0)))) == (IDENTITY, ((0.0, 1.0), (3.0, 4.0)))


def tagged(path: Path, values: np.ndarray, scale: float = 1.0, offset: float = 0.0) -> Path:
    write_scene(path, values)
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (scale,) * len(values), (offset,) * len(values)
    return path


def reflectances() -> np.ndarray:
    return np.random.default_rng(0).integers(1, 4000, (2, 30, 40)).astype(np.uint16)


def matched(trained: Path, other: Path) -> tuple[BandMatch, np.ndarray]:
    """The reading of another raster by that of the training data, and its bytes."""
    (scene,) = find_scenes([trained])
    (reading,) = read_alike([scene], None, 8).rasters
    with raster(other) as file:
        match = match_bands(file, reading, "other")
        values, valid = read_values(file, match.bands)
    return match, as_bytes(values, valid, match.bands.ranges)


def test_a_scene_of_another_offset_is_read_as_the_same_bytes(tmp_path: Path) -> None:
    trained = tagged(tmp_path / "a.tif", reflectances(), *REFLECTANCE)
    _, wanted = matched(trained, trained)
    match, found = matched(trained, tagged(tmp_path / "b.tif", reflectances() + 1000, *SHIFTED))
    np.testing.assert_array_equal(found, wanted)
    said = "band 1 has scale 0.0001 and offset -0.1, and the training data had scale 0.0001 and offset 0; values are"
    assert match.warnings == (f"{said} converted to the scale of the training data; so are 1 more bands",)


def test_integers_with_a_scale_are_the_same_as_the_quantities_themselves(tmp_path: Path) -> None:
    stored = tagged(tmp_path / "a.tif", reflectances() + 1000, *SHIFTED)
    plain = write_scene(tmp_path / "b.tif", reflectances() / 1e4)
    for trained, other in ((stored, plain), (plain, stored)):
        np.testing.assert_array_equal(matched(trained, other)[1], matched(trained, trained)[1])
    with pytest.raises(LatentclustError, match="holds values of type float64"):
        matched(write_scene(tmp_path / "c.tif", reflectances()), plain)


def test_rasters_of_a_data_set_have_the_scale_of_the_first(tmp_path: Path) -> None:
    a = tagged(tmp_path / "a.tif", reflectances(), *REFLECTANCE)
    b = tagged(tmp_path / "b.tif", reflectances() + 1000, *SHIFTED)
    found = read_alike(find_scenes([a, b]), None, 8)
    assert found.rasters[0].scales == (REFLECTANCE, REFLECTANCE)
    images = []
    for path, reading in zip((a, b), found.rasters, strict=True):
        with raster(path) as file:
            images.append(as_bytes(*read_values(file, reading), reading.ranges))
    np.testing.assert_array_equal(*images)
    assert len(found.notes) == 1
    plain = read_alike(find_scenes([a, write_scene(tmp_path / "c.tif", reflectances())]), None, 8)
    assert plain.rasters[0].scales == ()
    assert "values are read unscaled" in plain.notes[0]
