"""Runs of a recipe: load, train, evaluate and report, for one seed or several."""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latentclust.assemble.experiment import Experiment, assemble
from latentclust.assemble.memory import memory_warning
from latentclust.assemble.remarks import recipe_remarks
from latentclust.assemble.resolve import Resolved, resolve
from latentclust.cards import Card, Shown
from latentclust.data.in_memory import GivenSamples
from latentclust.data.roots import data_roots
from latentclust.errors import LatentclustError
from latentclust.files import write_atomic
from latentclust.phases import SILENT, Phases, phases_of
from latentclust.plugins.given import PluginSource
from latentclust.plugins.registry import installed, use_plugins
from latentclust.recipe.load import load_recipe
from latentclust.recipe.overrides import Overrides
from latentclust.report.console import result_parts, run_headline
from latentclust.report.facts import RunFacts
from latentclust.report.results import RunResult
from latentclust.runs.finish import finish_run
from latentclust.runs.given_samples import given_samples, hold, with_samples
from latentclust.runs.plugin_sources import check_plugin_sources, write_plugin_sources
from latentclust.runs.report_facts import test_split
from latentclust.runs.run_folder import METRICS, RECIPE, lock_run, new_folder
from latentclust.runs.train_opened import ExperimentAndTest, train_opened
from latentclust.train.devices import choose_device, is_follower
from latentclust.train.events import Listener, NullListener, WarningListener


@dataclass(frozen=True, slots=True, repr=False)
class FinishedRun(Shown):
    """A finished run.

    Attributes:
        folder: Run folder with recipe, log, model, assignments, figures, report and results.
        result: Contents of `results.json`.
        facts: Facts that the report was written from.
    """

    folder: Path
    result: RunResult
    facts: RunFacts

    def _headline(self) -> str:
        return f"{run_headline(self.facts)}, in {self.folder}"

    def _card(self) -> Card:
        return Card(f"Run {run_headline(self.facts)}", [*result_parts(self.facts), f"All files are in {self.folder}"])


def run(  # noqa: PLR0913 (the settings of a run)
    recipe: str | Path | Mapping[str, Any],
    overrides: Overrides = (),
    *,
    images: Any = None,
    labels: Any = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    device: str = "auto",
    quick: bool = False,
    plugins: Iterable[PluginSource] = (),
    listener: Listener | None = None,
) -> FinishedRun:
    """Train a recipe, cluster its data, score the clusters and write a report.

    Threads of one process train one after another, because torch's generators belong to the process.

    Args:
        recipe: Path of a recipe, name of a shipped recipe, or the tables themselves.
        overrides: Changed values, `{"train.rounds": 100}` or `["train.rounds=100"]`.
        images: Samples that replace the data set of the recipe: vectors `(n, d)` or images `(n, h, w)`, `(n, c, h, w)`
            or `(n, h, w, c)` as a NumPy array, also memory-mapped, a torch tensor or a pandas DataFrame of numbers; or
            an opened `ImageSet` or `ImageSource`. Bytes have values from 0 to 255. Of other numbers, the recipe gets
            the smallest and the largest value as `data.range`, or 0 and 1 if all are within, unless an override sets
            it. Images are stored with 8 bits, as those of files.
        labels: Labels `(n,)` of `images`, numbers or texts; or label maps `(n, h, w)` of integers for a recipe of label
            maps. Missing ones are None, NaN, blank or -1. They are read by the evaluation only.
        out: Run folder. Defaults to `runs/NAME/DATE-TIME-SEED`.
        overwrite: Whether an earlier run in `out` may be replaced.
        device: Device: `auto`, `cpu`, `cuda` or `cuda:N`.
        quick: Whether this is a trial with a tenth of the recipe's rounds. The report says so.
        plugins: Plugins that need not be installed: .py files, names of modules, modules, or classes of parts. The
            class `ConfidencePenalty` is the part `confidence-penalty`.
        listener: Receives progress events.

    Raises:
        LatentclustError: If the recipe, the data, a plugin or an option is invalid. As far as possible this is found
            before anything is written.
        RunFailedError: If training diverges or memory runs out.
        InterruptedRunError: If Ctrl-C, SIGTERM or SIGHUP stops the run. A checkpoint has been written by then.
    """
    with ExitStack() as stack:
        stack.enter_context(use_plugins(plugins))
        given = given_samples(images, labels)
        resolved = load_resolved_recipe(recipe, overrides, quick=quick, given=given)
        choose_device(device, resolved.recipe.train.devices)
        opened = open_experiment(resolved, phases_of(listener))
        if is_follower():
            return _run(opened, Path(out or "runs"), device, NullListener(), resume=False)
        folder = make_folder(resolved, out, overwrite)
        stack.enter_context(lock_run(folder))
        write_atomic(folder / METRICS, "")
        write_atomic(folder / RECIPE, resolved.loaded.text)
        write_plugin_sources(folder, resolved.plugins)
        warn(listener, resolved, opened[0])
        return _run(opened, folder, device, listener or NullListener(), resume=False)


def resume(
    folder: str | Path,
    *,
    images: Any = None,
    labels: Any = None,
    device: str = "auto",
    plugins: Iterable[PluginSource] = (),
    listener: Listener | None = None,
) -> FinishedRun:
    """Resume a stopped or killed run from its last checkpoint.

    On the CPU the result is bit-for-bit the same as without a stop.

    Args:
        folder: Run folder.
        images: Samples of the run, if they were passed to `run`. They must have the same values.
        labels: Labels of `images`.
        device: Device: `auto`, `cpu`, `cuda` or `cuda:N`.
        plugins: Plugins that the run was started with, unchanged.
        listener: Receives progress events.

    Raises:
        LatentclustError: If the folder is not a run folder, contains no checkpoint or is written by another process, or
            the recipe, the data or a plugin have changed.
    """
    folder = Path(folder).expanduser()
    path = folder / RECIPE
    if not path.is_file():
        fix = "Name the folder of a stopped run"
        raise LatentclustError.at(str(folder), f"is not a run folder (no {RECIPE})", fix)
    with use_plugins(plugins) as registry, nullcontext() if is_follower() else lock_run(Path(folder)):
        check_plugin_sources(folder, registry)
        given, resolved = given_samples(images, labels), load_resolved_recipe(path)
        opened = open_experiment(hold(resolved, given) if given else resolved, phases_of(listener))
        return _run(opened, Path(folder), device, listener or NullListener(), resume=True)


def warn(listener: Listener | None, resolved: Resolved, experiment: Experiment) -> None:
    """Tell a listener that shows warnings what is remarkable about a recipe and its data."""
    if isinstance(listener, WarningListener):
        memory = memory_warning(resolved, experiment.shape)
        notes = (*experiment.data.notes, *((memory,) if memory else ()))
        for warning in (*resolved.loaded.layered.dropped.values(), *recipe_remarks(resolved), *notes):
            listener.on_warning(warning)


def load_resolved_recipe(
    recipe: str | Path | Mapping[str, Any],
    overrides: Overrides = (),
    *,
    quick: bool = False,
    given: GivenSamples | None = None,
) -> Resolved:
    """Load a recipe, with a tenth of its rounds for a quick trial, and resolve it against everything installed.

    Given samples replace its data set.
    """
    loaded = load_recipe(recipe, installed(), overrides, quick=quick)
    if given is None:
        return resolve(loaded, installed())
    return hold(resolve(with_samples(loaded, given), installed()), given)


def open_experiment(resolved: Resolved, phases: Phases = SILENT) -> ExperimentAndTest:
    """Assemble the experiment and open the data set that it is scored on."""
    experiment = assemble(resolved, data_roots(), phases)
    return experiment, test_split(resolved, experiment.data, data_roots())


def make_folder(resolved: Resolved, out: str | Path | None, overwrite: bool) -> Path:
    """Create the folder of a run. Raise LatentclustError if it is not empty or cannot be written."""
    recipe = resolved.recipe
    return new_folder(
        Path(out).expanduser() if out else None, recipe.name, recipe.seed, overwrite, trial=recipe.train.trial
    )


def _run(opened: ExperimentAndTest, folder: Path, device: str, listener: Listener, resume: bool) -> FinishedRun:
    """Train and write the outputs. Only the first process of a data-parallel run writes."""
    trained, tested = train_opened(opened, folder, device, listener, resume)
    facts, result = finish_run(trained, tested, folder, phases_of(listener))
    return FinishedRun(folder, result, facts)
