"""The section of the codes: maps in two dimensions, with the image under the pointer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from latentclust.report.page.section import ECHARTS, Json, Script, Section

STEPS = 9999
"""Largest coordinate of a point. Coordinates are rounded to whole numbers, which need few bytes."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Codes(Section):
    """Maps of codes in two dimensions.

    Attributes:
        slots: Slot of each point.
        maps: Coordinates `(m, 2)` of the points by the title of the map.
        labelled: Whether points can be coloured by class.
        cluster_colours: Colour of each cluster as `#rrggbb`.
        class_colours: Colour of each class.
        total: Number of samples of the data set.
    """

    key: str = "codes"
    title: str = "Codes"
    template: ClassVar[str] = "codes.html"
    script: ClassVar[str] = "codes.js"
    style: ClassVar[str] = "codes.css"
    libraries: ClassVar[tuple[Script, ...]] = (ECHARTS,)
    slots: Sequence[int]
    maps: Mapping[str, Float[np.ndarray, "m 2"]]
    labelled: bool
    cluster_colours: Sequence[str]
    class_colours: Sequence[str]
    total: int

    @property
    def has_tsne(self) -> bool:
        """Whether a map is a t-SNE, whose large distances mean little."""
        return any(title.startswith("t-SNE") for title in self.maps)

    def data(self) -> Json:
        """Return the slots and the coordinates of the points, on one scale for both axes."""
        return {
            "slots": list(self.slots),
            "maps": [{"title": title, "points": _whole(points)} for title, points in self.maps.items()],
            "clusterColours": list(self.cluster_colours),
            "classColours": list(self.class_colours),
        }


def _whole(points: Float[np.ndarray, "m 2"]) -> list[list[int]]:
    """Return whole coordinates of points. The larger axis fills the map, the smaller one is in the middle."""
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    span = float(np.ptp(points, axis=0).max()) or 1.0
    return [[int(x), int(y)] for x, y in np.rint(((points - middle) / span + 0.5) * STEPS)]
