"""The outputs of a training: model file, assignments, scores, figures and report."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from latentclust.assemble.experiment import Experiment
from latentclust.errors import Issue, LatentclustError, RunFailedError
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import save_model
from latentclust.phases import SILENT, Phases
from latentclust.report.assignments import assignments, write_assignments
from latentclust.report.document import write_report
from latentclust.report.facts import RunFacts
from latentclust.report.results import RunResult, write_results
from latentclust.runs.code_maps import map_codes
from latentclust.runs.draw_figures import draw_figures
from latentclust.runs.fitted_model import trained_model
from latentclust.runs.report_facts import EvaluatedModel, RunContext, evaluate, report_facts
from latentclust.runs.run_folder import MODEL
from latentclust.runs.run_report_page import write_run_page
from latentclust.runs.shown_maps import LabelledMaps, label_scene, too_large
from latentclust.specs.data import ImageSet
from latentclust.train.starts_file import StartsLog


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """The result of a training.

    Attributes:
        experiment: Experiment with trained networks.
        device: Device that inference runs on.
        device_name: Human-readable name of the device.
        seconds: Wall-clock time of the training in seconds.
        selection: Text about how the weights were selected, such as `the last round`.
        log: Lines of the training log; with several starts, those of the start that was trained to the end.
        starts: Scores of all starts. None for a training with a single one.
    """

    experiment: Experiment
    device: torch.device
    device_name: str
    seconds: float
    selection: str
    log: Sequence[Mapping[str, Any]] = ()
    starts: StartsLog | None = None


def finish_run(
    trained: TrainingResult, tested: ImageSet, folder: Path, phases: Phases = SILENT
) -> tuple[RunFacts, RunResult]:
    """Write all files of a run except the checkpoint and the log, and return what the report contains.

    Raises:
        RunFailedError: If inference fails. The model has been saved by then.
    """
    experiment = trained.experiment
    started = time.perf_counter()
    model = trained_model(experiment, trained.device, phases)
    seconds = trained.seconds + time.perf_counter() - started
    save_model(folder / MODEL, model)
    evaluated = _evaluate(model, experiment, tested, folder, phases)
    posterior = evaluated.scores.posterior
    _write_assignments(folder, evaluated)
    not_drawn = too_large(experiment.resolved.dataset, tested)
    context = RunContext(
        device=trained.device_name,
        seconds=seconds,
        selection=f"{trained.selection}.",
        history=_logged(trained.log, "losses"),
        diagnostics=_logged(trained.log, "chains"),
        oracle=_oracle(trained.log),
        precision=trained.log[-1].get("precision", "") if trained.log else "",
        starts=trained.starts,
        warnings=(not_drawn,) if not_drawn else (),
    )
    facts = report_facts(evaluated, context)
    result = RunResult.from_facts(facts)
    write_results(folder, result)  # before the figures, which may take long
    maps = _label_maps(model, tested, evaluated, phases)
    codes = None if posterior is None else map_codes(model, posterior, facts, phases)
    figures = draw_figures(folder, model, tested, posterior, facts, maps, codes, phases)
    phases.begin("writing the report")
    if failure := write_run_page(folder, model, tested, posterior, facts, maps, codes):
        facts = replace(facts, warnings=(*facts.warnings, failure))
    write_report(folder, facts, figures)
    return facts, result


def _evaluate(
    model: ClusteringModel, experiment: Experiment, tested: ImageSet, folder: Path, phases: Phases
) -> EvaluatedModel:
    try:
        return evaluate(model, experiment.data, tested, phases)
    except LatentclustError as error:
        what = "the model is trained and saved, but its inference failed"
        fix = f"Evaluate it with other settings: latentclust evaluate {folder} --set inference.KEY=VALUE"
        raise RunFailedError(*error.issues, Issue(str(folder / MODEL), what, fix)) from error


def _write_assignments(folder: Path, evaluated: EvaluatedModel) -> None:
    """Write the cluster of each image, or of some pixels of label maps."""
    scores, label_free = evaluated.scores, evaluated.label_free
    if scores.posterior is not None:
        write_assignments(folder, assignments(scores.posterior, evaluated.tested.paths))
    elif label_free is not None and label_free.pixels is not None:
        write_assignments(folder, label_free.pixels)
    elif scores.sample is not None:
        write_assignments(folder, scores.sample.assignments())


def _label_maps(
    model: ClusteringModel, tested: ImageSet, evaluated: EvaluatedModel, phases: Phases
) -> LabelledMaps | None:
    """Return the label maps of some images and of a scene. None for whole images."""
    sample = evaluated.scores.sample
    if sample is None:
        return None
    return LabelledMaps(sample, label_scene(model, tested, model.resolved.recipe.seed, phases))


def _logged(log: Sequence[Mapping[str, Any]], key: str) -> list[dict[str, float]]:
    """Return the values under `key` of the log lines that have it, each with its round."""
    return [{"round": float(line["round"]), **line[key]} for line in log if key in line]


def _oracle(log: Sequence[Mapping[str, Any]]) -> dict[str, float] | None:
    """Return the best entry of the learning curve by accuracy, or else by the first metric."""
    curve = _logged(log, "oracle")
    return max(curve, key=lambda entry: entry.get("accuracy", list(entry.values())[1])) if curve else None
