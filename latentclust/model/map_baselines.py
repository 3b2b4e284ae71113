"""Classical clusterings of the pixels that a model reads, for comparison with its label maps."""

from collections.abc import Iterable

import torch

from latentclust.model.model import ClusteringModel
from latentclust.specs.evaluation import INPUTS, MapBaselineSpec, Mapped
from latentclust.tensors import Images, Mask


@torch.no_grad()
def fit_map_baseline(
    model: ClusteringModel, baseline: MapBaselineSpec, batches: Iterable[tuple[Images, Mask]], count: int
) -> Mapped:
    """Fit a baseline with the model's number of clusters, and return it as a function of images as stored.

    Args:
        model: The model, whose preprocessing comes first with `on = "inputs"`.
        baseline: The baseline.
        batches: Images as stored, in [0, 1], with their valid pixels.
        count: Number of images in all batches.

    Raises:
        LatentclustError: If the baseline cannot cluster these images.
    """
    clusters, seed = model.clusters, model.resolved.recipe.seed
    if baseline.on != INPUTS:
        return baseline.fit(batches, count, clusters, seed)
    preprocess, rng = model.preprocess, torch.Generator(model.device).manual_seed(seed)
    label = baseline.fit(((preprocess(images, rng), mask) for images, mask in batches), count, clusters, seed)
    return lambda images: label(preprocess(images, rng))
