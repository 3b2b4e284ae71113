"""What is shown of label maps: planted spectra and areas of a scene, and images with their maps."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from latentclust.bundled.datasets.raster import Raster
from latentclust.model.model import ClusteringModel
from latentclust.report.map_views import ShownMaps
from latentclust.runs.report_facts import RunContext, evaluate, report_facts
from latentclust.runs.shown_maps import LabelledMaps, label_scene, shown_maps
from latentclust.specs.data import VOID

PLANTED = np.array([[2295, 255, 255], [255, 2295, 255], [255, 255, 2295], [1275, 1275, 1275]], np.uint16)
"""Values of the bands red, green and blue of each kind of pixel: 2550 times the colours of the clusters."""

SIDE = 48


@pytest.fixture
def kinds() -> np.ndarray:
    """The kind of each pixel of a scene; the first six columns are nodata."""
    found = np.random.default_rng(0).integers(0, 4, (8, 8)).repeat(6, axis=0).repeat(6, axis=1)
    found[:, :6] = VOID
    return found


@pytest.fixture
def scene(kinds: np.ndarray, tmp_path: Path) -> Path:
    """A scene with bands blue, green and red of these kinds, pixels of 10 m and the nodata value 0."""
    values = np.where(kinds == VOID, 0, PLANTED[kinds].transpose(2, 0, 1)[::-1]).astype(np.uint16)
    place = {"crs": "EPSG:32633", "transform": Affine(10, 0, 500_000, 0, -10, 5_000_000)}
    size = {"driver": "GTiff", "count": 3, "height": SIDE, "width": SIDE, "dtype": "uint16", "nodata": 0}
    with rasterio.open(tmp_path / "scene.tif", "w", **size, **place) as file:
        file.write(values)
        file.descriptions = ("blue", "green", "red")
    return tmp_path / "scene.tif"


def shown(model: ClusteringModel) -> ShownMaps:
    data = model.resolved.dataset.open(())
    evaluated = evaluate(model, data, data)
    facts = report_facts(evaluated, RunContext("cpu", 1.0, "the last round."))
    assert evaluated.scores.sample is not None
    scene = None if data.labels else label_scene(model, data, 0)
    return shown_maps(model, data, LabelledMaps(evaluated.scores.sample, scene), facts)


def test_spectra_and_areas_of_a_scene_are_those_that_were_planted(
    map_model: Callable[..., ClusteringModel], by_colour: Callable[..., Any], scene: Path, kinds: np.ndarray
) -> None:
    dataset = Raster(
        path=str(scene), bands=("red", "green", "blue"), window=24, windows=4, range=(0, 2550), max_nodata=0.9
    )
    found = shown(map_model(by_colour(), dataset))
    view, counts = found.views[0], np.bincount(kinds[kinds != VOID])
    assert view.name == "scene.tif"
    np.testing.assert_array_equal(view.labels, kinds)
    np.testing.assert_array_equal(view.valid, kinds != VOID)
    assert found.sizes.pixels.tolist() == counts.tolist()
    assert found.sizes.areas == pytest.approx(counts * 100.0 / 10_000)
    assert found.sizes.unit == "ha"
    assert found.spectra.bands == ["blue", "green", "red"]  # in the order of the raster
    np.testing.assert_allclose(found.spectra.spectra.mean, PLANTED[:, ::-1])
    np.testing.assert_allclose(found.spectra.spectra.deviation, 0, atol=1e-2)
    assert found.spectra.spectra.pixels.tolist() == counts.tolist()
    assert found.spectra.values == "values of the raster"
    assert len(found.views) == 1 + 4
    assert {each.labels.shape for each in found.views[1:]} == {(24, 24)}
    assert view.confidence[kinds != VOID].min() > 0.9


def test_images_have_their_ground_truth_and_spectra_of_stored_values(map_model: Callable[..., ClusteringModel]) -> None:
    found = shown(map_model())
    assert len(found.views) == 10
    assert found.views[0].name == "image 1"
    assert all(view.truth is not None and view.image.dtype == np.uint8 for view in found.views)
    assert found.sizes.areas is None
    assert found.spectra.bands == ["red", "green", "blue"]
    assert found.spectra.values == "stored values, 0 to 255"
    assert found.spectra.where == "12 images"
    # Cluster 0 of the fixture is the third colour.
    assert found.spectra.spectra.mean[0] == pytest.approx([25.5, 25.5, 229.5], abs=1)
    assert found.spectra.spectra.deviation[0] == pytest.approx(np.full(3, 0.03 * 255), rel=0.1)
