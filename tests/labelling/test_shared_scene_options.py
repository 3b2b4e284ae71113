"""Previews and comparisons read scenes as `label` does: stacked, masked and normalised."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import latentclust
from latentclust.bundled.map_baselines import PixelKMeans
from latentclust.errors import LatentclustError
from latentclust.labelling.chosen_scenes import choose_scenes
from latentclust.labelling.clusters.window_sample import sample_windows
from latentclust.labelling.label_options import LabelOptions
from latentclust.labelling.reference.scene_comparison import compare_scene
from latentclust.labelling.scene_options import SceneOptions, SceneOptionValues
from latentclust.model.model import ClusteringModel
from tests.labelling.planted import noise_scene, read_band, write_scene

DATES = ("2020-01-01", "2020-06-01", "2020-09-01")
CLOUD = (slice(20, 40), slice(30, 60))
HEIGHT, WIDTH = 80, 90


@pytest.fixture
def model(with_bands: Callable[..., ClusteringModel]) -> ClusteringModel:
    model = with_bands(types=("uint16",), ranges=((0.0, 2550.0),) * 3)
    return replace(model, resolved=replace(model.resolved, baselines={"pixel-kmeans": PixelKMeans(n_init=1)}))


@pytest.fixture
def options(tmp_path: Path) -> SceneOptions:
    """Those of three dates with a cloud at the second one, and values of another gain and offset than trained ones."""
    values = noise_scene(HEIGHT, WIDTH).astype(float) * 10
    mask = np.zeros((1, HEIGHT, WIDTH), np.uint8)
    mask[0][CLOUD] = 9
    for folder, gain, offset in (("trained", 1, 0), ("new", 1.5, 100)):
        for date, band in zip(DATES, values, strict=True):
            write_scene(tmp_path / folder / f"a_{date}.tif", np.rint(gain * band + offset).astype(np.uint16)[None])
    pattern = str(tmp_path / "masks" / "{name}_scl.tif")
    for date in DATES:
        write_scene(tmp_path / "masks" / f"a_{date}_scl.tif", mask if date == DATES[1] else np.zeros_like(mask))
    return SceneOptions(mask=pattern, mask_values=(9,), stack=True, normalise_to=tmp_path / "trained")


@pytest.fixture
def labels(model: ClusteringModel, options: SceneOptions, tmp_path: Path) -> Any:
    """What `label` writes with the options."""
    report = latentclust.label(model, tmp_path / "new", tmp_path / "out", LabelOptions(**options.given))
    assert not report.failed
    found = read_band(tmp_path / "out" / "a.tif")
    assert not found[CLOUD].any()
    assert np.count_nonzero(found) == HEIGHT * WIDTH - 600
    return found


def test_a_preview_reads_scenes_as_label_does(
    model: ClusteringModel, options: SceneOptions, labels: Any, tmp_path: Path
) -> None:
    sample = sample_windows(model, choose_scenes(model, tmp_path / "new", options), 8)
    found = np.full_like(labels, 255)
    for window in sample.windows:
        (top, left), (rows, columns) = window.origin, window.kept
        found[top + rows.start : top + rows.stop, left + columns.start : left + columns.stop] = window.labels[
            rows, columns
        ]
    assert (found == labels).mean() > 0.995  # windows fill clouds alike, but round elsewhere
    np.testing.assert_array_equal(sample.counts, np.bincount(found.ravel(), minlength=5)[1:5])
    plain = sample_windows(model, choose_scenes(model, tmp_path / "new", SceneOptions(stack=True)), 8)
    assert plain.pixels == HEIGHT * WIDTH


def test_a_comparison_labels_and_reads_baselines_as_label_does(
    model: ClusteringModel, options: SceneOptions, labels: Any, tmp_path: Path
) -> None:
    reference = write_scene(tmp_path / "reference.tif", labels[None], nodata=0)
    found = compare_scene(model, str(tmp_path / "new"), reference, options=options)
    assert found.facts.metrics["accuracy"] == 1.0
    assert (found.pixels.labelled, found.pixels.compared) == (np.count_nonzero(labels),) * 2
    assert found.facts.protocol.data == "a_2020-01-01.tif and 2 more dates (7,200 pixels)"
    plain = compare_scene(model, str(tmp_path / "new"), reference, options=SceneOptions(stack=True))
    assert plain.facts.metrics["accuracy"] < 0.9
    assert plain.pixels.labelled == HEIGHT * WIDTH
    assert found.facts.baselines["pixel-kmeans"] != plain.facts.baselines["pixel-kmeans"]
    with pytest.raises(LatentclustError, match=r"--scene: .* is 3 scenes\. Give one raster"):
        compare_scene(model, str(tmp_path / "new"), reference)


def test_python_has_the_same_keywords() -> None:
    assert SceneOptions.model_fields.keys() == SceneOptionValues.__annotations__.keys()
    assert SceneOptions.model_fields.keys() <= LabelOptions.model_fields.keys()
