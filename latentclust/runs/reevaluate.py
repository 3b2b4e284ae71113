"""A saved model read out anew: on another data set, or by another inference."""

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
from latentclust.plugins.registry import installed
from latentclust.recipe.load import load_recipe, parse_setting
from latentclust.recipe.schema import DataTable
from latentclust.report.facts import RunFacts
from latentclust.runs.dataset_scores import score_dataset
from latentclust.runs.refit import refit
from latentclust.runs.report_facts import gather_facts, split_of, test_split
from latentclust.specs.data import ImageSet

CHANGEABLE = ("data", "evaluate", "inference", "seed")
"""What of its recipe a trained model may be read out with otherwise."""


@dataclass(frozen=True, slots=True)
class ModelEvaluation:
    """A model about to be read out.

    Attributes:
        model: Under the changed recipe, with the state that its file holds.
        trained_recipe: The recipe that it was trained by.
    """

    model: ClusteringModel
    trained_recipe: Resolved

    @property
    def other_data(self) -> bool:
        """Whether the images are not those that it was trained on."""
        return self.model.resolved.dataset != self.trained_recipe.dataset

    @property
    def other_inference(self) -> bool:
        """Whether what its inference learned from images no longer holds."""
        return self.model.resolved.recipe.inference != self.trained_recipe.recipe.inference


def open_evaluation(
    path: Path, device: torch.device, data: str | None = None, settings: Sequence[str] = ()
) -> ModelEvaluation:
    """Loads a model and changes how it is read out.

    Args:
        path: A model file, or a run's folder.
        device: Where the networks go.
        data: Another data set's name; the preprocessing, which belongs to the model, stays.
        settings: `--set` settings of `data`, `inference`, `evaluate` or `seed`.

    Raises:
        LatentclustError: where a setting would change what was trained, or names nothing that there is.
    """
    model = load(path, device)
    for setting in settings:
        ((table, value),) = parse_setting(setting).items()
        preprocesses = table == "data" and isinstance(value, dict) and "preprocess" in value
        if table not in CHANGEABLE or preprocesses:
            what = "this would change what was trained"
            fix = "Train a model with it" if preprocesses else did_you_mean(table, CHANGEABLE)
            raise LatentclustError.at(f"--set {setting}", what, fix)
    tree = tomllib.loads(model.resolved.loaded.text)
    if data is not None:
        tree["data"] = _other_data(tree["data"], data)
    loaded = load_recipe(tree, installed(), tuple(settings))
    resolved = resolve(loaded, installed(), trained_by=model.resolved.inference)
    return ModelEvaluation(replace(model, resolved=resolved), model.resolved)


def _other_data(table: dict[str, Any], use: str) -> dict[str, Any]:
    """A data table for another set: the keys that every set has stay, the options of the former set go."""
    return {key: value for key, value in table.items() if key in DataTable.model_fields} | {"use": use}


def evaluate_model(readout: ModelEvaluation, roots: tuple[Path, ...]) -> RunFacts:
    """Everything that the labels say of the model; an inference other than the stored one is first fitted to the data.

    Raises:
        LatentclustError: where the data are absent, or their images of another shape than the model reads.
    """
    started = time.perf_counter()
    resolved = readout.model.resolved
    opened = resolved.dataset.open(roots)
    _check_shape(readout.model, opened)
    model = refit(readout.model, opened) if readout.other_inference else readout.model
    tested = test_split(resolved, opened, roots)
    facts = replace(
        gather_facts(model, opened, tested, score_dataset(model, tested)), seconds=time.perf_counter() - started
    )
    if not readout.other_data:
        return facts
    trained = readout.trained_recipe
    split = f"{trained.recipe.data.use} {split_of(trained.dataset)}"
    return replace(facts, protocol=replace(facts.protocol, name=f"{split} to {facts.protocol.name}", train_split=split))


def _check_shape(model: ClusteringModel, data: ImageSet) -> None:
    shape, read = data.source.shape, model.raw_shape
    if shape == read or (model.per_pixel and len(shape) == len(read) and shape[0] == read[0]):
        return
    name, side = model.resolved.recipe.data.use, model.raw_shape[-1]
    what = f"{name} has samples of shape {data.source.shape}, and the model reads {model.raw_shape}"
    channels_differ = data.source.shape[:-2] != model.raw_shape[:-2]
    other = "Choose a data set of the same shape"
    raise LatentclustError.at("data.use", what, other if channels_differ else f"Try --set data.size={side}")
