"""Scores of classical clusterings of the same samples or pixels, to compare a run with."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from latentclust.data.open_feed import map_batch, sequential
from latentclust.data.subset import spread_indices, subset
from latentclust.errors import LatentclustError
from latentclust.evaluate.clustering import ClusteringScores, score_clustering, score_table
from latentclust.evaluate.segmentation import MAJORITY, ContingencyCounter, majority_table
from latentclust.infer.posteriors import preprocessed
from latentclust.model.map_baselines import fit_map_baseline
from latentclust.model.model import ClusteringModel
from latentclust.phases import SILENT, Phases
from latentclust.runs.baseline_clusters import cluster_points
from latentclust.runs.dataset_scores import make_counter, mask_labels
from latentclust.specs.data import ImageSet
from latentclust.specs.evaluation import PIXELS, Baseline, BaselineSpec, MapBaselineSpec, Mapped
from latentclust.specs.parts import FEATURES
from latentclust.tensors import Images, Mask

MAX_FIT_IMAGES = 1000
"""Maximum number of images, evenly spread over the set, that a baseline of pixels is fitted to."""

BaselineScores = dict[str, Mapping[str, float]]
"""Scores by baseline and metric."""

AnyBaseline = TypeVar("AnyBaseline", bound=Baseline)
Found = TypeVar("Found")


def score_baselines(
    model: ClusteringModel, tested: ImageSet, scores: ClusteringScores, phases: Phases = SILENT
) -> tuple[BaselineScores | None, tuple[str, ...]]:
    """Return each baseline's scores with the model's number of clusters, and one warning per baseline that failed.

    The scores are None if the model itself could not be scored.

    Args:
        model: Model whose recipe lists the baselines.
        tested: Data set that is clustered.
        scores: Scores of the model on it.
        phases: Tells the progress.
    """
    if scores.table is None:
        return None, ()
    if model.per_pixel:
        return score_map_baselines(model, tested, scores.table, phases)
    return _score_image_baselines(model, tested, phases)


def _score_image_baselines(
    model: ClusteringModel, tested: ImageSet, phases: Phases
) -> tuple[BaselineScores, tuple[str, ...]]:
    points: dict[str, NDArray[np.float32]] = {}

    def score(baseline: BaselineSpec, phases: Phases) -> Mapping[str, float]:
        if baseline.on not in points:
            points[baseline.on] = points_in(model, tested, baseline.on, phases)
        phases.begin("clustering")
        found = cluster_points(baseline, points[baseline.on], model.clusters, model.resolved.recipe.seed)
        classes, metrics = len(tested.classes) or None, model.resolved.metrics
        scores = score_clustering(found.labels, tested.labels, found.clusters, metrics, classes).metrics or {}
        return {**scores, **found.facts}

    return of_each_baseline(model, BaselineSpec, score, phases)  # type: ignore[type-abstract]


def of_each_baseline(
    model: ClusteringModel, kind: type[AnyBaseline], find: Callable[[AnyBaseline, Phases], Found], phases: Phases
) -> tuple[dict[str, Found], tuple[str, ...]]:
    """Return what is found of each baseline by name, and one warning per baseline that failed.

    Args:
        model: Model whose recipe lists the baselines.
        kind: Kind of its baselines: of images, or of label maps.
        find: Returns what is sought, or raises LatentclustError if the baseline cannot cluster the data.
        phases: Tells the progress.
    """
    found: dict[str, Found] = {}
    warnings = []
    for name, baseline in model.resolved.baselines.items():
        assert isinstance(baseline, kind), "resolve checked the kind of baseline"
        try:
            found[name] = find(baseline, phases.within(f"baseline {name}"))
        except LatentclustError as error:
            warnings.append(f"The baseline {name} was not run: {error}")
    return found, tuple(warnings)


@torch.no_grad()
def points_in(model: ClusteringModel, tested: ImageSet, space: str, phases: Phases = SILENT) -> NDArray[np.float32]:
    """Return the points `(n, d)` that a baseline clusters.

    Args:
        model: Trained model.
        tested: The images.
        space: `PIXELS` for the images as stored, `FEATURES` for those of `[features]`, or the name of a network for its
            representation.
        phases: Tells the progress.

    Raises:
        LatentclustError: If that network has no representation, or the recipe no `[features]`.
    """
    count = phases.begin(f"reading {space}", len(tested.source), "images")
    batch = model.resolved.recipe.evaluate.batch_size
    if space == PIXELS:
        stored = (images for images, _ in sequential(tested.source, batch, model.device))
        return np.concatenate([images.flatten(1).cpu().numpy() for images in count.each(stored)])
    rng = torch.Generator(model.device).manual_seed(model.resolved.recipe.seed)
    batches, networks = count.each(preprocessed(tested.inputs, model.preprocess, batch, rng)), model.model
    if space == FEATURES and model.features is not None:
        return np.concatenate([images.cpu().numpy() for images in batches])
    return np.concatenate([networks.represent(space, images).flatten(1).cpu().numpy() for images in batches])


def score_map_baselines(
    model: ClusteringModel, tested: ImageSet, table: NDArray[np.int64], phases: Phases = SILENT
) -> tuple[BaselineScores, tuple[str, ...]]:
    """Return the scores of each baseline of pixels, and one warning per baseline that failed.

    The last baseline is the majority class, whose scores follow from the model's own `table[cluster, class]`.
    """
    metrics = model.resolved.metrics

    def score(baseline: MapBaselineSpec, phases: Phases) -> Mapping[str, float]:
        return count_map_baseline(model, tested, baseline, phases).scores(metrics).metrics or {}

    scores, warnings = of_each_baseline(model, MapBaselineSpec, score, phases)  # type: ignore[type-abstract]
    return scores | {MAJORITY: score_table(majority_table(table), metrics)}, warnings


@torch.no_grad()
def fit_to_images(
    model: ClusteringModel, tested: ImageSet, baseline: MapBaselineSpec, phases: Phases = SILENT
) -> Mapped:
    """Fit a baseline to a part of the images.

    Raises:
        LatentclustError: If the baseline cannot cluster these images.
    """
    part = subset(tested, spread_indices(len(tested.source), MAX_FIT_IMAGES))
    phases.begin("fitting")
    pairs = ((images, mask) for images, mask, _ in _batches(model, part))
    return fit_map_baseline(model, baseline, pairs, len(part.source))


@torch.no_grad()
def count_map_baseline(
    model: ClusteringModel, tested: ImageSet, baseline: MapBaselineSpec, phases: Phases = SILENT
) -> ContingencyCounter:
    """Fit a baseline to a part of the images and count its clusters on all of them.

    Raises:
        LatentclustError: If the baseline cannot cluster these images.
    """
    label = fit_to_images(model, tested, baseline, phases)
    counter = make_counter(tested, model.clusters)
    count = phases.begin("reading out", len(tested.source), "images")
    for images, _, indices in _batches(model, tested):
        counter.add(mask_labels(label(images).cpu().numpy(), tested.valid, indices), indices)
        count.add(len(indices))
    return counter


def _batches(model: ClusteringModel, data: ImageSet) -> Iterator[tuple[Images, Mask, NDArray[np.int64]]]:
    """Yield images as stored, in [0, 1], with the mask of valid pixels and their positions in the data set."""
    height, width = data.source.shape[1:]
    size = map_batch(model.resolved.recipe.evaluate.batch_size, height, width)
    for images, at in sequential(data.source, size, model.device):
        indices = at.cpu().numpy()
        counted = np.ones((len(indices), height, width), np.bool_) if data.valid is None else data.valid.read(indices)
        yield images, Mask(torch.tensor(counted)), indices
