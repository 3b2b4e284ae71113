"""Codes and features of images: the posterior as one vector, and what the head of a network reads."""

import numpy as np
import pytest
import torch

from latentclust.errors import LatentclustError
from tests.model.test_model import untrained


@pytest.fixture(scope="module")
def digits():
    return untrained("dccs")


IMAGES = np.random.default_rng(0).integers(0, 256, (7, 8, 8), dtype=np.uint8)


def test_a_code_is_the_posterior_and_does_not_depend_on_batches(digits):
    expected, found = digits.predict(IMAGES), digits.embed(IMAGES, batch_size=3)
    torch.testing.assert_close(found.code, torch.cat([expected.probabilities, expected.style], dim=1))
    assert found.code.shape == (7, 10 + 2)
    assert found.features is None
    assert torch.equal(found.posterior.labels, expected.labels)


def test_the_head_of_the_encoder_reads_the_features(digits):
    found = digits.embed(IMAGES, features=True)
    assert found.features.shape == (7, 12)
    read = digits.networks["encoder"].head(found.features)
    torch.testing.assert_close(read[:, :10].softmax(dim=1), found.posterior.probabilities)


@pytest.mark.parametrize("inference", ["kmeans-on-code", "kmeans-on-features"])
def test_features_are_of_the_network_that_the_inference_reads(inference):
    model = untrained("clustergan", f"inference={{use='{inference}'}}")
    points = np.random.default_rng(1).random((5, 100), dtype=np.float32)
    name = "encoder" if inference == "kmeans-on-code" else "critic"
    expected = model.model.represent(name, torch.from_numpy(points))
    torch.testing.assert_close(model.embed(points, features=True).features, expected)


def test_a_model_without_such_a_network_has_a_code_alone():
    model = untrained("clustergan", "inference={use='backprop-decoding', iterations=1}")
    points = np.zeros((2, 100), np.float32)
    assert model.embed(points).code.shape == (2, model.clusters + model.resolved.prior.style_dim)
    with pytest.raises(LatentclustError, match="no features: its inference 'backprop-decoding'"):
        model.embed(points, features=True)


def test_label_maps_have_no_code(tmp_path):
    maps = np.random.default_rng(2).integers(0, 256, (16, 3, 16, 16), dtype=np.uint8)
    np.save(tmp_path / "maps.npy", maps)
    model = untrained("iic-pixel", f"data.path='{tmp_path / 'maps.npy'}'", "data.layout_of_images='chw'")
    with pytest.raises(LatentclustError, match="label maps, which have no code"):
        model.embed(maps)
