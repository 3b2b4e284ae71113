"""Neighbours that are coupled by their contrast, around pixels without data, in windows of any size."""

import numpy as np
import pytest

from latentclust import PixelClusterer
from latentclust.labelling.label_settings import make_settings
from latentclust.labelling.windows.array_labels import label_array
from latentclust.labelling.windows.strips import PixelBounds
from latentclust.labelling.windows.window_batches import ArrayWindows

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
