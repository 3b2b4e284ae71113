"""The summary of a trained model: its recipe, what it reads, its networks and the names of its clusters."""

from typing import TYPE_CHECKING

from latentclust.cards import Card, Cells, Part
from latentclust.model.class_names import name_of

if TYPE_CHECKING:
    from latentclust.model.model import ClusteringModel

MAX_ROWS = 20
"""Maximum number of named clusters that are shown."""


def model_card(model: "ClusteringModel", title: str) -> Card:
    """Return a table of the properties of a model, and one of the names of its clusters if they have any."""
    recipe = model.resolved.recipe
    rows = [
        ["data", recipe.data.use],
        ["reads", _read(model)],
        ["inference", recipe.inference.use],
        *([f"network {name}", f"{_parameters(model, name):,} parameters"] for name in model.networks),
        ["device", str(model.device)],
    ]
    parts: list[Part] = [Cells("", (), rows, left=frozenset({0, 1}))]
    named = [cluster for cluster in range(1, model.clusters + 1) if cluster in model.names][:MAX_ROWS]
    if named:
        names = [[name_of(cluster, model.names), str(cluster)] for cluster in named]
        colours = {at: model.colours[name] for at, (name, _) in enumerate(names) if name in model.colours}
        caption = " ".join(model.naming)
        parts.append(Cells("names of clusters", ["name", "cluster (from 1)"], names, caption=caption, colours=colours))
    return Card(title, parts)


def _read(model: "ClusteringModel") -> str:
    """Return the images that a model reads."""
    if len(model.raw_shape) == 1:
        return f"vectors of {model.raw_shape[0]:,} values"
    channels, height, width = model.raw_shape
    bands = f" ({', '.join(model.bands.names)})" if model.bands and model.bands.names else ""
    size = "any size" if model.per_pixel else f"{height} x {width} pixels"
    return f"images of {size}, {channels} channel{'' if channels == 1 else 's'}{bands}"


def _parameters(model: "ClusteringModel", name: str) -> int:
    return sum(parameter.numel() for parameter in model.networks[name].parameters())
