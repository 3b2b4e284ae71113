"""Scores of a run on data without labels, on a part of it that is drawn alike for every run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from latentclust.data.open_feed import sequential
from latentclust.data.subset import subset
from latentclust.errors import LatentclustError
from latentclust.evaluate.label_free import MAX_SILHOUETTE, Labels, agreement, draw, silhouette
from latentclust.model.model import ClusteringModel
from latentclust.phases import SILENT, Phases
from latentclust.report.facts import OWN, LabelFreeScores
from latentclust.runs.baseline_clusters import cluster_points
from latentclust.runs.baseline_scores import fit_to_images, of_each_baseline, points_in
from latentclust.runs.dataset_scores import label_maps
from latentclust.specs.data import VOID, ImageSet
from latentclust.specs.evaluation import PIXELS, BaselineSpec, MapBaselineSpec
from latentclust.specs.roles import Represents
from latentclust.tensors import Posterior

MAX_SAMPLES = 10_000
"""Maximum number of samples or pixels that are scored."""

MAX_VALUES = 2**26
"""Maximum number of values of all scored samples together: 256 MiB."""

MAX_MAPS = 64
"""Maximum number of images whose pixels are scored."""

MIN_PROBABILITY = 1e-6
"""Floor of the probabilities in a category code. Below it all clusters count as equally far."""

Points = NDArray[np.float32]
Clustering = tuple[Labels, str, Points]
"""Clusters `(n,)`, and the name and the points `(n, d)` of the space that they were found in."""


@dataclass(frozen=True, slots=True)
class LabelFree:
    """The scores of a run on data without labels.

    Attributes:
        scores: Scores of the run and of its baselines.
        pixels: For label maps, the image, row, column, cluster and confidence of each scored pixel. Otherwise None.
        warnings: A sentence for each baseline that failed.
    """

    scores: LabelFreeScores
    pixels: Mapping[str, NDArray[np.generic]] | None
    warnings: tuple[str, ...]


@torch.no_grad()
def score_label_free(
    model: ClusteringModel, tested: ImageSet, posterior: Posterior | None, phases: Phases = SILENT
) -> LabelFree:
    """Score a run without labels, and compare it with the baselines of its recipe on the same samples.

    Args:
        model: Trained model.
        tested: Data set that is clustered.
        posterior: Posterior of its images. None for label maps.
        phases: Tells the progress.
    """
    phases = phases.within("scores without labels")
    pixels, own = None, dict[str, float]()
    if posterior is None:
        part = subset(tested, draw(len(tested.source), MAX_MAPS))
        at, labels, probabilities = _label_pixels(model, part, phases)
        points = _values(part, at)
        found, warnings = _map_baselines(model, tested, part, at, points, phases)
        place = dict(zip(("index", "row", "column"), at.T, strict=True))
        index = draw(len(tested.source), MAX_MAPS)[place["index"]]
        pixels = {**place, "index": index, "cluster": labels + 1, "confidence": probabilities.max(axis=1)}
    else:
        chosen = draw(len(tested.source), min(MAX_SAMPLES, max(MAX_VALUES // int(np.prod(tested.source.shape)), 1)))
        part = subset(tested, chosen)
        labels, probabilities = posterior.labels.numpy()[chosen], posterior.probabilities.numpy()[chosen]
        points = points_in(model, part, PIXELS)
        found, warnings = _image_baselines(model, part, points, phases)
        own |= _of_features(model, part, labels)
    phases.begin("silhouettes")
    code = np.log(probabilities.clip(min=MIN_PROBABILITY))
    own |= _in_use(labels) | _silhouette("code", code, labels) | _silhouette(PIXELS, points, labels)
    scores = {OWN: own}
    for name, (others, space, their_points) in found.items():
        scores[name] = agreement(labels, others) | _in_use(others) | _silhouette(space, their_points, others)
        if space != PIXELS:
            scores[OWN] |= _silhouette(space, their_points, labels)
    return LabelFree(LabelFreeScores(len(labels), scores), pixels, warnings)


def _in_use(labels: Labels) -> dict[str, float]:
    return {"clusters-in-use": float(len(np.unique(labels)))}


def _silhouette(space: str, points: Points, labels: Labels) -> dict[str, float]:
    found = silhouette(points, labels)
    return {} if found is None else {f"silhouette-{space}": found}


def _of_features(model: ClusteringModel, part: ImageSet, labels: Labels) -> dict[str, float]:
    """Return the silhouette in the representation of the first network that the inference reads, if it has one."""
    network = next((name for name in model.inference.needs if isinstance(model.networks.get(name), Represents)), None)
    if network is None:
        return {}
    shown = draw(len(labels), MAX_SILHOUETTE)
    return _silhouette("features", points_in(model, subset(part, shown), network), labels[shown])


def _image_baselines(
    model: ClusteringModel, part: ImageSet, pixels: Points, phases: Phases
) -> tuple[dict[str, Clustering], tuple[str, ...]]:
    """Return the clustering of each baseline, and a warning for each one that failed."""
    points = {PIXELS: pixels}

    def cluster(baseline: BaselineSpec, phases: Phases) -> Clustering:
        if len(part.source) < model.clusters:
            what = f"{len(part.source)} images of this size are compared, fewer than the {model.clusters} clusters"
            raise LatentclustError.at("evaluate.baselines", what, "Use smaller images")
        if baseline.on not in points:
            points[baseline.on] = points_in(model, part, baseline.on, phases)
        phases.begin("clustering")
        own = points[baseline.on]
        found = cluster_points(baseline, own, model.clusters, model.resolved.recipe.seed)
        return found.labels, baseline.on, own

    return of_each_baseline(model, BaselineSpec, cluster, phases)  # type: ignore[type-abstract]


def _map_baselines(
    model: ClusteringModel, tested: ImageSet, part: ImageSet, at: NDArray[np.int64], points: Points, phases: Phases
) -> tuple[dict[str, Clustering], tuple[str, ...]]:
    """Return the clusters that each baseline gives to the pixels `at`, and a warning for each one that failed."""

    def cluster(baseline: MapBaselineSpec, phases: Phases) -> Clustering:
        label = fit_to_images(model, tested, baseline, phases)
        maps = (label(images).cpu().numpy() for images, _ in sequential(part.source, 1, model.device))
        return np.concatenate([_pick(map_, at, image) for image, map_ in enumerate(maps)]), PIXELS, points

    return of_each_baseline(model, MapBaselineSpec, cluster, phases)  # type: ignore[type-abstract]


def _label_pixels(model: ClusteringModel, part: ImageSet, phases: Phases) -> tuple[NDArray[np.int64], Labels, Points]:
    """Draw pixels evenly from all images and return their image, row and column `(n, 3)`, clusters and probabilities.

    The pixels are the same for every model that reads the same images.
    """
    quota, rng = -(-MAX_SAMPLES // len(part.source)), np.random.default_rng(0)
    places, clusters, probabilities = [], [], []
    for batch in label_maps(model, part, phases=phases):
        for image, labels, likely in zip(batch.indices, batch.labels, batch.probabilities, strict=True):
            valid = np.flatnonzero(labels != VOID)
            rows, columns = np.unravel_index(np.sort(rng.permutation(valid)[:quota]), labels.shape)
            places.append(np.stack((np.full(len(rows), image), rows, columns), axis=1))
            clusters.append(labels[rows, columns])
            probabilities.append(likely[:, rows, columns].T)
    return np.concatenate(places), np.concatenate(clusters), np.concatenate(probabilities)


def _values(part: ImageSet, at: NDArray[np.int64]) -> Points:
    """Return the values of pixels, `(n, c)`, in [0, 1]."""
    images = sequential(part.source, 1, torch.device("cpu"))
    return np.concatenate([_pick(image.numpy(), at, number) for number, (image, _) in enumerate(images)])


def _pick(map_: NDArray[Any], at: NDArray[np.int64], image: int) -> NDArray[Any]:
    """Return the values of the pixels of an image, from a map `(1, h, w)` or values `(1, c, h, w)`."""
    rows, columns = at[at[:, 0] == image, 1:].T
    picked: NDArray[Any] = map_[0][..., rows, columns].T
    return picked
