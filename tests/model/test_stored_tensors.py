"""Tensors of a model file that no run wrote: unknown ones, and weights that overflow."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from latentclust.errors import LatentclustError
from latentclust.model.model_file import load, load_bytes, model_bytes, save_model
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


@pytest.mark.parametrize("name", ["other/x", "inference/x"])
def test_unknown_tensors_are_refused(tmp_path: Path, name: str) -> None:
    path = stored(tmp_path / "a.safetensors", "amortized", lambda found: found.update({name: torch.zeros(1)}))
    with pytest.raises(LatentclustError, match=f"has an unknown tensor '{name}'"):
        load(path)


def test_weights_that_overflow_give_no_clusters(tmp_path: Path) -> None:
    """All weights are finite, but no probability is."""

    def enlarge(tensors: dict[str, Tensor]) -> None:
        for name, tensor in tensors.items():
            if name.endswith("weight"):
                tensor.fill_(1e30)

    model = load(stored(tmp_path / "a.safetensors", "amortized", enlarge))
    with pytest.raises(LatentclustError, match="model: returns probabilities that are not finite"):
        model.predict(np.ones((3, *model.raw_shape), np.float32))


def test_the_bytes_of_a_model_are_those_of_its_file(tmp_path: Path) -> None:
    model = untrained("clustergan", "inference={use='amortized'}")
    save_model(tmp_path / "a.safetensors", model)
    content = (tmp_path / "a.safetensors").read_bytes()
    assert model_bytes(load_bytes(content)) == content == model_bytes(model)


@pytest.mark.parametrize("content", [b"", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ", b"\xff" * 40])
def test_bytes_that_are_no_model_are_refused_by_name(content: bytes) -> None:
    with pytest.raises(LatentclustError, match=r"^the pickle: is not a latentclust model"):
        load_bytes(content, where="the pickle")
