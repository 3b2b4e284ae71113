"""The recipe of `recipe="auto"`: SCAN for vectors and small images, TEMI on a pretrained network for photographs."""

from typing import Any

from latentclust.cli.image_recipe import ENLARGED, LEAST_SIDE, SIDE, installed_weights
from latentclust.estimator.system_recipe import enlarged, image_backbone
from latentclust.plugins.registry import installed
from latentclust.tensors import Shape

PHOTOGRAPH_CHANNELS = 3
"""Channels of images that a network of photographs knows."""

VIEWS = (
    {"use": "affine", "rotation": 15.0, "scale": [0.8, 1.2], "aspect": [0.8, 1.25], "shear": 15.0, "shift": 0.08},
    {"use": "erase"},
    {"use": "colour-jitter", "brightness": 0.2, "contrast": 0.2},
)
"""Augmentation of images that may be sensitive to direction, as in the shipped recipe `digits-scan`: no flip."""

STAGES = {"pretext": {"rounds": 600}, "clustering": {"rounds": 200}, "self-labelling": {"rounds": 300}}
"""Rounds of the shipped recipe `mnist-scan`."""

NEIGHBOURS_OF_VECTORS, NEIGHBOURS_OF_IMAGES, NEIGHBOURS_OF_PHOTOGRAPHS = 10, 20, 50
"""Numbers of nearest neighbours of the systems `scan-vectors`, `scan` and `temi`."""


def recipe_for(shape: Shape, count: int) -> dict[str, Any]:
    """Return the tables of a recipe for samples of a shape.

    Photographs are colour images whose shorter side has at least 32 pixels, if the weights of a pretrained network are
    on this machine. No system is chosen by its result: the shape and the installed weights decide.

    Args:
        shape: Shape of one sample: `(d,)`, or `(c, h, w)`.
        count: Number of samples.
    """
    if len(shape) == 1:
        return {"schema": 1, "extends": "scan-vectors@1", "name": "auto"} | _neighbours(NEIGHBOURS_OF_VECTORS, count)
    here = installed_weights(installed())
    channels, *sides = shape
    if channels == PHOTOGRAPH_CHANNELS and min(sides) >= LEAST_SIDE and here is not None:
        name, weights = here
        return _of_photographs({"use": name, **weights.options}, min(sides), count)
    return _of_images(shape, count)


def _of_photographs(weights: dict[str, Any], side: int, count: int) -> dict[str, Any]:
    near = min(NEIGHBOURS_OF_PHOTOGRAPHS, count - 1)
    return {
        "schema": 1,
        "extends": "temi@1",
        "name": "auto",
        "features": {**weights, "size": min(SIDE, ENLARGED * side)},
        "inference": {"neighbours": near},
        **_neighbours(near, count),
    }


def _of_images(shape: Shape, count: int) -> dict[str, Any]:
    trunk = image_backbone({"use": "conv28", "norm": "batch", "activation": "relu"}, shape)
    narrow = {"channels": [32, 64], "dense": 256} if trunk["use"] == "conv28" else {}
    return {
        "schema": 1,
        "extends": "scan@1",
        "name": "auto",
        "data": enlarged(shape),
        "views": {"view": {"steps": list(VIEWS)}},
        "networks": {"trunk": {**trunk, **narrow}, "projector": {"hidden": [256, 64]}},
        "players": {"self-labelling": {"optimizer": {"lr": {"start": 3e-4, "end": 3e-5, "shape": "cosine"}}}},
        "stages": STAGES,
        **_neighbours(NEIGHBOURS_OF_IMAGES, count),
    }


def _neighbours(wanted: int, count: int) -> dict[str, Any]:
    return {"tables": {"neighbour": {"count": min(wanted, count - 1)}}}
