"""Tensors of a model file that no run wrote: unknown ones, another state of the inference, weights that overflow."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from latentclust.errors import LatentclustError
from latentclust.model.model_file import load, save_model
from tests.model.test_model import untrained

Change = Callable[[dict[str, Tensor]], None]


def stored(path: Path, inference: str, change: Change) -> Path:
    """Write a model whose tensors were changed."""
    save_model(path, untrained("clustergan", f"inference={{use='{inference}'}}"))
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata)
    return path


def halve(tensors: dict[str, Tensor]) -> None:
    tensors["inference/centroids"] = tensors["inference/centroids"][:2].clone()


def narrow(tensors: dict[str, Tensor]) -> None:
    tensors["inference/centroids"] = tensors["inference/centroids"][:, :2].clone()


@pytest.mark.parametrize(
    ("inference", "change", "said"),
    [
        ("amortized", lambda found: found.update({"other/x": torch.zeros(1)}), "has an unknown tensor 'other/x'"),
        (
            "amortized",
            lambda found: found.update({"inference/x": torch.zeros(1)}),
            "has x, which the inference does not",
        ),
        ("backprop-decoding", lambda found: found.update({"inference/x": torch.zeros(1)}), "has x, which a prior with"),
        ("kmeans-on-code", lambda found: found.pop("inference/centroids"), r"has the tensors variance, not centroids"),
        ("kmeans-on-code", lambda found: found["inference/variance"].zero_(), "has the variance 0"),
        ("kmeans-on-code", lambda found: found["inference/variance"].neg_(), "has the variance -"),
        ("kmeans-on-code", halve, r"has 2 centroids for \d+ clusters"),
        ("kmeans-on-features", halve, r"has 2 centroids for \d+ clusters"),
    ],
)
def test_tensors_that_the_inference_did_not_learn_are_refused(
    tmp_path: Path, inference: str, change: Change, said: str
) -> None:
    with pytest.raises(LatentclustError, match=rf"a\.safetensors: .*{said}"):
        load(stored(tmp_path / "a.safetensors", inference, change))


def test_centroids_of_other_values_than_the_points_are_refused(tmp_path: Path) -> None:
    model = load(stored(tmp_path / "a.safetensors", "kmeans-on-features", narrow))
    with pytest.raises(LatentclustError, match=r"inference: has centroids of 2 values, but the points have \d+"):
        model.predict(np.zeros((3, *model.raw_shape), np.float32))


def test_weights_that_overflow_give_no_clusters(tmp_path: Path) -> None:
    """All weights are finite, but no probability is."""

    def enlarge(tensors: dict[str, Tensor]) -> None:
        for name, tensor in tensors.items():
            if name.endswith("weight"):
                tensor.fill_(1e30)

    model = load(stored(tmp_path / "a.safetensors", "amortized", enlarge))
    with pytest.raises(LatentclustError, match="model: returns probabilities that are not finite"):
        model.predict(np.ones((3, *model.raw_shape), np.float32))
