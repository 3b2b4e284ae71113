"""Neighbours that are coupled by their contrast, around pixels without data, in windows of any size."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from latentclust import PixelClusterer
from latentclust.data.scenes.inputs import scene_from_file
from latentclust.infer.posteriors import posterior_of
from latentclust.labelling.chosen_scenes import ChosenScenes
from latentclust.labelling.clusters.window_sample import sample_windows
from latentclust.labelling.label_settings import make_settings
from latentclust.labelling.windows.array_labels import label_array
from latentclust.labelling.windows.memory import window_bytes
from latentclust.labelling.windows.strips import PixelBounds
from latentclust.labelling.windows.tensor_bytes import TensorBytes
from latentclust.labelling.windows.window_batches import ArrayWindows
from latentclust.tensors import Images, Mask
from tests.labelling.planted import write_scene

HEIGHT, WIDTH = 50, 57
OPTIONS = {
    "data.window": 16,
    "data.windows": 8,
    "data.nodata": 0,
    "prior.coupling": 2.0,
    "inference.n_init": 1,
    "inference.sample": 500,
    "inference.smoothing": 3,
    "inference.contrast": 1.0,
}


@pytest.fixture(scope="module")
def fitted() -> PixelClusterer:
    scene = np.random.default_rng(0).normal(1000, 300, (2, HEIGHT, WIDTH))
    scene[:, :, 30:] += 500
    scene[:, 20:33, 9:48] = 0
    scene = scene.round().astype(np.uint16)
    clusterer = PixelClusterer(n_clusters=3, overrides=OPTIONS, random_state=0, device="cpu").fit(scene)
    clusterer.scene = scene
    return clusterer


def labelled(fitted: PixelClusterer, tile: int) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    model = fitted.model_
    assert model.bands is not None
    settings = make_settings(model, model.bands, tile=tile, batch=4)
    source, confidence = ArrayWindows(fitted.scene, model.bands, "uint16"), np.zeros((HEIGHT, WIDTH), np.uint8)
    rows, columns = settings.grid.rows(HEIGHT), settings.grid.columns(WIDTH)
    bounds = PixelBounds(0, 0, HEIGHT, WIDTH)
    return label_array(settings, source, rows, columns, bounds, "scene", confidence), confidence


def test_labels_and_confidence_do_not_depend_on_the_size_of_windows(fitted: PixelClusterer) -> None:
    whole, confidence = labelled(fitted, 64)
    assert make_settings(fitted.model_, fitted.model_.bands, tile=16).grid.radius == 4  # 3 steps and means
    for tile in (16, 24):
        labels, same = labelled(fitted, tile)
        np.testing.assert_array_equal(labels, whole)
        assert np.abs(same.astype(int) - confidence).max() <= 1  # rounding of a byte
    np.testing.assert_array_equal(fitted.predict(fitted.scene[None])[0], whole)


def test_a_preview_has_the_labels_of_the_labelling_around_nodata(fitted: PixelClusterer, tmp_path: Path) -> None:
    whole, _ = labelled(fitted, 64)
    scene = scene_from_file(write_scene(tmp_path / "scene.tif", fitted.scene))
    assert fitted.model_.bands is not None
    sample = sample_windows(fitted.model_, ChosenScenes((scene,), fitted.model_.bands), 8)
    found = np.full(whole.shape, -1)
    for window in sample.windows:
        row, column = window.origin
        height, width = window.labels.shape
        found[row : row + height, column : column + width][window.kept] = window.labels[window.kept]
    np.testing.assert_array_equal(found - 1, whole)


def test_the_memory_of_a_window_is_estimated_above_what_a_coupled_mixture_takes(fitted: PixelClusterer) -> None:
    model, side = fitted.model_, 64
    assert model.bands is not None
    settings, rng = make_settings(model, model.bands, tile=side, batch=4), torch.Generator()
    raw, valid = Images(torch.rand(4, 2, side, side)), Mask(torch.rand(4, side, side) < 0.9)

    def call() -> None:
        posterior_of(model.inference, model.model, model.preprocess(raw, rng), model.state, rng, valid=valid)

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        call()
    with TensorBytes() as tensors:
        call()
    changes = [each.nbytes() for each in profiler.profiler.kineto_results.events() if each.name() == "[memory]"]
    peak = int(np.cumsum(changes).max())
    maps = 4 * 4 * side**2 * model.clusters
    assert peak > 4 * maps  # the estimate has two for what is read out and stitched
    assert 0.9 * peak < tensors.peak < 1.1 * peak
    assert peak < 4 * window_bytes(settings) < 3 * peak
