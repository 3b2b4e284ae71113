"""Progress of a training: a bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterable
from types import TracebackType

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.status import Status
from rich.text import Text

from latentclust.cli.terminal import stderr_console
from latentclust.train.events import Record
from latentclust.train.rank import process_rank

SHARE = 0.05
"""Share of the rounds after which a plain line is due."""

SECONDS = 10.0
"""Seconds after which one is due anyway."""


def make_listener() -> "BarProgress | LineProgress":
    """The watch that suits where messages go; a silent one in a process that another one started."""
    if process_rank():
        return LineProgress(Console(quiet=True))
    console = stderr_console()
    return BarProgress(console) if console.is_terminal else LineProgress(console)


def format_losses(losses: dict[str, float]) -> str:
    """Each term's name and mean."""
    return "  ".join(f"{name} {value:.4g}" for name, value in losses.items())


class _Bar(Progress):
    """A bar, and below it the losses."""

    losses = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        """Both, one below the other."""
        yield from super().get_renderables()
        yield Text(f"  {self.losses}", style="dim", no_wrap=True, overflow="ellipsis")


class BarProgress:
    """A bar with rounds, images a second, remaining time and losses; gone when the training is over."""

    def __init__(self, console: Console) -> None:
        """Draws on `console`."""
        self.console = console
        self.label = "training"
        self.status = Status("setting up", console=console)
        self.bar = self._new_bar()
        self.task = TaskID(0)

    def seed(self, seed: int) -> "BarProgress":
        """Names the bar after the seed."""
        self.label = f"seed {seed}"
        return self

    def __enter__(self) -> "BarProgress":
        """Shows that something is going on."""
        self.status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leaves a clean terminal."""
        self.bar.stop()
        self.status.stop()

    def on_start(self, round_: int, rounds: int) -> None:
        """Opens the bar."""
        self.status.stop()
        self.bar = self._new_bar()
        self.task = self.bar.add_task(self.label, total=rounds, completed=round_, speed="")
        self.bar.start()

    def on_record(self, record: Record) -> None:
        """Moves it."""
        self.bar.losses = f"{record.stage}  {format_losses(record.losses)}".lstrip()
        self.bar.update(self.task, completed=record.round, speed=f"{record.images_per_second:,.0f} images/s")

    def on_end(self) -> None:
        """Takes it away; reading out and drawing follow."""
        self.bar.stop()
        self.status.update("reading out, scoring and drawing")
        self.status.start()

    def _new_bar(self) -> _Bar:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("rounds  {task.fields[speed]}"),
            TimeRemainingColumn(),
        )
        return _Bar(*columns, console=self.console, transient=True)


class LineProgress:
    """A line about every twentieth of the rounds, or every ten seconds."""

    def __init__(self, console: Console) -> None:
        """Prints to `console`."""
        self.console = console
        self.prefix = ""
        self.start = self.last = 0
        self.spoken = 0.0

    def seed(self, seed: int) -> "LineProgress":
        """Leads each line by the seed."""
        self.prefix = f"seed {seed}: "
        return self

    def __enter__(self) -> "LineProgress":
        """Nothing yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing any more."""

    def on_start(self, round_: int, rounds: int) -> None:
        """Says where it starts."""
        self.start = self.last = round_
        self.spoken = time.monotonic()
        self._say(f"training for {rounds} rounds" if not round_ else f"going on after round {round_} of {rounds}")

    def on_record(self, record: Record) -> None:
        """A line, if one is due."""
        now = time.monotonic()
        due = record.round - self.last >= SHARE * record.rounds or now - self.spoken >= SECONDS
        if due or record.round == record.rounds:
            self.last, self.spoken = record.round, now
            self._say(
                f"round {record.round}/{record.rounds}{f' ({record.stage})' * bool(record.stage)}  "
                f"{format_losses(record.losses)}  "
                f"{record.images_per_second:,.0f} images/s  {self._remaining(record):.0f} s left"
            )

    def on_end(self) -> None:
        """Nothing: the results follow."""

    def _remaining(self, record: Record) -> float:
        done = max(record.round - self.start, 1)
        return record.seconds / done * (record.rounds - record.round)

    def _say(self, words: str) -> None:
        self.console.print(self.prefix + words, markup=False, soft_wrap=True)
