"""The figures of a row from a finished run: scores of its clustering, or of its generator."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from latentclust.data.roots import data_roots
from latentclust.errors import LatentclustError
from latentclust.runs.feature_network import FeatureNetwork, timm_features, values_themselves
from latentclust.runs.generator_scores import score_generator
from latentclust.runs.reevaluate import open_evaluation, open_splits
from paper_tables.declare import Row, Table
from paper_tables.training import Trained

GENERATOR = "generator.json"
"""File of a run folder with the scores of its generator."""


@dataclass(frozen=True, slots=True)
class Features:
    """The network of Fréchet distances, and the number of samples that are generated.

    Attributes:
        model: timm's name of the network.
        weights: Source of its weights.
        size: Side in pixels that images are resized to.
        samples: Number of generated samples.
    """

    model: str = "tf_efficientnet_lite0"
    weights: str = "installed"
    size: int = 64
    samples: int = 10_000


def measured(table: Table, row: Row, trained: Trained, features: Features) -> dict[str, Any]:
    """Return the metrics of a row, and what else is kept of it.

    Raises:
        LatentclustError: If the run has no such readout or baseline, or the network of features is not available.
    """
    kept = {key: trained.scores[key] for key in ("protocol", "rounds", "seconds", "device")}
    if table.measure == "generator":
        found = _generator(trained, features)
        metrics = {key: found[key] for key in table.columns if found[key] is not None}
        more = {"features": found["features"], "generated": found["generated"], "mode_table": found["mode_table"]}
        return kept | {"metrics": metrics} | more
    if row.baseline or row.readout:
        return kept | {"metrics": _other(row, trained.scores)}
    own = {key: trained.scores[key] for key in ("table", "occupancy")}
    return kept | {"metrics": trained.scores["metrics"]} | own


def _other(row: Row, scores: Mapping[str, Any]) -> dict[str, float]:
    """Return the scores of a baseline or a readout."""
    kind, name = ("baselines", row.baseline) if row.baseline else ("readouts", row.readout)
    if name not in scores[kind]:
        why = next((one for one in scores["warnings"] if name in one), f"no such score among {kind}")
        raise LatentclustError.at(row.name, why.rstrip("."), "See the settings of the row")
    found: dict[str, float] = {key: value for key, value in scores[kind][name].items() if key != "agreement"}
    return found


def _generator(trained: Trained, features: Features) -> dict[str, Any]:
    """Return the scores of the generator of a run, computed once for all tables."""
    path = trained.folder / GENERATOR
    wanted = [features.model, features.weights, features.size, features.samples]
    if path.is_file():
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if kept.pop("wanted") == wanted:
            return kept
    evaluation = open_evaluation(trained.folder, torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    model = evaluation.model
    shape = model.preprocess.shape(model.raw_shape)
    network: FeatureNetwork = values_themselves()
    if len(shape) > 1:
        network = timm_features(features.model, features.weights, features.size, shape, model.device)
    opened, tested = open_splits(evaluation, data_roots())
    found = score_generator(model, opened, tested, network, features.samples).as_json()
    path.write_text(json.dumps(found | {"wanted": wanted}) + "\n", encoding="utf-8")
    return found
