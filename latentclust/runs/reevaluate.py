"""Evaluation of a saved model, on its own or another data set, with its own or another inference."""

import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from latentclust.assemble.resolve import Resolved, resolve
from latentclust.errors import LatentclustError, did_you_mean
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import load
from latentclust.phases import SILENT, Phases
from latentclust.plugins.registry import installed
from latentclust.recipe.load import load_recipe
from latentclust.recipe.overrides import parse_setting
from latentclust.recipe.schema import DataTable
from latentclust.report.facts import RunFacts
from latentclust.runs.feature_banks import with_existing
from latentclust.runs.fitted_model import refit
from latentclust.runs.report_facts import RunContext, evaluate, recipe_protocol, report_facts, split_of, test_split
from latentclust.specs.data import ImageSet

CHANGEABLE = ("data", "evaluate", "inference", "seed")
"""Recipe keys that may change for a trained model."""


@dataclass(frozen=True, slots=True)
class ModelEvaluation:
    """A model that is ready to be evaluated.

    Attributes:
        model: Model under the changed recipe, with the inference state from its file.
        trained_recipe: Resolved recipe that it was trained with.
    """

    model: ClusteringModel
    trained_recipe: Resolved

    @property
    def other_data(self) -> bool:
        """Whether the data set differs from the one that the model was trained on."""
        return self.model.resolved.dataset != self.trained_recipe.dataset

    @property
    def other_inference(self) -> bool:
        """Whether the inference differs, so that it must be fitted again."""
        return self.model.resolved.recipe.inference != self.trained_recipe.recipe.inference


def open_evaluation(
    path: Path, device: torch.device, data: str | None = None, settings: Sequence[str] = ()
) -> ModelEvaluation:
    """Load a model and change how it is evaluated.

    Args:
        path: Model file or run folder.
        device: Device of the networks.
        data: Name of another data set. The preprocessing belongs to the model and stays.
        settings: `--set` settings of `data`, `inference`, `evaluate` or `seed`.

    Raises:
        LatentclustError: If a setting would change what was trained, or names something unknown.
    """
    model = load(path, device)
    for setting in settings:
        ((table, value),) = parse_setting(setting).items()
        preprocesses = table == "data" and isinstance(value, dict) and "preprocess" in value
        if table not in CHANGEABLE or preprocesses:
            what = "would change what was trained"
            fix = "Train a model with it" if preprocesses else did_you_mean(table, CHANGEABLE)
            raise LatentclustError.at(f"--set {setting}", what, fix)
    tree = tomllib.loads(model.resolved.loaded.text)
    if data is not None:
        tree["data"] = _other_data(tree["data"], data)
    loaded = load_recipe(tree, installed(), tuple(settings))
    resolved = resolve(loaded, installed(), trained_by=model.resolved.inference)
    return ModelEvaluation(replace(model, resolved=resolved), model.resolved)


def _other_data(table: dict[str, Any], use: str) -> dict[str, Any]:
    """Return the data table for another data set: keys of all data sets stay, options of the former are dropped."""
    return {key: value for key, value in table.items() if key in DataTable.model_fields} | {"use": use}


def evaluate_model(evaluation: ModelEvaluation, roots: tuple[Path, ...], phases: Phases = SILENT) -> RunFacts:
    """Score a saved model. Inference other than its own is first fitted to the data.

    Args:
        evaluation: Model with the recipe that it is evaluated under.
        roots: Data folders.
        phases: Tells the progress.

    Raises:
        LatentclustError: If the data are missing, or their images have another shape than the model reads.
    """
    started = time.perf_counter()
    resolved = evaluation.model.resolved
    phases.begin(f"opening {resolved.recipe.data.use}")
    opened, tested = open_splits(evaluation, roots)
    model = refit(evaluation.model, opened, phases) if evaluation.other_inference else evaluation.model
    evaluated = evaluate(model, opened, tested, phases)
    protocol = recipe_protocol(resolved, tested)
    if evaluation.other_data:
        trained = evaluation.trained_recipe
        split = f"{trained.recipe.data.use} {split_of(trained.dataset)}"
        protocol = replace(protocol, name=f"{split} to {protocol.name}", train_split=split)
    seconds = time.perf_counter() - started
    return report_facts(evaluated, RunContext(str(model.device), seconds, "the weights of the model file."), protocol)


def open_splits(evaluation: ModelEvaluation, roots: tuple[Path, ...]) -> tuple[ImageSet, ImageSet]:
    """Open the data set that the inference is fitted to, and the part of it that is scored.

    Args:
        evaluation: Model with the recipe that it is evaluated under.
        roots: Data folders.

    Raises:
        LatentclustError: If the data are missing, or their images have another shape than the model reads.
    """
    resolved = evaluation.model.resolved
    opened = resolved.dataset.open(roots)
    _check_shape(evaluation.model, opened)
    tested = test_split(resolved, opened, roots)
    if tested is not opened:
        return opened, with_existing(evaluation.model, tested)
    stored = with_existing(evaluation.model, opened)
    return stored, stored


def _check_shape(model: ClusteringModel, data: ImageSet) -> None:
    shape, expected = data.source.shape, model.raw_shape
    if shape == expected or (model.per_pixel and len(shape) == len(expected) and shape[0] == expected[0]):
        return
    name, side = model.resolved.recipe.data.use, expected[-1]
    what = f"{name} has samples of shape {shape}, but the model reads {expected}"
    channels_differ = shape[:-2] != expected[:-2]
    fix = "Choose a data set of the same shape" if channels_differ else f"Try --set data.size={side}"
    raise LatentclustError.at("data.use", what, fix)
