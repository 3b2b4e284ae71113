"""The training of a run, without its outputs."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import torch
from lightning_fabric import Fabric

from latentclust.assemble.experiment import Experiment
from latentclust.errors import InterruptedRunError, RunFailedError
from latentclust.phases import phases_of
from latentclust.runs.dataset_scores import score_dataset
from latentclust.runs.feature_banks import with_banks
from latentclust.runs.finish import TrainingResult
from latentclust.runs.fitted_model import trained_model
from latentclust.runs.kept_maps import with_kept_maps
from latentclust.runs.log_file import LogFile
from latentclust.runs.run_folder import METRICS
from latentclust.runs.start_figures import start_figures
from latentclust.runs.training_failure import training_failure
from latentclust.specs.data import ImageSet
from latentclust.stopping import stop_on_signals
from latentclust.train.callbacks import Callbacks
from latentclust.train.devices import describe, first_device
from latentclust.train.events import FeaturesListener, Listener, StopListener
from latentclust.train.fabric import make_fabric
from latentclust.train.followers import is_lost_peer
from latentclust.train.selection import Selection
from latentclust.train.starts import StartCallbacks, train
from latentclust.train.starts_file import StartsLog

ExperimentAndTest = tuple[Experiment, ImageSet]
"""An experiment and the data set that it is scored on."""


def train_opened(
    opened: ExperimentAndTest, folder: Path, device: str, listener: Listener, resume: bool
) -> tuple[TrainingResult, ImageSet]:
    """Train, and return the result with the data set that it is scored on. Other processes than the first one end here.

    Args:
        opened: The experiment, and the data set that it is scored on.
        folder: Folder of the checkpoint and of the log.
        device: Device: `auto`, `cpu`, `cuda` or `cuda:N`.
        listener: Receives progress events.
        resume: Whether to continue from the checkpoint in the folder.

    Raises:
        RunFailedError: If training diverges or memory runs out.
        InterruptedRunError: If Ctrl-C, SIGTERM or SIGHUP stops the training. A checkpoint has been written by then.
    """
    recipe = opened[0].resolved.recipe
    table = recipe.train
    place, phases = first_device(device, table.devices), phases_of(listener)
    opened = with_kept_maps(*with_banks(*opened, place, teller(listener)), place, phases)
    experiment, tested = opened
    started = time.perf_counter()
    fabric = make_fabric(device, table.devices)
    log = LogFile(folder / METRICS, listener)
    phases.begin("preparing the training")
    try:
        experiment, selection, starts = _train(
            opened, fabric, folder, log if fabric.is_global_zero else listener, resume
        )
    except (InterruptedRunError, RunFailedError):
        # All processes stop in the same round, and the first one reports it.
        if fabric.is_global_zero:
            raise
    except (MemoryError, OSError, RuntimeError) as error:
        failure = training_failure(error, recipe, fabric.device, folder)
        if failure is None:
            raise
        if not fabric.is_global_zero and is_lost_peer(error):
            raise SystemExit(failure.exit_code) from error  # The first process reports it.
        raise failure from error
    if not fabric.is_global_zero:
        raise SystemExit(0)
    seconds = time.perf_counter() - started
    selected, lines = selection.describe(table.rounds), log.of_start(starts.chosen) if starts else log.lines
    return TrainingResult(experiment, fabric.device, describe(fabric.device), seconds, selected, lines, starts), tested


def teller(listener: Listener) -> Callable[[str], None]:
    """Return what receives sentences about the progress of a feature bank."""
    return listener.on_features if isinstance(listener, FeaturesListener) else lambda text: None


def _train(
    opened: ExperimentAndTest, fabric: Fabric, folder: Path, listener: Listener, resume: bool
) -> tuple[Experiment, Selection, StartsLog | None]:
    """Train. Signals stop the training after a round."""
    experiment, tested = opened
    with ExitStack() as stack:
        notify = listener.on_stop if isinstance(listener, StopListener) else None
        should_stop = stack.enter_context(stop_on_signals(notify))
        stack.callback(listener.on_end)
        given = StartCallbacks(
            lambda trained: Callbacks(listener, should_stop, _curve(trained, tested, fabric.device)),
            lambda trained, names: start_figures(trained, fabric.device, names),
        )
        return train(experiment, fabric, folder, given, resume)


def _curve(experiment: Experiment, tested: ImageSet, device: torch.device) -> Callable[[], dict[str, float]]:
    """Return a function that scores the current weights on the test data, for the learning curve."""

    def curve() -> dict[str, float]:
        return dict(score_dataset(trained_model(experiment, device), tested).clustering.metrics or {})

    return curve
