"""Progress of phases: a bar with the remaining time on a terminal, a plain line now and then elsewhere."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import final

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from latentclust.cli.terminal import stderr_console
from latentclust.phases import Phase, Phases

SECONDS = 10.0
"""Number of seconds between plain lines."""

BAR = 20
"""Width of the bar in columns."""

MINUTE = 60
HOUR = 3600


@contextmanager
def show_phases(begin: str) -> Iterator[Phases]:
    """Yield phases that are shown on standard error, the first of which is `begin`."""
    console = stderr_console()
    shown = PhaseBar(console) if console.is_interactive else PhaseLines(console)
    shown.on_phase(Phase(begin))
    with shown:
        yield Phases(shown.on_phase)


def format_count(phase: Phase) -> str:
    """Return what is done of a phase: a number of units, or a share of steps. Empty if it cannot be counted."""
    if not phase.total:
        return ""
    if not phase.unit:
        return f"{phase.done / phase.total:.0%}"
    return f"{int(phase.done):,}/{phase.total:,} {phase.unit}"


def format_seconds(seconds: float) -> str:
    """Return a duration as `7 s`, `2:05` or `1:02:05`."""
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    minutes = f"{whole % HOUR // MINUTE}:{whole % MINUTE:02}"
    return minutes if whole < HOUR else f"{whole // HOUR}:{whole % HOUR // MINUTE:02}:{whole % MINUTE:02}"


@final
class _Times(ProgressColumn):
    """The elapsed time, and the remaining time where it is known."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        left = task.time_remaining if task.total and task.completed else None
        elapsed = format_seconds(task.elapsed or 0.0)
        return Text(elapsed if left is None else f"{elapsed}, {format_seconds(left)} left")


@final
class PhaseBar:
    """A line of a terminal with the current phase, its bar and its times. It disappears at the end."""

    def __init__(self, console: Console) -> None:
        """Draw on `console`."""
        whole = Column(no_wrap=True)
        self._bar = Progress(
            SpinnerColumn(style=""),
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
            BarColumn(BAR, style="default"),
            TextColumn("{task.fields[count]}", table_column=whole),
            _Times(table_column=whole),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("", total=None, count="")
        self._name = ""

    def __enter__(self) -> "PhaseBar":
        """Show the line."""
        self.show()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Clear the line."""
        self.hide()

    def show(self) -> None:
        """Show the line."""
        self._bar.start()

    def refresh(self) -> None:
        """Draw the line now."""
        self._bar.refresh()

    def hide(self) -> None:
        """Clear the line, so that another bar can be shown."""
        self._bar.stop()

    def on_phase(self, phase: Phase) -> None:
        """Show a phase: the line is drawn some times a second."""
        if phase.name != self._name or not phase.done:
            self._name = phase.name
            self._bar.reset(self._task, total=phase.total, description=phase.name, count=format_count(phase))
        self._bar.update(self._task, completed=phase.done, total=phase.total, count=format_count(phase))


@final
class PhaseLines:
    """Plain lines about phases that take long: one whenever nothing was printed for `SECONDS`."""

    def __init__(self, console: Console, prefix: str = "") -> None:
        """Print to `console`, each line after `prefix`."""
        self._console = console
        self.prefix = prefix
        self._phase: Phase | None = None
        self._printed_at = self._began = time.monotonic()
        self._ended = threading.Event()
        self._lock = threading.Lock()

    def __enter__(self) -> "PhaseLines":
        """Print lines from now on."""
        threading.Thread(target=self._print_until_the_end, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Print nothing any more."""
        self.pause()
        self._ended.set()

    def on_phase(self, phase: Phase) -> None:
        """Remember the phase."""
        with self._lock:
            now = time.monotonic()
            if self._phase is None:
                self._printed_at = now
            if self._phase is None or self._phase.name != phase.name or not phase.done:
                self._began = now
            self._phase = phase

    def pause(self) -> None:
        """Print nothing until the next phase."""
        with self._lock:
            self._phase = None

    def print_if_due(self, now: float) -> None:
        """Print the current phase if nothing was printed for `SECONDS`."""
        with self._lock:
            if self._phase is None or now - self._printed_at < SECONDS:
                return
            self._printed_at = now
            self._console.print(self.prefix + _line(self._phase, now - self._began), soft_wrap=True)

    def _print_until_the_end(self) -> None:
        while not self._ended.wait(1.0):
            self.print_if_due(time.monotonic())


def _line(phase: Phase, elapsed: float) -> str:
    """Return a phase with what is done of it, and the remaining or else the elapsed time."""
    count = format_count(phase)
    counted = f": {count}" if count else ""
    if not phase.total or not phase.done:
        return f"{phase.name}{counted}, for {format_seconds(elapsed)}"
    return f"{phase.name}{counted}, {format_seconds(elapsed / phase.done * (phase.total - phase.done))} left"
