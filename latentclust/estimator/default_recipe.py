"""Recipes for arrays: a system with networks and views that fit the shape of the samples."""

from collections.abc import Mapping
from typing import Any

from latentclust.errors import InvalidArgumentError, Issue
from latentclust.plugins.registry import Registry, installed
from latentclust.recipe.load import load_recipe
from latentclust.recipe.merge import KEPT_BY_HAND, Layered
from latentclust.tensors import Shape

SYSTEM = "dccs"
"""System of the default recipe."""

LEAST_SIDE = 16
"""Side in pixels that smaller images are enlarged to, because strided convolutions leave nothing of them."""

SMALL_SIDE = 40
"""Longest side in pixels of images for the two convolutions of `conv28`. Larger ones get more of them by `conv32`."""

ROUNDS = 600
"""Number of rounds of the default recipe."""

BATCH = 128

IMAGE_BACKBONES = ("conv28", "conv32")
"""Backbones of systems that another one can stand for, whatever their options."""

GENTLE_VIEW = (
    {"use": "affine", "rotation": 10.0, "scale": [0.9, 1.1], "aspect": [0.9, 1.1], "shear": 10.0, "shift": 0.06},
    {"use": "colour-jitter", "brightness": 0.2, "contrast": 0.2},
)
"""Augmentation of images that may be sensitive to direction and colour, as in the shipped recipe `digits`."""


def recipe_for(shape: Shape, count: int, n_clusters: int | None) -> dict[str, Any]:
    """Return the tables of a recipe for samples of a shape.

    It is DCCS. Of images, an augmented copy and a near neighbour should have the same cluster, of vectors two near
    neighbours.

    Args:
        shape: Shape of one sample: `(d,)`, or `(c, h, w)`.
        count: Number of samples.
        n_clusters: Number of clusters. None: the recipe sets none but the system's.
    """
    tables = system_for(SYSTEM, shape, count)
    learning_rate = {"lr": {"start": 1e-3, "end": 1e-4}}
    own: dict[str, Any] = {
        "name": "auto",
        "prior": {"style_dim": 10} | ({} if n_clusters is None else {"clusters": n_clusters}),
        "networks": {name: {"hidden": [256, 256]} for name in ("critic", "discriminator")},
        "players": {name: {"optimizer": learning_rate} for name in ("critic", "encoder")},
        "train": {"starts": {"count": 4, "fraction": 0.95}},
    }
    if len(shape) > 1:
        own["views"] = {"view": {"steps": list(GENTLE_VIEW)}}
        own["losses"] = {"neighbours": _of_neighbours()}
        own["tables"] = _neighbours(count)
    if len(shape) > 1 and tables["networks"]["encoder"]["use"] == "conv28":
        own["networks"]["encoder"] = {"channels": [32, 64], "dense": 512}
    return Layered(tables).over(own, "auto").tree


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
    tables["networks"] = {name: _network(table, shape) for name, table in tables["networks"].items()}
    tables["train"] = {**tables["train"], "batch_size": BATCH}
    if "stages" not in tables:
        tables["train"]["rounds"] = min(tables["train"].get("rounds", ROUNDS), ROUNDS)
    if len(shape) > 1:
        tables["data"] = {"size": LEAST_SIDE} if min(shape[1:]) < LEAST_SIDE else {}
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


def _network(table: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
    """Return a network that reads or draws samples of a shape, if the system's own cannot."""
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


def _of_neighbours() -> dict[str, Any]:
    return {
        "use": "augmentation-invariance",
        "player": "encoder",
        "weight": 2.0,
        "on": {"code_of_view": "code_of_neighbour"},
    }
