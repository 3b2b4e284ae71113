"""Progress and summary of `latentclust data prepare`."""

from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from latentclust.cli.data_sets import build_dataset
from latentclust.cli.terminal import display_path, stderr_console
from latentclust.data.prepared.manifest import Manifest
from latentclust.data.prepared.prepare import Step, prepare
from latentclust.data.prepared.prepared_dataset import PreparedDatasetSpec
from latentclust.errors import InterruptedRunError, LatentclustError
from latentclust.plugins.registry import installed


class _PrepareProgress:
    """A progress bar on a terminal, or one plain line per unit elsewhere."""

    def __init__(self) -> None:
        self.console = stderr_console()
        self.done = self.kept = 0
        self.units = 0
        columns = (
            TextColumn("preparing"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("units  {task.description}", markup=False),
            TimeRemainingColumn(),
        )
        self.bar = Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal)
        self.task = self.bar.add_task("", total=None)

    def on_step(self, step: Step) -> None:
        """Move the bar, or print a line."""
        self.done, self.units = step.done, step.units
        self.kept += step.kept
        self.bar.update(self.task, completed=step.done, total=step.units, description=step.key)
        if not self.console.is_terminal:
            how = "verified" if step.kept else "written"
            line = f"{step.done}/{step.units} {step.key}: {_count(step.tiles, 'tile')} {how}"
            self.console.print(line, soft_wrap=True)


def prepare_dataset(name: str, settings: tuple[str, ...], origin: Path, target: Path) -> str:
    """Prepare a data set and return a summary.

    Raises:
        LatentclustError: If the data set needs no preparing, or for the same reasons as `prepare`.
        InterruptedRunError: If Ctrl-C stops it. Complete units are kept.
    """
    spec = build_dataset(installed(), name, settings)
    if not isinstance(spec, PreparedDatasetSpec):
        what = f"{name} is read from its original files and needs no preparing"
        raise LatentclustError.at("data prepare", what, f"Run `latentclust data inspect {name}`")
    progress = _PrepareProgress()
    try:
        with progress.bar:
            manifest = prepare(spec, origin, target, progress.on_step)
    except KeyboardInterrupt as stop:
        what = f"stopped after {progress.done} of {progress.units or '?'} units"
        raise InterruptedRunError.at(str(target), what, "Run the same command to resume") from stop
    return _summary(manifest, target, progress)


def _summary(manifest: Manifest, target: Path, progress: _PrepareProgress) -> str:
    kept = "" if not progress.kept else f", {progress.kept} of them verified and kept"
    tiles, units = _count(manifest.tiles, "tile"), _count(len(manifest.shards), "unit")
    lines = [
        f"{manifest.data_set} by {manifest.protocol}@{manifest.version} is in {display_path(target)}",
        f"  {tiles} of {' x '.join(map(str, manifest.shape))} from {units}{kept}",
        f"  {manifest.labelled:,} of them have labels and are scored"
        + (f": tiles {manifest.digest}" * bool(manifest.digest)),
    ]
    lines += [f"  skipped {count:,}: {reason}" for reason, count in sorted(manifest.skipped.items())]
    return "\n".join(lines)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
