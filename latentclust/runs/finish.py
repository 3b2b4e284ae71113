"""After training: the model file, the assignments, the scores, the figures and the report."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from latentclust.assemble.experiment import Experiment
from latentclust.data.raster_windows import WindowSource
from latentclust.errors import Issue, LatentclustError, RunFailedError
from latentclust.files import write_atomic
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import save_model
from latentclust.report.document import write_report
from latentclust.report.facts import RunFacts
from latentclust.report.results import RunResult, write_results
from latentclust.runs.dataset_scores import DatasetScores, score_dataset
from latentclust.runs.draw_figures import draw_figures
from latentclust.runs.draw_map_figures import too_large
from latentclust.runs.log_file import read_log
from latentclust.runs.refit import refit
from latentclust.runs.report_facts import gather_facts
from latentclust.runs.run_folder import ASSIGNMENTS, METRICS, MODEL
from latentclust.specs.data import ImageSet
from latentclust.tensors import Posterior


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a training left behind.

    Attributes:
        device: Where inference runs.
        device_name: The same in words.
        seconds: Wall-clock time so far.
        selection: How the weights were chosen.
    """

    experiment: Experiment
    device: torch.device
    device_name: str
    seconds: float
    selection: str


def trained_model(experiment: Experiment, device: torch.device) -> ClusteringModel:
    """The experiment's networks as a model, its inference fitted to the training images."""
    source = experiment.data.source
    bands = source.windows.reading() if isinstance(source, WindowSource) else None
    unfitted = ClusteringModel(experiment.resolved, source.shape, experiment.networks, {}, device, bands=bands)
    return refit(unfitted, experiment.data)


def finish_run(trained: TrainingResult, tested: ImageSet, folder: Path) -> tuple[RunFacts, RunResult]:
    """Writes everything but the checkpoint and the log, and returns what the report says.

    Raises:
        RunFailedError: The model is saved, and its inference fails.
    """
    experiment = trained.experiment
    model = trained_model(experiment, trained.device)
    save_model(folder / MODEL, model)
    found, facts = _read(model, experiment, tested, folder)
    if found.posterior is not None:
        write_assignments(folder / ASSIGNMENTS, found.posterior)
    log = read_log(folder / METRICS)
    history = [{"round": float(line["round"]), **line["losses"]} for line in log]
    facts = replace(
        facts,
        device=trained.device_name,
        seconds=trained.seconds,
        selection=f"The model is {trained.selection}.",
        history=history,
        diagnostics=[{"round": float(line["round"]), **line["chains"]} for line in log if "chains" in line],
        oracle=_oracle(folder),
    )
    if said := too_large(experiment.resolved.dataset, tested):
        facts = replace(facts, warnings=(*facts.warnings, said))
    result = RunResult.from_facts(facts)
    write_results(folder, result)  # before anything is drawn, which may take long
    facts = replace(facts, figures=draw_figures(folder, model, tested, found.posterior, facts))
    write_report(folder, facts)
    return facts, result


def _read(
    model: ClusteringModel, experiment: Experiment, tested: ImageSet, folder: Path
) -> tuple[DatasetScores, RunFacts]:
    """The model's own reading and all that is said of it."""
    try:
        found = score_dataset(model, tested)
        return found, gather_facts(model, experiment.data, tested, found)
    except LatentclustError as error:
        what = "the model is trained and saved, and its inference failed"
        fix = f"Read it otherwise: latentclust evaluate {folder} --set inference.KEY=VALUE"
        raise RunFailedError(*error.issues, Issue(str(folder / MODEL), what, fix)) from error


def write_assignments(path: Path, posterior: Posterior) -> None:
    """index, cluster (from 1), confidence."""
    table = pd.DataFrame(
        {
            "index": np.arange(len(posterior.probabilities)),
            "cluster": posterior.labels.numpy() + 1,
            "confidence": posterior.confidence.numpy(),
        }
    )
    write_atomic(path, table.to_csv(index=False, float_format="%.6f"))


def _oracle(folder: Path) -> dict[str, float] | None:
    """The entry of the learning curve that labels would have chosen, by accuracy or else by the first metric."""
    lines = [line for line in read_log(folder / METRICS) if "oracle" in line]
    curve = [{"round": float(line["round"]), **line["oracle"]} for line in lines]
    return max(curve, key=lambda entry: entry.get("accuracy", list(entry.values())[1])) if curve else None
