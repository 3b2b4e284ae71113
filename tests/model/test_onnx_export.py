"""ONNX files of models: onnxruntime gives the same labels, and what cannot be recorded is refused."""

import json

import jaxtyping
import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from latentclust.bundled.views.local_statistics import LocalStatistics
from latentclust.errors import LatentclustError
from latentclust.model.onnx_export import _difference, _input_facts, export_onnx
from tests.model.test_model import untrained


@pytest.fixture(autouse=True)
def _sizes_may_be_symbols():
    """Switch the checks of annotations off: a recording has symbols as sizes, which are no integers."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def outputs(path, images):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return dict(zip([each.name for each in session.get_outputs()], session.run(None, {"images": images}), strict=True))


def metadata(path):
    return {each.key: each.value for each in onnx.load(path).metadata_props}


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    path = tmp_path_factory.mktemp("maps") / "maps.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (16, 3, 16, 16), dtype=np.uint8))
    return (f"data.path='{path}'", "data.layout_of_images='chw'")


def test_probabilities_labels_and_code_of_images_are_those_of_the_model(tmp_path):
    model = untrained("dccs", "inference={use='kmeans-on-code'}")
    written = model.export_onnx(tmp_path / "digits.onnx")
    images = np.random.default_rng(0).integers(0, 256, (5, 1, 8, 8), dtype=np.uint8)
    found, expected = outputs(written.path, images.astype(np.float32) / 255), model.embed(images)

    np.testing.assert_allclose(found["probabilities"], expected.posterior.probabilities, atol=1e-5)
    np.testing.assert_allclose(found["code"], expected.code, atol=1e-5)
    assert found["labels"].tolist() == expected.posterior.labels.tolist()
    assert written.largest_difference < 1e-4
    facts = metadata(written.path)
    assert facts["recipe_sha256"] == model.resolved.loaded.digest
    assert json.loads(facts["cluster_names"])[9] == "cluster 10"
    assert json.loads(facts["input"]) == {"shape": [1, 8, 8], "range": [0, 1], "stored": 255, "file_range": None}
    assert 1 <= written.clusters_compared <= 10
    assert str(tmp_path.home()).encode() not in written.path.read_bytes()


@pytest.mark.slow
def test_label_maps_have_any_size_that_the_stride_divides(maps, tmp_path):
    model = untrained("iic-pixel", *maps)
    path = model.export_onnx(tmp_path / "maps.onnx").path
    assert metadata(path)["stride"] == str(model.stride) == "2"
    for count, height, width in ((1, 20, 34), (3, 18, 16)):
        images = np.random.default_rng(1).integers(0, 256, (count, 3, height, width), dtype=np.uint8)
        found, expected = outputs(path, images.astype(np.float32) / 255), model.predict(images)
        np.testing.assert_allclose(found["probabilities"], expected.probabilities, atol=1e-5)
        assert found["labels"].shape == (count, height, width)


@pytest.mark.slow
def test_local_statistics_are_sums_that_onnxruntime_has(maps, tmp_path, monkeypatch):
    model = untrained("iic-pixel", *maps, "data.preprocess=[{use='local-statistics', window=5}]")
    # Tests check the types of its argument, whose sizes are symbols while a graph is recorded.
    monkeypatch.setattr(LocalStatistics, "output_shape", lambda self, shape: shape)
    path = model.export_onnx(tmp_path / "maps.onnx").path
    images = np.random.default_rng(1).integers(0, 256, (2, 3, 22, 30), dtype=np.uint8)
    found = outputs(path, images.astype(np.float32) / 255)
    np.testing.assert_allclose(found["probabilities"], model.predict(images).probabilities, atol=1e-5)


@pytest.mark.slow
def test_a_mixture_of_fitted_and_merged_components_is_recorded_with_its_factors(maps, tmp_path):
    mixture = "inference={use='gaussian-mixture', components=5, passes=0, smoothing=3}"
    settings = ("prior.coupling=0.5", "data.preprocess=[{use='standardise'}]", mixture)
    model = untrained("iic-pixel", *maps, *settings)
    path = model.export_onnx(tmp_path / "mixture.onnx").path
    images = np.random.default_rng(1).integers(0, 256, (2, 3, 40, 22), dtype=np.uint8)
    found = outputs(path, images.astype(np.float32) / 255)
    np.testing.assert_allclose(found["probabilities"], model.predict(images).probabilities, atol=1e-4)


def test_the_range_of_files_and_the_size_are_facts_of_their_own(tmp_path):
    np.save(tmp_path / "x.npy", np.linspace(-1, 3, 16 * 64).reshape(16, 8, 8))
    data = f"data={{use='array', path='{tmp_path / 'x.npy'}', range=[-1, 3], size=8}}"
    assert _input_facts(untrained("dccs", data)) == {
        "shape": [1, 8, 8], "range": [0, 1], "stored": 255, "file_range": [-1.0, 3.0], "resized_to": 8,
    }  # fmt: skip


def test_probabilities_that_are_not_numbers_are_other_results():
    probabilities = np.array([[0.9, 0.1]], np.float32)
    same = {"probabilities": probabilities, "labels": np.array([0])}
    assert _difference(same, probabilities) == 0
    with pytest.raises(LatentclustError, match="differ by up to nan"):
        _difference(same | {"probabilities": np.full((1, 2), np.nan, np.float32)}, probabilities)


@pytest.mark.parametrize(
    ("inference", "message"),
    [
        ("{use='backprop-decoding', iterations=2}", "'backprop-decoding' draws random numbers"),
    ],
)
def test_an_inference_that_samples_is_refused_and_nothing_is_written(tmp_path, inference, message):
    model = untrained("clustergan", f"inference={inference}")
    with pytest.raises(LatentclustError, match=message):
        export_onnx(model, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_random_numbers_that_are_not_declared_are_found(tmp_path, monkeypatch):
    model = untrained("clustergan", "inference={use='backprop-decoding', iterations=2}")
    monkeypatch.setattr(type(model.inference), "random", False)
    with pytest.raises(LatentclustError, match="draws random numbers"):
        export_onnx(model, tmp_path / "model.onnx")


@pytest.mark.slow
def test_a_graph_with_other_labels_is_refused(tmp_path, monkeypatch):
    model = untrained("dccs")
    others = type(model.inference).as_function

    def reversed_clusters(self, read, state):
        function = others(self, read, state)

        def compute(images):
            found = function(images)
            wrong = found.probabilities.flip(1) if torch.compiler.is_compiling() else found.probabilities
            return type(found)(wrong, found.style)

        return compute

    monkeypatch.setattr(type(model.inference), "as_function", reversed_clusters)
    with pytest.raises(LatentclustError, match="other labels on random images"):
        export_onnx(model, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []
