"""The section of curves over the rounds of a training: losses, or diagnostics of chains."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from latentclust.report.facts import RunFacts
from latentclust.report.page.section import ECHARTS, Json, Script, Section

MOST_POINTS = 12_000
"""Maximum number of points of all curves of a section. Curves with more have every n-th one."""

DIGITS = 5
"""Significant digits of a value."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A value over the rounds. It has only finite values.

    Attributes:
        name: Name of the value.
        rounds: Rounds, ascending.
        values: The value after each round.
    """

    name: str
    rounds: Sequence[int]
    values: Sequence[float]

    @property
    def summary(self) -> list[str]:
        """The name, and the first, lowest, highest and last value."""
        shown = (self.values[0], min(self.values), max(self.values), self.values[-1])
        return [self.name, *(f"{value:.4g}" for value in shown)]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Curves(Section):
    """Curves over the rounds of a training.

    Attributes:
        caption: What the curves are.
        curves: The curves, which share the zoom.
        thinned: Number of logged rounds for each point. 1 if all are there.
    """

    template: ClassVar[str] = "curves.html"
    script: ClassVar[str] = "curves.js"
    style: ClassVar[str] = "curves.css"
    libraries: ClassVar[tuple[Script, ...]] = (ECHARTS,)
    caption: str
    curves: Sequence[Curve]
    thinned: int

    @property
    def cells(self) -> list[list[str]]:
        """Header and rows of the table of values."""
        return [["", "first", "lowest", "highest", "last"], *(curve.summary for curve in self.curves)]

    def data(self) -> Json:
        """Return the points of each curve."""
        return [
            {"name": curve.name, "rounds": list(curve.rounds), "values": [_short(value) for value in curve.values]}
            for curve in self.curves
        ]


def training_curves(facts: RunFacts) -> list[Curves]:
    """Return the curves of the losses and of the chains of a run, each if there are any."""
    losses = curves_section("losses", "Losses", "Every loss term, unweighted, by round.", facts.history)
    caption = "The chains by round: energies and entropy in nats, clusters in use."
    chains = curves_section("chains", "Chains", caption, facts.diagnostics)
    return [section for section in (losses, chains) if section is not None]


def curves_section(key: str, title: str, caption: str, history: Sequence[Mapping[str, float]]) -> Curves | None:
    """Return the curves of logged values. None if there are none.

    Args:
        key: Key of the section.
        title: Heading of the section.
        caption: What the curves are, one sentence.
        history: One mapping per logged round, with `round` and values by name.
    """
    names = [name for name in dict.fromkeys(key for entry in history for key in entry) if name != "round"]
    found = []
    for name in names:
        points = [(int(entry["round"]), entry[name]) for entry in history if name in entry]
        points = [(number, value) for number, value in points if np.isfinite(value)]
        if points:
            found.append((name, points))
    if not found:
        return None
    step = -(-sum(len(points) for _, points in found) // MOST_POINTS)
    # The last point is always kept.
    kept = [(name, points[(len(points) - 1) % step :: step]) for name, points in found]
    curves = [Curve(name, [at for at, _ in points], [value for _, value in points]) for name, points in kept]
    return Curves(key=key, title=title, caption=caption, curves=curves, thinned=step)


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
