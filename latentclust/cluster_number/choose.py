"""The choice of the number of clusters: brief trainings of a recipe with several numbers, compared without labels."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from latentclust.cluster_number.brief_data import BriefData, open_data
from latentclust.cluster_number.chart import choice_chart
from latentclust.cluster_number.choice import Choice
from latentclust.cluster_number.choice_folder import CHART, PAGE, RESULT, TABLE, open_folder
from latentclust.cluster_number.choice_page import choice_page
from latentclust.cluster_number.cluster_range import parse_clusters
from latentclust.cluster_number.defaults import ROUNDS, SEEDS, SUBSAMPLE
from latentclust.cluster_number.k_scores import KScores, Results, read_results, score_each, used_numbers
from latentclust.cluster_number.settings import Recipe, Settings, check_settings
from latentclust.cluster_number.suggestion import Suggestion, suggest
from latentclust.cluster_number.tasks import KMeansTask, Task, do_tasks, task_file, tasks_left
from latentclust.cluster_number.train_briefly import criterion_of
from latentclust.errors import LatentclustError, RunFailedError
from latentclust.files import write_atomic
from latentclust.phases import SILENT, Phases
from latentclust.plugins.given import PluginSource
from latentclust.plugins.registry import use_plugins
from latentclust.recipe.overrides import Overrides
from latentclust.report.page.page import write_page
from latentclust.report.plotting import save_figure
from latentclust.runs.given_samples import given_samples
from latentclust.stopping import stop_on_signals

DENOMINATOR = 10_000
"""Largest denominator of a part of the rounds."""


def choose_k(  # noqa: PLR0913 (the options of the command)
    recipe: Recipe,
    clusters: str | Iterable[object],
    overrides: Overrides = (),
    *,
    images: Any = None,
    plugins: Sequence[PluginSource] = (),
    seeds: int = SEEDS,
    subsample: float = SUBSAMPLE,
    rounds_fraction: float = ROUNDS,
    out: str | Path | None = None,
    overwrite: bool = False,
    workers: int = 1,
    device: str = "auto",
    phases: Phases = SILENT,
) -> Choice:
    """Train a recipe briefly with several numbers of clusters, and suggest a range of them. No label is read.

    Each training is kept in the folder, and a call with the same settings continues there; numbers of clusters and
    seeds may be added. With several processes, a script must call this below `if __name__ == "__main__":`.

    Args:
        recipe: Path of a recipe, name of a shipped recipe, or the tables themselves.
        clusters: Numbers of clusters: a range `4..16`, with a step `4..16..2`, a list `4,6,8`, or integers.
        overrides: Changed values. A recipe is trained with one start unless they set `train.starts`.
        images: Samples that replace the data set of the recipe, as for `run`.
        plugins: Plugins that need not be installed, as for `run`. Several processes import them again.
        seeds: Number of seeds, at least 3. Two of them share a subsample.
        subsample: Part of the images in each subsample, in (0.5, 1].
        rounds_fraction: Part of the recipe's rounds, in (0, 1].
        out: Folder. Defaults to `runs/NAME-choose-k`.
        overwrite: Whether trainings in `out` with other settings may be replaced. Those with the same settings stay.
        workers: Number of processes.
        device: Device: `auto`, `cpu`, `cuda` or `cuda:N`.
        phases: Tells the progress.

    Raises:
        LatentclustError: If an option, the recipe or the data are invalid, before anything is written.
        RunFailedError: If all trainings of a recipe fail.
        InterruptedRunError: If Ctrl-C, SIGTERM or SIGHUP stops it. What is trained is kept.
    """
    numbers = parse_clusters(clusters)
    part = _part(rounds_fraction)
    given = given_samples(images)
    settings = Settings(recipe, overrides, numbers, seeds, subsample, part, device, given, tuple(plugins))
    check_settings(settings, workers)
    with use_plugins(settings.plugins):
        return _choose(settings, Path(out).expanduser() if out else None, overwrite, workers, phases)


def _choose(settings: Settings, out: Path | None, overwrite: bool, workers: int, phases: Phases) -> Choice:
    """Do the trainings that are left, and compare all of them."""
    data = open_data(settings, phases)
    name = data.experiment.resolved.recipe.name
    folder = out or Path("runs") / f"{name}-choose-k"
    with open_folder(folder, data, overwrite):
        _do(data, tasks_left(settings, folder), folder, workers, phases)
        results = read_results(data, folder)
        chance = [KMeansTask(number) for number in sorted(used_numbers(settings, results))]
        _do(data, [task for task in chance if not task_file(folder, task).exists()], folder, workers, phases)
        phases.begin("comparing")
        choice = _choice(data, folder, results)
        _write(choice)
    return choice


def _do(data: BriefData, left: Sequence[Task], folder: Path, workers: int, phases: Phases) -> None:
    """Do tasks, unless there are none."""
    if left:
        with stop_on_signals() as should_stop:
            do_tasks(data.prepared(phases), left, folder, workers, should_stop, phases)


def _part(rounds_fraction: float) -> Fraction:
    part = Fraction(rounds_fraction).limit_denominator(DENOMINATOR) if 0 < rounds_fraction <= 1 else Fraction(0)
    if not part:
        what = f"{rounds_fraction:g} is not a part of the rounds"
        raise LatentclustError.at("--rounds-fraction", what, "Use a number above 0 and at most 1")
    return part


def _choice(data: BriefData, folder: Path, results: Results) -> Choice:
    failed = [found.failed for found in results.values() if found.failed]
    if len(failed) == len(results):
        raise RunFailedError.at(
            str(folder), f"all {len(failed)} trainings failed: {failed[0]}", "Lower the learning rates"
        )
    scores = score_each(data, folder, results)
    return _with_facts(data, folder, scores, suggest(scores))


def _with_facts(data: BriefData, folder: Path, scores: Sequence[KScores], suggestion: Suggestion) -> Choice:
    settings, experiment = data.settings, data.experiment
    recipe = experiment.resolved.recipe
    points = "pixels" if len(experiment.data.source.shape) > 1 else "values"
    masked = experiment.data.valid is not None and experiment.data.valid.reads_labels
    return Choice(
        recipe=recipe.name,
        folder=folder,
        scores=tuple(scores),
        suggestion=suggestion,
        samples=len(experiment.data.source),
        compared=len(data.images),
        unit="images" if data.pixels is None else "pixels",
        seeds=settings.seeds,
        subsample=settings.subsample,
        rounds=recipe.train.rounds if recipe.losses else 0,
        rounds_fraction=float(settings.rounds),
        criterion=criterion_of(recipe),
        points="features" if experiment.features is not None else points,
        masked_by_labels=masked,
    )


def _write(choice: Choice) -> None:
    """Write the chart, the page, the table and last the numbers."""
    save_figure(choice_chart(choice), choice.folder / CHART)
    write_page(choice.folder / PAGE, choice_page(choice, (choice.folder / CHART).read_bytes()))
    write_atomic(choice.folder / TABLE, choice.markdown())
    write_atomic(choice.folder / RESULT, choice.json())
