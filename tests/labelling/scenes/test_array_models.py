"""A model of arrays with a value range labels rasters of these values."""

import numpy as np

from latentclust.labelling.scenes.reader import band_reading
from latentclust.labelling.windows.array_labels import label_windows
from latentclust.labelling.windows.window_batches import ArrayWindows
from latentclust.runs.given_samples import given_samples
from latentclust.runs.run import load_resolved_recipe
from latentclust.runs.train_model import train_model


def test_values_are_scaled_as_in_training() -> None:
    images = np.random.default_rng(0).normal(1000, 50, (4, 3, 16, 16)).astype(np.uint16)
    images[:, :, :, 8:] += 1000
    changes = {"prior.clusters": 2, "inference.n_init": 1, "inference.sample": 500}
    model = train_model(load_resolved_recipe("rmnp", changes, given=given_samples(images)), "cpu").model
    reading = band_reading(model, "model")
    assert reading.ranges == ((float(images.min()), float(images.max())),) * 3
    expected = model.predict(model.read(images[:1])).labels[0].numpy()
    assert np.unique(expected).tolist() == [0, 1]
    for kind in ("uint16", "float32"):
        found = label_windows(model, ArrayWindows(images[0].astype(kind), reading, kind), (16, 16))
        np.testing.assert_array_equal(found, expected)
