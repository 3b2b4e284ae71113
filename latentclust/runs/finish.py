"""After training: the model file, the assignments, the scores, the figures and the report."""

from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from latentclust.assemble.experiment import Experiment
from latentclust.assemble.resolve import Resolved
from latentclust.errors import LatentclustError
from latentclust.evaluate.clustering import assess
from latentclust.evaluate.protocols import Protocol
from latentclust.files import write_atomic
from latentclust.model import ClusteringModel, save_model
from latentclust.report.document import write_report
from latentclust.report.facts import RunFacts
from latentclust.report.results import RunResult, write_results
from latentclust.runs.baselines import score_baselines
from latentclust.runs.folder import ASSIGNMENTS, METRICS, MODEL
from latentclust.runs.illustrate import illustrate
from latentclust.runs.readings import doubts, examine_chains, readings
from latentclust.runs.refit import refit
from latentclust.runs.watch import read_log
from latentclust.samples import ImageSet
from latentclust.specs import DatasetSpec, MetricSpec
from latentclust.tensors import Posterior


@dataclass(frozen=True, slots=True)
class Trained:
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
    unfitted = ClusteringModel(experiment.resolved, source.shape, experiment.networks, {}, device)
    return refit(unfitted, experiment.data)


def finish(trained: Trained, tested: ImageSet, folder: Path) -> tuple[RunFacts, RunResult]:
    """Writes everything but the checkpoint and the log, and returns what the report says."""
    experiment, resolved = trained.experiment, trained.experiment.resolved
    model = trained_model(experiment, trained.device)
    save_model(folder / MODEL, model)
    posterior = model.predict(tested.source, resolved.recipe.evaluate.batch_size, resolved.recipe.seed)
    write_assignments(folder / ASSIGNMENTS, posterior)
    facts = gather_facts(model, experiment.data, tested, posterior)
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
    facts = replace(facts, figures=illustrate(folder, model, tested, posterior, facts))
    result = RunResult.of(facts)
    write_results(folder, result)
    write_report(folder, facts)
    return facts, result


def test_split(resolved: Resolved, trained_on: ImageSet, roots: tuple[Path, ...]) -> ImageSet:
    """The part of the data that is scored.

    Raises:
        LatentclustError: where another split is asked of a data set that has none, or that split is absent.
    """
    split = resolved.recipe.evaluate.split
    if split is None or split == split_of(resolved.dataset):
        return trained_on
    if "split" not in type(resolved.dataset).model_fields:
        what = f"{split!r}, and the data set {resolved.recipe.data.use!r} has no splits"
        raise LatentclustError.at("evaluate.split", what, "Take it out, or choose another data set")
    return resolved.dataset.model_copy(update={"split": split}).open(roots)


def split_of(dataset: DatasetSpec) -> str:
    """The split that a data set was asked for; `all` for a set without splits."""
    return str(dataset.model_dump().get("split", "all"))


def gather_facts(model: ClusteringModel, trained_on: ImageSet, tested: ImageSet, posterior: Posterior) -> RunFacts:
    """Scores of a posterior, of other inferences and of the baselines, and how they were measured."""
    resolved = model.resolved
    classes = len(tested.classes) or None
    assessment = assess(posterior.labels.numpy(), tested.labels, model.clusters, resolved.metrics, classes)
    baselines, warnings = score_baselines(model, tested) if assessment.metrics is not None else (None, ())
    chains = examine_chains(model, tested, posterior)
    return RunFacts(
        recipe=resolved.recipe.name,
        recipe_text=resolved.loaded.text,
        protocol=protocol(resolved, len(tested.source)),
        seed=resolved.recipe.seed,
        device=str(model.device),
        seconds=0.0,
        versions={**resolved.distributions, "torch": version("torch")},
        clusters=model.clusters,
        occupancy=assessment.occupancy,
        selection="The model is as its file holds it.",
        metrics=assessment.metrics,
        baselines=baselines,
        table=assessment.table,
        matching=assessment.matching,
        classes=tested.classes,
        readouts=readings(model, trained_on, tested, posterior),
        chains=chains,
        variant=resolved.loaded.variant,
        warnings=(*warnings, *doubts(chains)),
    )


def protocol(resolved: Resolved, count: int) -> Protocol:
    """How the numbers of this recipe are measured."""
    recipe, trained = resolved.recipe, split_of(resolved.dataset)
    tested = recipe.evaluate.split or trained
    averages = [str(options["average"]) for options in map(_options, resolved.metrics.values()) if "average" in options]
    return Protocol(
        name=f"{recipe.data.use}-{trained}-{tested}",
        data=f"{recipe.data.use} ({count:,} samples)",
        train_split=trained,
        test_split=tested,
        clusters=resolved.prior.clusters,
        nmi=averages[0] if averages else "arithmetic",
    )


def _options(metric: MetricSpec) -> dict[str, Any]:
    return metric.model_dump()


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
