"""The way from a recipe to a run's folder, once or for several seeds."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from latentclust.assemble.experiment import Experiment, assemble
from latentclust.assemble.resolve import Resolved, resolve
from latentclust.data.roots import data_roots
from latentclust.errors import InterruptedRunError, LatentclustError, RunFailedError
from latentclust.files import write_atomic
from latentclust.plugins.registry import installed
from latentclust.recipe.load import load_recipe
from latentclust.recipe.show import inline
from latentclust.report.facts import RunFacts
from latentclust.report.results import RunResult, SeedSummary, summarise, write_summary
from latentclust.runs.dataset_scores import score_dataset
from latentclust.runs.finish import TrainingResult, finish_run, trained_model
from latentclust.runs.log_file import LogFile
from latentclust.runs.report_facts import test_split
from latentclust.runs.run_folder import METRICS, RECIPE, new_folder
from latentclust.specs.data import ImageSet
from latentclust.stopping import stop_on_signals
from latentclust.train.devices import choose_device, describe, is_follower, make_fabric
from latentclust.train.events import Listener, NullListener
from latentclust.train.loop import Callbacks
from latentclust.train.selection import Selection
from latentclust.train.setup import prepare_training

Overrides = Mapping[str, Any] | Sequence[str]

Subject = tuple[Experiment, ImageSet]
"""What is trained, and the part of the data that is scored."""


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A run's folder and what was found.

    Attributes:
        folder: Holds recipe, log, model, assignments, figures, report and results.
        result: What `results.json` holds.
        facts: What the report was written from.
    """

    folder: Path
    result: RunResult
    facts: RunFacts


def run(
    recipe: str | Path | Mapping[str, Any],
    overrides: Overrides = (),
    *,
    out: str | Path | None = None,
    overwrite: bool = False,
    device: str = "auto",
    listener: Listener | None = None,
) -> FinishedRun:
    """Trains, reads out, scores and reports one recipe.

    Args:
        recipe: A path, the name of a shipped recipe, or the tables themselves.
        overrides: `{"train.rounds": 100}` or `["train.rounds=100"]`.
        out: The run's folder; by default `runs/NAME/DATE-TIME-SEED`.
        overwrite: Whether an earlier run in `out` may be replaced.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        listener: Hears of progress.

    Raises:
        LatentclustError: where recipe, data or options are at fault; before anything is written where that can be.
        RunFailedError: where training diverged or memory ran out.
        InterruptedRunError: where Ctrl-C or SIGTERM stopped it, after a checkpoint.
    """
    resolved = load_resolved_recipe(recipe, override_settings(overrides))
    choose_device(device, resolved.recipe.train.devices)
    subject = open_data(resolved)
    if is_follower():
        return _run(subject, Path(out or "runs"), device, NullListener(), resume=False)
    folder = new_folder(Path(out) if out else None, resolved.recipe.name, resolved.recipe.seed, overwrite)
    write_atomic(folder / METRICS, "")
    write_atomic(folder / RECIPE, resolved.loaded.text)
    return _run(subject, folder, device, listener or NullListener(), resume=False)


def resume(folder: str | Path, *, device: str = "auto", listener: Listener | None = None) -> FinishedRun:
    """Goes on with a run that was stopped or killed, from its last checkpoint; on the CPU to the same bits.

    Raises:
        LatentclustError: where the folder holds no run or no checkpoint.
    """
    path = Path(folder) / RECIPE
    if not path.is_file():
        raise LatentclustError.at(
            str(folder), "is no run's folder (no recipe.toml)", "Name the folder of a stopped run"
        )
    subject = open_data(load_resolved_recipe(path, ()))
    return _run(subject, Path(folder), device, listener or NullListener(), resume=True)


def run_seeds(
    recipe: str | Path | Mapping[str, Any],
    seeds: int,
    overrides: Overrides = (),
    *,
    out: str | Path | None = None,
    overwrite: bool = False,
    device: str = "auto",
    listener: Callable[[int], Listener] | None = None,
) -> tuple[Path, SeedSummary, list[FinishedRun]]:
    """The same recipe under several seeds, counted up from its own; each in `seed-N` of one folder.

    A seed that fails, such as one that diverges, does not stop the others: the summary names it.

    Raises:
        LatentclustError: as `run`.
        RunFailedError: where every seed failed.
    """
    first = load_resolved_recipe(recipe, override_settings(overrides))
    if first.recipe.train.devices > 1:
        fix = "Run each seed by itself with --set seed=N, or use train.devices = 1"
        raise LatentclustError.at("--seeds", f"{seeds} seeds with data-parallel training", fix)
    choose_device(device, 1)
    # Data at fault are refused before the folder is made.
    open_data(first)
    folder = new_folder(Path(out) if out else None, first.recipe.name, first.recipe.seed, overwrite)
    runs = []
    failed: dict[int, RunFailedError] = {}
    for seed in range(first.recipe.seed, first.recipe.seed + seeds):
        settings = (*override_settings(overrides), f"seed={seed}")
        watching = listener(seed) if listener else None
        try:
            runs.append(run(recipe, settings, out=folder / f"seed-{seed}", device=device, listener=watching))
        except RunFailedError as error:
            failed[seed] = error
    if not runs:
        raise RunFailedError(*(issue for error in failed.values() for issue in error.issues))
    summary = summarise([finished.result for finished in runs], {seed: str(error) for seed, error in failed.items()})
    write_summary(folder, summary)
    return folder, summary, runs


def load_resolved_recipe(recipe: str | Path | Mapping[str, Any], settings: tuple[str, ...]) -> Resolved:
    """A recipe loaded and resolved against everything that is installed."""
    return resolve(load_recipe(recipe, installed(), settings), installed())


def open_data(resolved: Resolved) -> Subject:
    """The experiment with its data opened, those that it is scored on too."""
    experiment = assemble(resolved, data_roots())
    return experiment, test_split(resolved, experiment.data, data_roots())


def override_settings(overrides: Overrides) -> tuple[str, ...]:
    """Overrides in the form of `--set`."""
    if isinstance(overrides, Mapping):
        return tuple(_setting(key, value) for key, value in overrides.items())
    return tuple(overrides)


def _setting(key: str, value: Any) -> str:
    try:
        return f"{key}={inline(str(value) if isinstance(value, Path) else value)}"
    except TypeError as error:
        fix = "Use numbers, strings, booleans, paths, and lists and mappings of them"
        raise LatentclustError.at(key, f"{value!r} cannot be written in a recipe", fix) from error


def _run(subject: Subject, folder: Path, device: str, listener: Listener, resume: bool) -> FinishedRun:
    """Trains and finishes; only the first process of a data-parallel run writes."""
    started = time.perf_counter()
    experiment, tested = subject
    table = experiment.resolved.recipe.train
    fabric = make_fabric(device, table.devices)
    if fabric.is_global_zero:
        listener = LogFile(folder / METRICS, listener)
    try:
        selection = _train(subject, fabric, folder, listener, resume)
    except (torch.OutOfMemoryError, MemoryError) as error:
        what = f"out of memory on {fabric.device} with train.batch_size = {table.batch_size}"
        raise RunFailedError.at("train.batch_size", what, "Lower it, or set data.resident = false") from error
    except (InterruptedRunError, RunFailedError):
        # All processes end so in the same round; the first tells it, which Fabric kills if another one fails.
        if fabric.is_global_zero:
            raise
    if not fabric.is_global_zero:
        raise SystemExit(0)
    seconds = time.perf_counter() - started
    trained = TrainingResult(
        experiment, fabric.device, describe(fabric.device), seconds, selection.describe(table.rounds)
    )
    facts, result = finish_run(trained, tested, folder)
    return FinishedRun(folder, result, facts)


def _train(subject: Subject, fabric: Fabric, folder: Path, listener: Listener, resume: bool) -> Selection:
    """Trains, while Ctrl-C and SIGTERM stop it after a round."""
    experiment, tested = subject
    with ExitStack() as stack:
        should_stop = stack.enter_context(stop_on_signals())
        stack.callback(listener.on_end)
        callbacks = Callbacks(listener, should_stop, _curve(experiment, tested, fabric.device))
        return prepare_training(experiment, fabric, folder, callbacks).run(resume)


def _curve(experiment: Experiment, tested: ImageSet, device: torch.device) -> Callable[[], dict[str, float]]:
    """The learning curve's metrics, of the present weights on the part of the data that is scored."""

    def curve() -> dict[str, float]:
        return dict(score_dataset(trained_model(experiment, device), tested).clustering.metrics or {})

    return curve
