"""The cutting of a large set into tiles, shown as it goes on, and what came of it in words."""

from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from latentclust.cli.data_sets import build_dataset
from latentclust.cli.terminal import display_path, stderr_console
from latentclust.data.prepared.manifest import Manifest
from latentclust.data.prepared.prepare import Step, prepare
from latentclust.data.prepared.prepared_dataset import PreparedDatasetSpec
from latentclust.errors import InterruptedRunError, LatentclustError
from latentclust.plugins.registry import installed


class _Watch:
    """A bar on a terminal, a plain line a unit elsewhere."""

    def __init__(self) -> None:
        self.console = stderr_console()
        self.done = self.kept = 0
        self.units = 0
        columns = (
            TextColumn("preparing"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("units  {task.description}"),
            TimeRemainingColumn(),
        )
        self.bar = Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal)
        self.task = self.bar.add_task("", total=None)

    def tell(self, step: Step) -> None:
        """Moves the bar, or prints a line."""
        self.done, self.units = step.done, step.units
        self.kept += step.kept
        self.bar.update(self.task, completed=step.done, total=step.units, description=step.key)
        if not self.console.is_terminal:
            how = "verified" if step.kept else "made"
            words = f"{step.done}/{step.units} {step.key}: {_count(step.tiles, 'tile')} {how}"
            self.console.print(words, markup=False, soft_wrap=True)


def prepare_dataset(name: str, settings: tuple[str, ...], origin: Path, target: Path) -> str:
    """Prepares a set, and says what it holds.

    Raises:
        LatentclustError: A set that is read as it is, and all that `prepare` objects to.
        InterruptedRunError: Ctrl-C; what was made so far is kept.
    """
    spec = build_dataset(installed(), name, settings)
    if not isinstance(spec, PreparedDatasetSpec):
        what = f"{name} is read from its own files and needs no preparing"
        raise LatentclustError.at("data prepare", what, f"Run `latentclust data inspect {name}`")
    watch = _Watch()
    try:
        with watch.bar:
            manifest = prepare(spec, origin, target, watch.tell)
    except KeyboardInterrupt as stop:
        what = f"stopped after {watch.done} of {watch.units or '?'} units"
        raise InterruptedRunError.at(str(target), what, "The same command goes on from there") from stop
    return _in_words(manifest, target, watch)


def _in_words(manifest: Manifest, target: Path, watch: _Watch) -> str:
    kept = "" if not watch.kept else f", {watch.kept} of them verified and kept"
    tiles, units = _count(manifest.tiles, "tile"), _count(len(manifest.shards), "unit")
    lines = [
        f"{manifest.data_set} by {manifest.protocol}@{manifest.version} is in {display_path(target)}",
        f"  {tiles} of {' x '.join(map(str, manifest.shape))} from {units}{kept}",
        f"  {manifest.labelled:,} of them have labels and are scored"
        + (f": tiles {manifest.digest}" * bool(manifest.digest)),
    ]
    lines += [f"  left out {count:,}: {reason}" for reason, count in sorted(manifest.skipped.items())]
    return "\n".join(lines)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
