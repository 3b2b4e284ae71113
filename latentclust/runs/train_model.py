"""A trained model without a run folder: no report, no figures, no files."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from latentclust.assemble.resolve import Resolved
from latentclust.errors import InterruptedRunError, Issue, LatentclustError, RunFailedError
from latentclust.model.model import ClusteringModel
from latentclust.phases import phases_of
from latentclust.runs.fitted_model import trained_model
from latentclust.runs.run import open_experiment, warn
from latentclust.runs.train_opened import train_opened
from latentclust.specs.data import ImageSet
from latentclust.train.devices import choose_device
from latentclust.train.events import Listener, NullListener


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A trained model and the data that it was trained on.

    Attributes:
        model: The model, on the device of the training.
        data: The training data.
        rounds: Number of rounds of the training.
    """

    model: ClusteringModel
    data: ImageSet
    rounds: int


def train_model(resolved: Resolved, device: str = "auto", listener: Listener | None = None) -> TrainedModel:
    """Train a recipe as `run` does, to the same weights, and keep the model alone.

    A temporary folder holds the checkpoint. It is removed whatever happens.

    Args:
        resolved: The resolved recipe.
        device: Device: `auto`, `cpu`, `cuda` or `cuda:N`.
        listener: Receives progress events.

    Raises:
        LatentclustError: If the data or an option is invalid.
        RunFailedError: If training diverges or memory runs out.
        KeyboardInterrupt: If Ctrl-C, SIGTERM or SIGHUP stops the training.
    """
    devices = resolved.recipe.train.devices
    if devices > 1:
        what = f"is {devices}, but a training without a run folder uses one device"
        raise LatentclustError.at("train.devices", what, "Set it to 1, or use latentclust.run")
    choose_device(device, devices)
    listener = listener or NullListener()
    opened = open_experiment(resolved, phases_of(listener))
    warn(listener, resolved, opened[0])
    with TemporaryDirectory(prefix="latentclust-") as folder:
        try:
            trained, _ = train_opened(opened, Path(folder), device, listener, resume=False)
        except InterruptedRunError as stopped:
            what = stopped.issues[0].what
            raise KeyboardInterrupt(what) from None  # its advice is to resume, from a folder that is gone
        except RunFailedError as failed:
            raise RunFailedError(*(_without(folder, issue) for issue in failed.issues)) from failed
        model = trained_model(trained.experiment, trained.device, phases_of(listener))
    return TrainedModel(model, trained.experiment.data, trained.experiment.resolved.recipe.train.rounds)


def _without(folder: str, issue: Issue) -> Issue:
    """Return an issue without the clauses that name files of a folder that is gone."""
    what, fix = (
        mark.join(clause for clause in text.split(mark) if folder not in clause)
        for mark, text in (("; ", issue.what), (". ", issue.fix))
    )
    return Issue(issue.where, what, fix)
