"""Classical clusterings of the same samples, to stand beside a run's result."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from latentclust.data.open_feed import sequential
from latentclust.errors import LatentclustError
from latentclust.evaluate.clustering import ClusteringScores, score_clustering
from latentclust.infer.posteriors import preprocessed
from latentclust.model.model import ClusteringModel
from latentclust.runs.map_baseline_scores import score_map_baselines
from latentclust.specs.data import ImageSet
from latentclust.specs.parts import BaselineSpec
from latentclust.specs.roles import Represents

Scores = dict[str, Mapping[str, float]]


def score_baselines(
    model: ClusteringModel, tested: ImageSet, assessment: ClusteringScores
) -> tuple[Scores | None, tuple[str, ...]]:
    """Each baseline's scores with the model's number of clusters, and a sentence for each that refused the data.

    There are none where the ground truth said nothing of the model itself.
    """
    if assessment.table is None:
        return None, ()
    if model.per_pixel:
        return score_map_baselines(model, tested, assessment.table)
    return _of_images(model, tested)


def _of_images(model: ClusteringModel, tested: ImageSet) -> tuple[Scores, tuple[str, ...]]:
    scores: Scores = {}
    warnings = []
    points: dict[str, NDArray[np.float32]] = {}
    for name, baseline in model.resolved.baselines.items():
        assert isinstance(baseline, BaselineSpec), "resolve checked what it clusters"
        try:
            if baseline.on not in points:
                points[baseline.on] = baseline_points(model, tested, baseline)
            labels = baseline.cluster(points[baseline.on], model.clusters, model.resolved.recipe.seed)
        except LatentclustError as error:
            warnings.append(f"The baseline {name} was not run: {error}")
            continue
        classes = len(tested.classes) or None
        assessment = score_clustering(labels, tested.labels, model.clusters, model.resolved.metrics, classes)
        scores[name] = assessment.metrics or {}
    return scores, tuple(warnings)


@torch.no_grad()
def baseline_points(model: ClusteringModel, tested: ImageSet, baseline: BaselineSpec) -> NDArray[np.float32]:
    """What a baseline clusters, `(n, d)`: the images as stored, or a network's representation of them."""
    batch = model.resolved.recipe.evaluate.batch_size
    if baseline.on == "pixels":
        return np.concatenate([x.flatten(1).cpu().numpy() for x, _ in sequential(tested.source, batch, model.device)])
    network = model.model.networks.get(baseline.on)
    if not isinstance(network, Represents):
        where, fix = "evaluate.baselines.on", f"Use pixels, or one of: {', '.join(model.networks)}"
        raise LatentclustError.at(where, f"{baseline.on!r} has no representation to cluster", fix)
    rng = torch.Generator(model.device).manual_seed(model.resolved.recipe.seed)
    batches = preprocessed(tested.source, model.preprocess, batch, rng)
    return np.concatenate([network.represent(images).flatten(1).cpu().numpy() for images in batches])
