"""Plain clusterings of pixels, to stand beside a run's label maps."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from latentclust.data.open_feed import map_batch, sequential
from latentclust.errors import LatentclustError
from latentclust.evaluate.clustering import score_table
from latentclust.evaluate.segmentation import MAJORITY, ContingencyCounter, majority_table
from latentclust.model.model import ClusteringModel
from latentclust.runs.label_maps import make_counter, mask_labels
from latentclust.runs.subset import spread_indices, subset
from latentclust.specs.data import ImageSet
from latentclust.specs.parts import MapBaselineSpec
from latentclust.tensors import Images, Mask

FITTED_TO = 1000
"""Images, evenly spread over the set, whose pixels a baseline is fitted to."""


def score_map_baselines(
    model: ClusteringModel, tested: ImageSet, table: NDArray[np.int64]
) -> tuple[dict[str, Mapping[str, float]], tuple[str, ...]]:
    """Each baseline's scores with the model's number of clusters, and a sentence for each that refused the data.

    The last is the majority class's, told by the model's own `table[cluster, class]`.
    """
    metrics = model.resolved.metrics
    scores: dict[str, Mapping[str, float]] = {}
    warnings = []
    for name, baseline in model.resolved.baselines.items():
        assert isinstance(baseline, MapBaselineSpec), "resolve checked what it clusters"
        try:
            scores[name] = map_baseline_tally(model, tested, baseline).scores(metrics).metrics or {}
        except LatentclustError as error:
            warnings.append(f"The baseline {name} was not run: {error}")
    return scores | {MAJORITY: score_table(majority_table(table), metrics)}, tuple(warnings)


@torch.no_grad()
def map_baseline_tally(model: ClusteringModel, tested: ImageSet, baseline: MapBaselineSpec) -> ContingencyCounter:
    """A baseline fitted to a part of the images, and then counted on all of them.

    Raises:
        LatentclustError: where it cannot cluster these images.
    """
    part = subset(tested, spread_indices(len(tested.source), FITTED_TO))
    pairs = ((images, mask) for images, mask, _ in _batches(model, part))
    mapped = baseline.fit(pairs, len(part.source), model.clusters, model.resolved.recipe.seed)
    tally = make_counter(tested, model.clusters)
    for images, _, indices in _batches(model, tested):
        tally.add(mask_labels(mapped(images).cpu().numpy(), tested.valid, indices), indices)
    return tally


def _batches(model: ClusteringModel, data: ImageSet) -> Iterator[tuple[Images, Mask, NDArray[np.int64]]]:
    """Images as stored, in [0, 1], which of their pixels count, and where they stand in the set."""
    height, width = data.source.shape[1:]
    size = map_batch(model.resolved.recipe.evaluate.batch_size, height, width)
    for images, at in sequential(data.source, size, model.device):
        indices = at.cpu().numpy()
        counted = np.ones((len(indices), height, width), np.bool_) if data.valid is None else data.valid.read(indices)
        yield images, Mask(torch.tensor(counted)), indices
