"""Planted models: one of images, whose cluster is that of their brightest pixel, and one of label maps."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from latentclust.assemble.build import build_networks
from latentclust.assemble.resolve import resolve
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import save_model
from latentclust.plugins.registry import installed
from latentclust.recipe.load import load_recipe
from tests.labelling.planted import planted_model

TABLES: dict[str, Any] = {
    "schema": 1,
    "name": "brightest-pixel",
    "extends": "clustergan@1",
    "data": {"use": "image-folder", "path": "nowhere", "labels": "none"},
    "prior": {"use": "one-hot-gaussian", "clusters": 4, "style_dim": 1},
    "networks": {name: {"use": "mlp", "hidden": []} for name in ("encoder", "generator", "critic")},
    "inference": {"use": "amortized"},
}


def brightest_pixel_model() -> ClusteringModel:
    """Images of 2 x 2 pixels; cluster q is that of images whose pixel q is the brightest."""
    registry = installed()
    resolved = resolve(load_recipe(TABLES, registry), registry)
    networks = build_networks(resolved, (1, 2, 2))
    (linear,) = (one for one in networks["encoder"].modules() if isinstance(one, torch.nn.Linear))
    with torch.no_grad():
        linear.weight.zero_()
        linear.bias.zero_()
        linear.weight[:4] = 10 * torch.eye(4)
    return ClusteringModel(resolved, (1, 2, 2), dict(networks.items()), {})


@pytest.fixture(scope="session")
def fresh_image_model(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of its file."""
    path = tmp_path_factory.mktemp("planted") / "model.safetensors"
    save_model(path, brightest_pixel_model())
    return path.read_bytes()


@pytest.fixture
def image_model(fresh_image_model: bytes, tmp_path: Path) -> Path:
    """A model file of images that a test may change."""
    path = tmp_path / "model.safetensors"
    path.write_bytes(fresh_image_model)
    return path


@pytest.fixture
def image_model_file(fresh_image_model: bytes, tmp_path: Path) -> Path:
    """The same in another place, beside a model of label maps."""
    path = tmp_path / "images.safetensors"
    path.write_bytes(fresh_image_model)
    return path


@pytest.fixture(scope="session")
def fresh_map_model(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a model of label maps."""
    path = tmp_path_factory.mktemp("planted") / "model.safetensors"
    save_model(path, planted_model())
    return path.read_bytes()


@pytest.fixture
def map_model(fresh_map_model: bytes, tmp_path: Path) -> Path:
    """A model file of label maps that a test may change."""
    path = tmp_path / "model.safetensors"
    path.write_bytes(fresh_map_model)
    return path


WriteLabels = Callable[..., Path]


@pytest.fixture
def write_labels(tmp_path: Path) -> WriteLabels:
    """Writes images, each given as its cluster from 1 and its class, and a table of their labels."""

    def write(pairs: Sequence[tuple[int, str]], name: str = "labels.csv", start: int = 0, separator: str = ",") -> Path:
        with (tmp_path / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=separator)
            writer.writerow(("path", "class"))
            for number, (cluster, class_) in enumerate(pairs, start=start):
                writer.writerow((write_image(tmp_path / "images", number, cluster), class_))
        return tmp_path / name

    return write


def write_image(folder: Path, number: int, cluster: int) -> str:
    """Write an image of a cluster, each number another one, and return its path relative to the folder above."""
    folder.mkdir(exist_ok=True)
    pixels = np.full(4, number % 200, np.uint8)
    pixels[cluster - 1] = 255
    Image.fromarray(pixels.reshape(2, 2)).save(folder / f"{number}.png")
    return f"{folder.name}/{number}.png"
