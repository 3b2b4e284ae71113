"""What the values of a label raster mean: the name and the colour of each."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from latentclust.labelling.outputs.cog import Palette
from latentclust.labelling.windows.stitch import NO_DATA, label_type
from latentclust.model.class_names import NO_DATA as NO_DATA_NAME
from latentclust.model.class_names import classes_of, name_of
from latentclust.model.model import ClusteringModel
from latentclust.report.map_colours import LEVELS, cluster_colours

Colour = tuple[int, int, int, int]
"""Red, green, blue and alpha, 0 to 255."""

CLEAR: Colour = (0, 0, 0, 0)
"""Of no data."""


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """A value of a label raster.

    Attributes:
        value: In the raster.
        name: Of the cluster or class; `no data` of 0.
        colour: Red, green, blue and alpha, 0 to 255.
        clusters: Those that the value stands for, counted from 1; 0 of no data.
    """

    value: int
    name: str
    colour: Colour
    clusters: tuple[int, ...]

    @property
    def hex(self) -> str:
        """The colour as `#rrggbb`."""
        red, green, blue, _ = self.colour
        return f"#{red:02x}{green:02x}{blue:02x}"


@final
@dataclass(frozen=True, slots=True)
class Legend:
    """The values of a label raster, from 0, no data, without a gap.

    Attributes:
        entries: In the order of their values.
    """

    entries: tuple[LegendEntry, ...]

    @classmethod
    def from_clusters(cls, model: ClusteringModel) -> "Legend":
        """Of a raster of clusters; each has the colour given to its class, or else its own."""
        names = {cluster: name_of(cluster, model.names) for cluster in range(1, model.clusters + 1)}
        own = default_palette(model.clusters)
        entries = (LegendEntry(n, name, _colour(model.colours.get(name), own[n]), (n,)) for n, name in names.items())
        return cls((_nothing(), *entries))

    @classmethod
    def from_classes(cls, model: ClusteringModel) -> "Legend":
        """Of a raster of classes, which count from 1 in the order of their first cluster.

        Clusters of one name are a class; one without a name is a class of its own. Where a class was given no colour it
        has its first cluster's.
        """
        own = default_palette(model.clusters)
        classes = enumerate(classes_of(model.clusters, model.names).items(), start=1)
        entries = (LegendEntry(n, name, _colour(model.colours.get(name), own[of[0]]), of) for n, (name, of) in classes)
        return cls((_nothing(), *entries))

    @property
    def palette(self) -> Palette:
        """The colour of each value."""
        return {entry.value: entry.colour for entry in self.entries}

    @property
    def names(self) -> dict[int, str]:
        """The name of each value but that of no data."""
        return {entry.value: entry.name for entry in self.entries if entry.value != NO_DATA}

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        """The type of a raster that holds these values."""
        return label_type(len(self.entries) - 1)

    def lookup(self) -> NDArray[np.unsignedinteger]:
        """The value of each cluster, `(K + 1,)`, by the cluster's number; 0 of 0."""
        value_of = {cluster: entry.value for entry in self.entries for cluster in entry.clusters}
        return np.array([value_of[cluster] for cluster in range(len(value_of))], self.dtype)

    def as_json(self) -> list[dict[str, Any]]:
        """What a machine reads; no data is left out."""
        return [
            {"value": entry.value, "name": entry.name, "colour": entry.hex, "clusters": list(entry.clusters)}
            for entry in self.entries[1:]
        ]


def default_palette(clusters: int) -> Palette:
    """The colour of each label where none was given; no data is transparent."""
    levels = np.rint(cluster_colours(clusters) * LEVELS).astype(int).tolist()
    colours = {number: (red, green, blue, LEVELS) for number, (red, green, blue) in enumerate(levels, start=1)}
    return {NO_DATA: CLEAR, **colours}


def _nothing() -> LegendEntry:
    return LegendEntry(NO_DATA, NO_DATA_NAME, CLEAR, (NO_DATA,))


def _colour(given: str | None, own: Colour) -> Colour:
    """A colour `#rrggbb`, or else another."""
    if given is None:
        return own
    red, green, blue = (round(level * LEVELS) for level in to_rgb(given))
    return red, green, blue, LEVELS
