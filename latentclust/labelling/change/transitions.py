"""Transitions between clusters: their codes in a change raster, their names and colours, and their areas."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentclust.labelling.outputs.legend import Legend, LegendEntry
from latentclust.labelling.windows.stitch import NO_DATA

MAX_CLUSTERS = 255
"""Maximum number of clusters whose transitions have codes of two bytes."""

UNCHANGED = (225, 225, 225, 255)
"""Colour of pixels whose cluster is the same."""


def transition_codes(before: NDArray[Any], after: NDArray[Any], clusters: int) -> NDArray[np.uint16]:
    """Return the codes `(h, w)` of transitions: (before - 1) K + after, and 0 where either is nodata.

    Args:
        before: Clusters counted from 1, `(h, w)`; 0 for nodata.
        after: The same at the later date.
        clusters: Number of clusters K.
    """
    valid = (before != NO_DATA) & (after != NO_DATA)
    codes = (before.astype(np.int32) - 1) * clusters + after
    return np.where(valid, codes, NO_DATA).astype(np.uint16)


def change_legend(clusters: Legend) -> Legend:
    """Return the legend of a change raster. A change has the colour of the later cluster; no change is grey."""
    nodata, *known = clusters.entries
    pairs = [(before, after) for before in known for after in known]
    entries = (
        LegendEntry(code, _name(before, after), UNCHANGED if before is after else after.colour, (code,))
        for code, (before, after) in enumerate(pairs, start=1)
    )
    return Legend((nodata, *entries))


def _name(before: LegendEntry, after: LegendEntry) -> str:
    return f"{before.name}, unchanged" if before is after else f"{before.name} to {after.name}"


@dataclass(frozen=True, slots=True)
class Transition:
    """The area that changed from one cluster or class to another, or stayed the same.

    Attributes:
        before: Value at the earlier date.
        before_name: Its name.
        after: Value at the later date.
        after_name: Its name.
        pixels: Number of pixels.
        area_m2: Area in square metres. None if it is unknown.
        share: Share of the area that is valid at both dates.
        share_of_before: Share of the area of the earlier cluster or class.
    """

    before: int
    before_name: str
    after: int
    after_name: str
    pixels: int
    area_m2: float | None
    share: float
    share_of_before: float

    @property
    def changed(self) -> bool:
        """Whether the two values differ."""
        return self.before != self.after

    def row(self) -> dict[str, Any]:
        """Return the transition as a JSON-serializable dict."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class TransitionMatrix:
    """The pixels and areas of all transitions. Rows are the earlier date, columns the later one.

    Attributes:
        names: Names of the values 1 to n.
        pixels: Number of pixels `(n, n)`.
        areas: Areas in square metres `(n, n)`; NaN if they are unknown.
    """

    names: Sequence[str]
    pixels: NDArray[np.int64]
    areas: NDArray[np.float64]

    @property
    def known(self) -> bool:
        """Whether areas are known."""
        return bool(np.isfinite(self.areas).all())

    @property
    def weights(self) -> NDArray[np.float64]:
        """Areas, or pixels if areas are unknown, `(n, n)`."""
        return self.areas if self.known else self.pixels.astype(np.float64)

    @property
    def changed_share(self) -> float:
        """Share of the area whose value changed."""
        return 1 - float(np.trace(self.weights) / self.weights.sum())

    def merged(self) -> "TransitionMatrix":
        """Return the matrix of classes: values of the same name are merged, in the order of their first value."""
        names = list(dict.fromkeys(self.names))
        member = np.array([[name == other for other in self.names] for name in names], np.int64)
        areas = np.full((len(names), len(names)), np.nan)
        if self.known:
            areas = member.astype(np.float64) @ self.areas @ member.T
        return TransitionMatrix(names, member @ self.pixels @ member.T, areas)

    def transitions(self) -> list[Transition]:
        """Return the transitions that occur, by the earlier and the later value."""
        weights, total = self.weights, self.weights.sum()
        rows = weights.sum(axis=1)
        return [
            Transition(
                before=row + 1,
                before_name=self.names[row],
                after=column + 1,
                after_name=self.names[column],
                pixels=int(self.pixels[row, column]),
                area_m2=float(self.areas[row, column]) if self.known else None,
                share=float(weights[row, column] / total),
                share_of_before=float(weights[row, column] / rows[row]),
            )
            for row, column in np.argwhere(self.pixels > 0).tolist()
        ]
