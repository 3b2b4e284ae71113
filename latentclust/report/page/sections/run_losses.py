"""The section of the losses of several runs, one chart a loss with a line for each run."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, ClassVar, final

from matplotlib.colors import to_hex

from latentclust.report.colours import map_colours
from latentclust.report.compared_runs import ComparedRun
from latentclust.report.page.section import ECHARTS, Script, Section
from latentclust.report.training_log import Curve

MOST_POINTS = 12_000
"""Maximum number of points of all lines of a section."""

MOST_RUNS = 20
"""Maximum number of runs, the first ones."""


@dataclass(frozen=True, slots=True)
class LossLine:
    """A loss of a run.

    Attributes:
        run: Position of the run.
        points: Rounds and values.
    """

    run: int
    points: Curve

    @property
    def ends(self) -> str:
        """First and last value as text."""
        return f"{self.points[0][1]:.4g} → {self.points[-1][1]:.4g}"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RunLosses(Section):
    """Losses of several runs.

    Attributes:
        runs: Name and colour of each run.
        losses: Lines of each loss by its name.
    """

    key: str = "losses"
    title: str = "Losses"
    template: ClassVar[str] = "run_losses.html"
    script: ClassVar[str] = "run-losses.js"
    style: ClassVar[str] = "run-losses.css"
    libraries: ClassVar[tuple[Script, ...]] = (ECHARTS,)
    runs: Sequence[tuple[str, str]]
    losses: Sequence[tuple[str, Sequence[LossLine]]]

    def data(self) -> dict[str, Any]:
        """Return runs, and points of each line."""
        return {
            "runs": [{"name": name, "colour": colour} for name, colour in self.runs],
            "losses": [
                [{"run": line.run, "points": [[at, _short(value)] for at, value in line.points]} for line in lines]
                for _, lines in self.losses
            ],
        }

    def cells(self, lines: Sequence[LossLine]) -> list[str]:
        """Return first and last value of each run as text; a dash for a run without the loss."""
        known = {line.run: line.ends for line in lines}
        return [known.get(at, "–") for at in range(len(self.runs))]


def run_losses_section(runs: Sequence[ComparedRun], key: str, title: str) -> RunLosses | None:
    """Return the losses of runs over each other. None if no run has logged any.

    Args:
        runs: The runs.
        key: Key of the section.
        title: Heading of the section.
    """
    shown = runs[:MOST_RUNS]
    names = list(dict.fromkeys(name for run in shown for name in run.losses))
    total = sum(len(curve) for run in shown for curve in run.losses.values())
    step = max(1, -(-total // MOST_POINTS))
    losses = []
    for name in names:
        lines = [LossLine(at, _thin(run.losses[name], step)) for at, run in enumerate(shown) if name in run.losses]
        if lines := [line for line in lines if line.points]:
            losses.append((name, lines))
    colours = [to_hex(colour) for colour in map_colours(len(shown))]
    named = list(zip([run.name for run in shown], colours, strict=True))
    return RunLosses(key=key, title=title, runs=named, losses=losses) if losses else None


def _thin(curve: Curve, step: int) -> Curve:
    """Return every `step`-th finite point, with the last one."""
    known = [(at, value) for at, value in curve if isfinite(value)]
    return known[(len(known) - 1) % step :: step]


def _short(value: float) -> float:
    return float(f"{value:.5g}")
