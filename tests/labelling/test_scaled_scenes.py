"""Scenes whose headers have another scale or offset than the training data."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio

import latentclust
from latentclust.model.model import ClusteringModel
from tests.labelling.planted import noise_scene, read_band, write_scene

rioxarray = pytest.importorskip("rioxarray")

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # of rioxarray


def test_labels_are_the_same_with_and_without_an_offset(
    with_bands: Callable[..., ClusteringModel], tmp_path: Path
) -> None:
    model = with_bands(types=("uint16",), ranges=((0.0, 255.0),) * 3, scales=((1e-4, 0.0),) * 3)
    values = noise_scene(70, 80).astype(np.uint16)
    plain = write_scene(tmp_path / "plain.tif", values)
    shifted = write_scene(tmp_path / "shifted.tif", values + 1000)
    other = write_scene(tmp_path / "other.tif", values // 2 + 200)
    for path, scale, offset in ((plain, 1e-4, 0), (shifted, 1e-4, -0.1), (other, 2e-4, -0.04)):
        with rasterio.open(path, "r+") as file:
            file.scales, file.offsets = (scale,) * 3, (offset,) * 3
    even = write_scene(tmp_path / "even.tif", values // 2 * 2)
    report = latentclust.label(model, [plain, shifted, other, even], tmp_path / "out")
    labels = [read_band(tmp_path / "out" / path.name) for path in (plain, shifted, other, even)]
    np.testing.assert_array_equal(labels[0], labels[1])
    np.testing.assert_array_equal(labels[2], labels[3])
    array = rioxarray.open_rasterio(shifted)
    np.testing.assert_array_equal(latentclust.predict_dataarray(model, array).to_numpy() + 1, labels[1])
    assert len(np.unique(labels[0])) == 4
    assert ["converted" in " ".join(scene.warnings) for scene in report.scenes] == [False, True, True, False]
