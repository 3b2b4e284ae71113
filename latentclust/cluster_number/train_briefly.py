"""One brief training: the training and the clusters of the compared samples, without scores, figures or a report."""

import math
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from latentclust.assemble.experiment import Experiment
from latentclust.assemble.start_plan import LOSSES, Criterion
from latentclust.cluster_number.brief_data import BriefData
from latentclust.cluster_number.settings import BriefTraining
from latentclust.cluster_number.training_result import TrainingResult
from latentclust.errors import RunFailedError, UnreadableCheckpointError, is_out_of_memory
from latentclust.recipe.schema import Recipe
from latentclust.runs.fitted_model import trained_model
from latentclust.runs.start_figures import start_figures
from latentclust.runs.training_failure import training_failure
from latentclust.train.callbacks import Callbacks
from latentclust.train.checkpoint_header import CHECKPOINT
from latentclust.train.events import NullListener, Record
from latentclust.train.selection import Selection
from latentclust.train.starts import StartCallbacks, train
from latentclust.train.starts_file import STARTS

ShouldStop = Callable[[], bool]

AGAIN = "Run the same command again, also with changed data.workers: it continues from what is kept"
"""How trainings go on after a failure with a cause outside of the program."""


@dataclass(slots=True)
class LastLosses(NullListener):
    """Keeps the losses of the last record."""

    losses: dict[str, float] = field(default_factory=dict)

    def on_record(self, record: Record) -> None:
        """Keep the losses of a record."""
        self.losses = dict(record.losses)


def train_briefly(data: BriefData, training: BriefTraining, folder: Path, should_stop: ShouldStop) -> TrainingResult:
    """Train, and return the clusters of the compared samples. A training that diverges has no clusters.

    A training that was stopped continues at its checkpoint, which any failure keeps. It begins again if its checkpoint
    cannot be read.

    Args:
        data: Data of all trainings.
        training: The training.
        folder: Folder with the checkpoints of unfinished trainings, each in a folder that is removed in the end.
        should_stop: Returns True once the user asks to stop.

    Raises:
        LatentclustError: If the recipe cannot be trained with this number of clusters, or its data are gone.
        RunFailedError: If memory runs out, or a process that reads images is killed.
        InterruptedRunError: If the user stopped the training.
    """
    own = folder / Path(training.name).stem
    own.mkdir(parents=True, exist_ok=True)
    continued = any((own / name).exists() for name in (CHECKPOINT, STARTS))
    try:
        found = _continue(data, training, own, should_stop) if continued else None
        if found is None:
            found = _train(data, training, own, should_stop, continued=False)
            assert found is not None
        shutil.rmtree(own, ignore_errors=True)
    finally:
        with suppress(OSError):  # it holds a checkpoint, or is gone
            own.rmdir()
    return found


def _continue(data: BriefData, training: BriefTraining, folder: Path, should_stop: ShouldStop) -> TrainingResult | None:
    """Continue at a checkpoint. None if it cannot be read or is that of the last round; the folder is then empty."""
    try:
        found = _train(data, training, folder, should_stop, continued=True)
    except UnreadableCheckpointError as error:
        if error.__cause__ is not None and is_out_of_memory(error.__cause__):
            raise
        found = None
    if found is None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
    return found


def _train(
    data: BriefData, training: BriefTraining, folder: Path, should_stop: ShouldStop, continued: bool
) -> TrainingResult | None:
    """Train in a folder. None if it continued at a checkpoint of the last round, whose losses are lost."""
    began, listener = time.perf_counter(), LastLosses()
    experiment = data.experiment_of(training)
    device = data.fabric.device
    given = StartCallbacks(
        lambda _: Callbacks(listener, should_stop), lambda trained, names: start_figures(trained, device, names)
    )
    try:
        trained, selection, _ = train(experiment, data.fabric, folder, given, continued)
    except RunFailedError as error:
        failed = str(error).splitlines()[0]
        return TrainingResult(np.zeros(0, np.int64), time.perf_counter() - began, failed=failed)
    except (MemoryError, OSError, RuntimeError) as error:
        failure = training_failure(error, experiment.resolved.recipe, device, folder, AGAIN)
        if failure is None:
            raise
        raise failure from error
    if continued and not listener.losses:
        return None
    labels = data.labels_by(trained_model(trained, device))
    value = _criterion_value(experiment, selection, listener.losses)
    return TrainingResult(labels, time.perf_counter() - began, value, listener.losses)


def criterion_of(recipe: Recipe) -> str | None:
    """Return the name of the recipe's label-free criterion: what selects weights, or the first loss that ranks starts.

    None if it has neither.
    """
    if recipe.train.select_by != "last":
        return f"|{recipe.train.select_by}|"
    criteria = map(Criterion.parse, recipe.train.score_starts_by)
    return next((criterion.name for criterion in criteria if criterion.key.startswith(LOSSES)), None)


def _criterion_value(experiment: Experiment, selection: Selection, losses: dict[str, float]) -> float | None:
    name = criterion_of(experiment.resolved.recipe)
    if name is None:
        return None
    if experiment.resolved.recipe.train.select_by != "last" and math.isfinite(selection.score):
        return selection.score
    criterion = Criterion.parse(name)
    value = losses.get(criterion.key.removeprefix(LOSSES))
    return abs(value) if value is not None and criterion.magnitude else value
