"""Progress of a training: a bar on a terminal, plain lines elsewhere. Importing it does not import torch."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from types import TracebackType

from rich.columns import Columns
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

from latentclust.cli.phase_progress import PhaseBar, PhaseLines
from latentclust.cli.terminal import stderr_console
from latentclust.phases import Phase
from latentclust.train.events import Leg, Record
from latentclust.train.rank import process_rank

SHARE = 0.05
"""Fraction of the rounds between two plain lines."""

BETWEEN_MOVES = 0.2
"""Minimum number of seconds between moves of the bar."""

STOPPING = "stopping: finishing this round to save it, press Ctrl-C again to stop at once"
"""Acknowledgement of a request to stop."""

SECONDS = 10.0
"""Maximum number of seconds between plain lines."""


def make_listener() -> "BarProgress | LineProgress":
    """Return a bar if messages go to a terminal, or plain lines. Processes started by another one print nothing."""
    if process_rank():
        return LineProgress(Console(quiet=True))
    console = stderr_console()
    return BarProgress(console) if console.is_interactive else LineProgress(console)


def format_losses(losses: dict[str, float]) -> str:
    """Return each loss term with its mean."""
    return "  ".join(f"{name} {value:.4g}" for name, value in losses.items())


def format_clusters(sizes: Sequence[int]) -> str:
    """Return the number of empty and near-empty clusters of given sizes; an empty text if there are none."""
    if not sizes:
        return ""
    import numpy as np

    from latentclust.evaluate.empty_clusters import find_empty

    found = find_empty(np.array(sizes))
    counts = {"empty": len(found.empty), "near-empty": len(found.near_empty)}
    return "  ".join(f"{count} of {len(sizes)} clusters {word}" for word, count in counts.items() if count)


def _describe_leg(leg: Leg) -> str:
    """Return the start that is trained, as a label."""
    return f"start {leg.start}, chosen of {leg.count}" if leg.chosen else f"start {leg.start} of {leg.count}"


class _Bar(Progress):
    """A progress bar with the losses below, on as many lines as they need."""

    losses: Sequence[str] = ()

    def get_renderables(self) -> Iterable[RenderableType]:
        """Yield the bar and the losses, none of which is broken."""
        yield from super().get_renderables()
        words = [Text(word, no_wrap=True) for word in self.losses]
        yield Padding(Columns(words, padding=(0, 2)), (0, 0, 0, 2))


class BarProgress:
    """A bar with rounds, images per second, remaining time and losses, and one for the phases before and after."""

    def __init__(self, console: Console) -> None:
        """Draw on `console`."""
        self.console = console
        self.label = "training"
        self.prefix = ""
        self.phases = PhaseBar(console)
        self.bar = self._new_bar()
        self.task = TaskID(0)
        self.clusters = ""
        self.shown_at = 0.0

    def seed(self, seed: int) -> "BarProgress":
        """Label the bar with the seed."""
        self.label, self.prefix = f"seed {seed}", f"seed {seed}: "
        return self

    def __enter__(self) -> "BarProgress":
        """Show the line of phases."""
        self.on_phase(Phase("setting up"))
        self.phases.show()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Clear both bars."""
        self.bar.stop()
        self.phases.hide()

    def on_phase(self, phase: Phase) -> None:
        """Show a phase before or after the training."""
        self.phases.on_phase(replace(phase, name=self.prefix + phase.name))

    def on_start(self, round_: int, rounds: int) -> None:
        """Show the bar of the training."""
        self.phases.hide()
        self.bar.stop()
        self.bar = self._new_bar()
        self.task = self.bar.add_task(self.label, total=rounds, completed=round_, speed="")
        self.bar.start()

    def on_record(self, record: Record) -> None:
        """Update the bar."""
        if record.cluster_sizes:
            self.clusters = format_clusters(record.cluster_sizes)
        parts = (record.stage, format_losses(record.losses), self.clusters)
        self.bar.losses = [word for part in parts for word in part.split("  ") if word]
        self.shown_at = time.monotonic()
        self.bar.update(self.task, completed=record.round, speed=f"{record.images_per_second:,.0f} images/s")

    def on_round(self, round_: int) -> None:
        """Move the bar, a few times a second."""
        now = time.monotonic()
        if now - self.shown_at >= BETWEEN_MOVES:
            self.shown_at = now
            self.bar.update(self.task, completed=round_)

    def on_leg(self, leg: Leg) -> None:
        """Label the bar with the start."""
        self.label = f"{self.prefix}{_describe_leg(leg)}"

    def on_warning(self, text: str) -> None:
        """Print the warning above the bar."""
        self.console.print(f"{self.prefix}warning: {text}", soft_wrap=True)

    def on_features(self, text: str) -> None:
        """Show the progress of a feature bank as a phase."""
        self.on_phase(Phase(text))

    def on_decision(self, text: str) -> None:
        """Print the decision above the bar."""
        self.bar.stop()
        self.console.print(self.prefix + text, soft_wrap=True)

    def on_stop(self) -> None:
        """Print above the bar that the training stops."""
        self.console.print(self.prefix + STOPPING, soft_wrap=True)

    def on_end(self) -> None:
        """Replace the bar by the line of phases: reading out, scoring and figures follow."""
        self.bar.stop()
        self.on_phase(Phase("saving"))
        self.phases.show()

    def _new_bar(self) -> _Bar:
        whole = Column(no_wrap=True)  # so that the bar alone becomes narrow
        columns = (
            TextColumn("{task.description}", markup=False, table_column=whole),
            BarColumn(bar_width=None),
            MofNCompleteColumn(table_column=whole),
            TextColumn("rounds  {task.fields[speed]}", table_column=whole),
            TimeRemainingColumn(table_column=whole),
        )
        return _Bar(*columns, console=self.console, transient=True)


class LineProgress:
    """Progress as plain lines, after every twentieth of the rounds or every ten seconds, also of the phases."""

    def __init__(self, console: Console) -> None:
        """Print to `console`."""
        self.console = console
        self.prefix = self.leg = self.clusters = ""
        self.phases = PhaseLines(console)
        self.start = self.last = 0
        self.printed_at = 0.0

    def seed(self, seed: int) -> "LineProgress":
        """Start each line with the seed."""
        self.prefix = self.phases.prefix = f"seed {seed}: "
        return self

    def __enter__(self) -> "LineProgress":
        """Print lines about phases from now on."""
        self.phases.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Print nothing any more."""
        self.phases.__exit__(kind, error, trace)

    def on_phase(self, phase: Phase) -> None:
        """Print a line about a phase before or after the training if it is due."""
        self.phases.on_phase(phase)

    def on_start(self, round_: int, rounds: int) -> None:
        """Print the number of rounds, or the round after which the training resumes."""
        self.phases.pause()
        self.start = self.last = round_
        self.printed_at = time.monotonic()
        self._print(f"training for {rounds} rounds" if not round_ else f"resuming after round {round_} of {rounds}")

    def on_record(self, record: Record) -> None:
        """Print a line if one is due."""
        if record.cluster_sizes:
            self.clusters = format_clusters(record.cluster_sizes)
        now = time.monotonic()
        due = record.round - self.last >= SHARE * record.rounds or now - self.printed_at >= SECONDS
        if due or record.round == record.rounds:
            self.last, self.printed_at = record.round, now
            self._print(
                f"round {record.round}/{record.rounds}{f' ({record.stage})' * bool(record.stage)}  "
                f"{format_losses(record.losses)}  {self.clusters}{'  ' * bool(self.clusters)}"
                f"{record.images_per_second:,.0f} images/s  {self._remaining(record):.0f} s left"
            )

    def on_leg(self, leg: Leg) -> None:
        """Start each line with the start."""
        self.leg = f"{_describe_leg(leg)}: "

    def on_warning(self, text: str) -> None:
        """Print the warning."""
        self._print(f"warning: {text}")

    def on_features(self, text: str) -> None:
        """Print the progress of a feature bank."""
        self._print(text)

    def on_decision(self, text: str) -> None:
        """Print the decision."""
        self.leg = ""
        self._print(text)

    def on_stop(self) -> None:
        """Print that the training stops."""
        self._print(STOPPING)

    def on_end(self) -> None:
        """Do nothing: the results follow."""

    def _remaining(self, record: Record) -> float:
        done = max(record.round - self.start, 1)
        return record.seconds / done * (record.rounds - record.round)

    def _print(self, text: str) -> None:
        self.console.print(self.prefix + self.leg + text, soft_wrap=True)
