"""Progress of a labelling run: a bar on a terminal; elsewhere one line per scene, and one every 30 seconds."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from latentclust.cli.phase_progress import PhaseLines
from latentclust.cli.terminal import stderr_console
from latentclust.phases import Phase

if TYPE_CHECKING:
    from latentclust.labelling.label_report import LabelListener, SceneResult

BEGIN = "loading the model"
"""First phase."""

SECONDS = 30.0
"""Minimum number of seconds between lines within scenes."""


@contextmanager
def make_label_progress() -> "Iterator[LabelListener]":
    """Yield the listener that is suitable for the stream of messages."""
    console = stderr_console()
    if not console.is_interactive:
        with PhaseLines(console) as lines:
            lines.on_phase(Phase(BEGIN))
            yield LabelLineProgress(console, lines)
        return
    name = TextColumn("{task.description}", markup=False)
    columns = (SpinnerColumn(), name, BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[speed]}"))
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        bars = LabelBarProgress(bar)
        bars.on_phase(Phase(BEGIN))
        yield bars


class LabelBarProgress:
    """A progress bar of scenes, and one of the windows of started scenes with megapixels per second."""

    def __init__(self, bar: Progress) -> None:
        """Draw on `bar`."""
        self.bar = bar
        self.scenes = bar.add_task("scenes", total=None, speed="")
        self.windows: TaskID = bar.add_task("windows", total=None, speed="")
        self.failures = self.pixels = self.total = 0
        self.since = time.monotonic()

    def on_start(self, scenes: int, kept: int) -> None:
        """Set the number of scenes."""
        self.bar.update(self.scenes, total=scenes, speed=f"{kept} already done" if kept else "")

    def on_phase(self, phase: Phase) -> None:
        """Show what is done before, between and after the windows."""
        self.bar.update(self.windows, description=phase.name)

    def on_scene_start(self, name: str, windows: int) -> None:
        """Add the windows of a scene."""
        self.total += windows
        self.bar.update(self.windows, total=self.total, description=Path(name).name)

    def on_windows(self, count: int, pixels: int) -> None:
        """Advance the bar of windows."""
        self.pixels += pixels
        speed = self.pixels / 1e6 / max(time.monotonic() - self.since, 1e-9)
        self.bar.update(self.windows, advance=count, speed=f"{speed:.2f} megapixels/s")

    def on_scene_end(self, outcome: "SceneResult") -> None:
        """Count a scene."""
        self.failures += outcome.status == "failed"
        failed = f"{self.failures} failed" if self.failures else ""
        self.bar.update(self.scenes, advance=1, speed=failed)


class LabelLineProgress:
    """One line per scene, and one every `SECONDS` while long scenes are labelled."""

    def __init__(self, console: Console, phases: PhaseLines | None = None) -> None:
        """Print to `console`, and let `phases` print lines about what is not counted in windows."""
        self.console = console
        self.phases = phases
        self.total = self.number = 0
        self.windows = self.done = self.pixels = 0
        self.since = self.printed_at = time.monotonic()

    def on_start(self, scenes: int, kept: int) -> None:
        """Print the number of scenes."""
        self._pause()
        self.total = scenes
        noun = "scene" if scenes == 1 else "scenes"
        self._print(f"{scenes} {noun} to label" + (f", {kept} already done" if kept else ""))

    def on_phase(self, phase: Phase) -> None:
        """Print a line about what is done before, between and after the windows if it is due."""
        if self.phases is not None:
            self.phases.on_phase(phase)

    def on_scene_start(self, name: str, windows: int) -> None:
        """Add the windows of a scene."""
        self.windows += windows

    def on_windows(self, count: int, pixels: int) -> None:
        """Print the share of the started scenes' windows that are done, if the last line is old enough."""
        self._pause()
        self.done += count
        self.pixels += pixels
        now = time.monotonic()
        if now - self.printed_at >= SECONDS:
            share, speed = self.done / max(self.windows, 1), self.pixels / 1e6 / (now - self.since)
            self._print(f"{self.done:,}/{self.windows:,} windows ({share:.1%})  {speed:.2f} megapixels/s")

    def on_scene_end(self, outcome: "SceneResult") -> None:
        """Print the result of a scene."""
        self._pause()
        self.number += 1
        failed = f"{outcome.input} {outcome.status}: {outcome.reason}"
        text = outcome.output if outcome.status == "done" else failed
        self._print(f"scene {self.number}/{self.total}  {text}  {outcome.pixels:,} pixels  {outcome.seconds:.1f} s")

    def _pause(self) -> None:
        if self.phases is not None:
            self.phases.pause()

    def _print(self, words: str) -> None:
        self.printed_at = time.monotonic()
        self.console.print(words, soft_wrap=True)
