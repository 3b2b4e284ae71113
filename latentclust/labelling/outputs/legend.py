"""The legend of a label raster: the name and colour of each value."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from PIL.ImageColor import getrgb

from latentclust.labelling.outputs.cog import Palette
from latentclust.labelling.windows.stitch import NO_DATA, label_type
from latentclust.model.class_names import NO_DATA_NAME, NamedClusters, classes_of, name_of
from latentclust.report.colours import LEVELS, cluster_colours

Colour = tuple[int, int, int, int]
"""Red, green, blue and alpha, 0 to 255."""

CLEAR: Colour = (0, 0, 0, 0)
"""Colour of nodata."""


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """A value of a label raster with its meaning.

    Attributes:
        value: Value in the raster.
        name: Name of the cluster or class, or `no data` for 0.
        colour: Red, green, blue and alpha, 0 to 255.
        clusters: Clusters that have the value, counted from 1. For nodata it is 0.
    """

    value: int
    name: str
    colour: Colour
    clusters: tuple[int, ...]

    @property
    def hex(self) -> str:
        """Colour as `#rrggbb`."""
        red, green, blue, _ = self.colour
        return f"#{red:02x}{green:02x}{blue:02x}"


@final
@dataclass(frozen=True, slots=True)
class Legend:
    """The consecutive values of a label raster. The first is 0, nodata.

    Attributes:
        entries: Entries in the order of their values.
    """

    entries: tuple[LegendEntry, ...]

    @classmethod
    def from_clusters(cls, model: NamedClusters) -> "Legend":
        """Return the legend of a raster of clusters. Clusters have the colours of their classes, or default colours."""
        names = {cluster: name_of(cluster, model.names) for cluster in range(1, model.clusters + 1)}
        defaults = default_palette(model.clusters)
        entries = (
            LegendEntry(n, name, _colour(model.colours.get(name), defaults[n]), (n,)) for n, name in names.items()
        )
        return cls((_nodata_entry(), *entries))

    @classmethod
    def from_classes(cls, model: NamedClusters) -> "Legend":
        """Return the legend of a raster of classes, counted from 1 in the order of their first cluster.

        Clusters with the same name form a class. A cluster without a name is a class alone. A class without a colour
        has the default colour of its first cluster.
        """
        defaults = default_palette(model.clusters)
        classes = enumerate(classes_of(model.clusters, model.names).items(), start=1)
        entries = (
            LegendEntry(n, name, _colour(model.colours.get(name), defaults[of[0]]), of) for n, (name, of) in classes
        )
        return cls((_nodata_entry(), *entries))

    @property
    def palette(self) -> Palette:
        """Colour of each value."""
        return {entry.value: entry.colour for entry in self.entries}

    @property
    def names(self) -> dict[int, str]:
        """Name of each value except nodata."""
        return {entry.value: entry.name for entry in self.entries if entry.value != NO_DATA}

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        """Data type of a raster with these values."""
        return label_type(len(self.entries) - 1)

    def lookup(self) -> NDArray[np.unsignedinteger]:
        """Return the value of each cluster, `(K + 1,)`, indexed by cluster number. Nodata stays 0."""
        value_of = {cluster: entry.value for entry in self.entries for cluster in entry.clusters}
        return np.array([value_of[cluster] for cluster in range(len(value_of))], self.dtype)

    def as_json(self) -> list[dict[str, Any]]:
        """Return the entries as JSON-serializable dicts, without nodata."""
        return [
            {"value": entry.value, "name": entry.name, "colour": entry.hex, "clusters": list(entry.clusters)}
            for entry in self.entries[1:]
        ]


def default_palette(clusters: int) -> Palette:
    """Return the default colour of each label. Nodata is transparent."""
    levels = np.rint(cluster_colours(clusters) * LEVELS).astype(int).tolist()
    colours = {number: (red, green, blue, LEVELS) for number, (red, green, blue) in enumerate(levels, start=1)}
    return {NO_DATA: CLEAR, **colours}


def _nodata_entry() -> LegendEntry:
    return LegendEntry(NO_DATA, NO_DATA_NAME, CLEAR, (NO_DATA,))


def _colour(given: str | None, default: Colour) -> Colour:
    """Parse a colour `#rrggbb`. Return the default if it is None."""
    if given is None:
        return default
    red, green, blue = getrgb(given)[:3]
    return red, green, blue, LEVELS
