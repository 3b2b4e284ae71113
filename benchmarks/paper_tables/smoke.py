"""The budget `smoke`: a few rounds on generated data of the shape of a data set, to see that a row runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from latentclust.plugins.registry import installed
from latentclust.recipe.load import load_recipe
from latentclust.recipe.schema import DataTable

SAMPLES, CLASSES = 96, 5

SHAPES: Mapping[str, tuple[int, ...]] = {
    "10x-73k": (720,),
    "cifar10": (3, 32, 32),
    "coil20": (1, 32, 32),
    "coil100": (3, 32, 32),
    "digits": (1, 8, 8),
    "fashion-mnist": (1, 28, 28),
    "imagenet10": (3, 32, 32),
    "mnist": (1, 28, 28),
    "pendigits": (16,),
    "stl10": (3, 32, 32),
    "svhn": (3, 32, 32),
    "synthetic": (100,),
    "usps": (1, 16, 16),
    "ytf": (3, 32, 32),
}
"""Shape of a sample by data set, smaller than that of large photographs. `data.size` sets the side of others."""

TIMM = {"model": "test_resnet", "pretrained": "none", "size": 32}
"""Options of a small timm model without weights."""

INFERENCE: Mapping[str, Mapping[str, int]] = {
    "langevin-gibbs": {"steps": 2, "burn_in": 1, "sweeps": 2},
    "backprop-decoding": {"iterations": 2},
    "kmeans-on-code": {"n_init": 1},
    "kmeans-on-features": {"n_init": 1},
}
"""Options that make an inference quick."""


def small(source: str | Mapping[str, Any], settings: tuple[str, ...], folder: Path) -> dict[str, Any]:
    """Return the tables of a recipe with a few rounds on generated data, which are written to `folder`."""
    tree = load_recipe(source, installed(), settings).layered.tree
    shape = SHAPES[tree["data"]["use"]]
    side = tree["data"].get("size")
    shape = (shape[0], side, side) if side else shape
    kept = {key: value for key, value in tree["data"].items() if key in DataTable.model_fields and key != "use"}
    inference = tree["inference"] | INFERENCE.get(tree["inference"]["use"], {})
    evaluate = {key: value for key, value in tree.get("evaluate", {}).items() if key not in ("split", "every")}
    evaluate["readouts"] = [_quick(one) for one in evaluate.get("readouts", [])]
    networks = {name: table | (TIMM if table["use"] == "timm" else {}) for name, table in tree["networks"].items()}
    return tree | {
        "networks": networks,
        "data": kept | {"use": "array", "path": str(_generated(folder, shape))},
        "train": tree["train"] | {"rounds": 2, "batch_size": 16, "log_every": 1, "select_by": "last", "starts": 1},
        "inference": inference,
        "evaluate": evaluate | {"tsne": False, "batch_size": 96},
    }


def _quick(readout: str | Mapping[str, Any]) -> dict[str, Any]:
    table = {"use": readout} if isinstance(readout, str) else dict(readout)
    return table | INFERENCE.get(str(table["use"]), {})


def _generated(folder: Path, shape: tuple[int, ...]) -> Path:
    """Write noise whose brightness is its class, and return the file."""
    path = folder / f"smoke-{'x'.join(map(str, shape))}.npz"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        labels = np.arange(SAMPLES) % CLASSES
        noise = np.random.default_rng(0).integers(0, 100, (SAMPLES, *shape))
        samples = (noise + 30 * labels.reshape(-1, *(1 for _ in shape))).astype(np.uint8)
        stored = samples.transpose(0, 2, 3, 1) if len(shape) == 3 else samples / np.float32(255)
        np.savez(path, x=stored, y=labels)
    return path
