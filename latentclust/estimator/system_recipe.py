"""Recipes of a named system for arrays: its networks are replaced by ones that fit the shape of the samples."""

from collections.abc import Mapping
from typing import Any

from latentclust.errors import InvalidArgumentError, Issue
from latentclust.plugins.registry import Registry, installed
from latentclust.recipe.load import load_recipe
from latentclust.recipe.merge import KEPT_BY_HAND
from latentclust.tensors import Shape

LEAST_SIDE = 16
"""Side in pixels that smaller images are enlarged to, because strided convolutions leave nothing of them."""

SMALL_SIDE = 40
"""Longest side in pixels of images for the two convolutions of `conv28`. Larger ones get more of them by `conv32`."""

ROUNDS, STAGED_ROUNDS = 600, 1100
"""Most rounds of a training without and with stages: enough for some thousand samples."""

BATCH = 128

IMAGE_BACKBONES = ("conv28", "conv32")
"""Backbones of systems that another one can stand for, whatever their options."""


def system_for(system: str, shape: Shape, count: int) -> dict[str, Any]:
    """Return the tables of a system, with networks that read samples of a shape, and rounds for their number.

    Args:
        system: `NAME`, for its newest version, or `NAME@VERSION`.
        shape: Shape of one sample.
        count: Number of samples.

    Raises:
        InvalidArgumentError: If the system compares augmented images, but the samples are vectors.
    """
    registry = installed()
    tables = load_recipe({"extends": newest(system, registry), "name": system}, registry).layered.tree
    tables["networks"] = {name: image_backbone(table, shape) for name, table in tables["networks"].items()}
    tables["train"] = {**tables["train"], "batch_size": BATCH}
    stages, most = tables.get("stages", {}), STAGED_ROUNDS if "stages" in tables else ROUNDS
    rounds = tables["train"].get("rounds", sum(stage["rounds"] for stage in stages.values()) or most)
    tables["train"]["rounds"] = min(rounds, most)
    if len(shape) > 1:
        tables["data"] = enlarged(shape)
        return tables
    return _without_views(tables, system, count)


def known_systems(registry: Registry) -> dict[str, list[int]]:
    """Return the versions of each system, ascending."""
    found: dict[str, list[int]] = {}
    for part in registry.parts("system"):
        name, _, version = part.name.partition("@")
        found.setdefault(name, []).append(int(version))
    return {name: sorted(versions) for name, versions in found.items()}


def newest(system: str, registry: Registry) -> str:
    """Return `NAME@VERSION` of the newest version of a system, or the argument if it has a version."""
    return system if "@" in system else f"{system}@{known_systems(registry)[system][-1]}"


def enlarged(shape: Shape) -> dict[str, Any]:
    """Return the options of the data that enlarge images too small for the networks."""
    return {"size": LEAST_SIDE} if min(shape[1:]) < LEAST_SIDE else {}


def image_backbone(table: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
    """Return a network that reads or draws samples of a shape in place of one for images of 28 or 32 pixels."""
    if table.get("use") not in IMAGE_BACKBONES:
        return dict(table)
    kept = {key: value for key, value in table.items() if key in (*KEPT_BY_HAND, "norm", "output")}
    if len(shape) == 1:
        return {"use": "mlp", "hidden": [256, 256], **kept}
    if max(shape[1:]) <= SMALL_SIDE:
        return {**table, "use": "conv28"} | ({"padding": 1} if table.get("padding") == 0 else {})
    return {"use": "conv32", **kept}


def _without_views(tables: dict[str, Any], system: str, count: int) -> dict[str, Any]:
    """Return the tables for vectors: near neighbours stand for augmented copies."""
    if "views" not in tables:
        return tables
    if "augmentation" not in tables["losses"]:
        what = f"the system {system!r} compares augmented images, but these samples are vectors"
        raise InvalidArgumentError(Issue("recipe", what, "Use auto, dccs, clustergan or dls, or pass images"))
    del tables["views"]
    losses = dict(tables["losses"])
    losses["augmentation"] = {**losses["augmentation"], "on": {"code_of_view": "code_of_neighbour"}}
    return {**tables, "losses": losses, "tables": _neighbours(count)}


def _neighbours(count: int) -> dict[str, Any]:
    return {"neighbour": {"use": "nearest-neighbours", "count": min(5, count - 1)}}
