"""Label-free figures of a model on its training images, by which starts are compared."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from latentclust.assemble.experiment import Experiment
from latentclust.data.subset import spread_indices, subset
from latentclust.evaluate.empty_clusters import find_empty
from latentclust.evaluate.match import equal_share, equal_share_of_counts
from latentclust.infer.posteriors import preprocessed
from latentclust.model.model import ClusteringModel
from latentclust.runs.dataset_scores import count_pairs, label_maps
from latentclust.runs.fitted_model import trained_model
from latentclust.specs.data import ImageSet
from latentclust.specs.inference import ChainSpec
from latentclust.tensors import Code

MAX_SAMPLES = 2000
"""Maximum number of training images, evenly spread over the set, that starts are compared on."""

MAX_SLOW_SAMPLES = 200
"""The same for label maps and for an inference with chains, which takes many passes for each image."""


@dataclass(slots=True)
class PosteriorSums:
    """Sums over the posteriors of images or pixels.

    Attributes:
        sizes: Number of images or pixels in each cluster, `(k,)`.
        probabilities: Sum of the cluster probabilities, `(k,)`.
        entropy: Sum of the entropies of the posteriors in nats.
    """

    sizes: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    entropy: float = 0.0

    def add(self, probabilities: NDArray[np.float64]) -> None:
        """Add posteriors `(n, k)`."""
        self.sizes += np.bincount(probabilities.argmax(axis=1), minlength=len(self.sizes))
        self.probabilities += probabilities.sum(axis=0)
        self.entropy += _entropy(probabilities)

    @property
    def empty(self) -> int:
        """Number of empty and near-empty clusters."""
        found = find_empty(self.sizes)
        return len(found.empty) + len(found.near_empty)

    @property
    def information(self) -> float:
        """Mutual information of cluster and image in nats: the entropy of the mean less the mean entropy.

        NaN without any image or valid pixel.
        """
        count = int(self.sizes.sum())
        if not count:
            return math.nan
        return float(_entropy(self.probabilities / count) - self.entropy / count)


def start_figures(experiment: Experiment, device: torch.device, names: Sequence[str]) -> dict[str, float]:
    """Return figures of an experiment's networks by name: those of `assemble.start_plan.FIGURES` that are asked for.

    No label is read. The inference is fitted to the same images.
    """
    slow = experiment.resolved.prior.per_pixel or isinstance(experiment.resolved.inference, ChainSpec)
    indices = spread_indices(len(experiment.data.source), MAX_SLOW_SAMPLES if slow else MAX_SAMPLES)
    part = subset(experiment.data, indices)
    figures: dict[str, float] = {}
    if "recovery-error" in names:
        figures["recovery-error"] = recovery_error(experiment, part, device)
    if set(names) == set(figures):
        return figures
    model = trained_model(replace(experiment, data=part), device)
    if {"empty-clusters", "information"} & set(names):
        sums = posterior_sums(model, part)
        figures |= {"empty-clusters": float(sums.empty), "information": sums.information}
    if "agreement" in names:
        figures["agreement"] = chain_agreement(model, part)
    return {name: figures[name] for name in names}


def posterior_sums(model: ClusteringModel, part: ImageSet) -> PosteriorSums:
    """Return the sums of the posteriors of all images, or of the valid pixels of label maps."""
    recipe, k = model.resolved.recipe, model.clusters
    sums, start = PosteriorSums(np.zeros(k, np.int64), np.zeros(k)), 0
    for posterior in model.posteriors(part.inputs, recipe.evaluate.batch_size, recipe.seed, masks=part.valid):
        probabilities = posterior.probabilities.double().movedim(1, -1).numpy()
        indices = np.arange(start, start + len(probabilities))
        start += len(probabilities)
        masked = model.per_pixel and part.valid is not None
        sums.add(probabilities[part.valid.read(indices)] if masked and part.valid else probabilities.reshape(-1, k))
    return sums


@torch.no_grad()
def recovery_error(experiment: Experiment, part: ImageSet, device: torch.device) -> float:
    """Return the mean squared difference between real images and what the generator draws from their codes."""
    networks, recipe = experiment.networks, experiment.resolved.recipe
    encoder, generator = networks["encoder"].eval(), networks["generator"].eval()
    total, count = 0.0, 0
    rng = torch.Generator(device).manual_seed(recipe.seed)
    for images in preprocessed(part.inputs, experiment.preprocess, recipe.evaluate.batch_size, rng):
        code = encoder(images)
        assert isinstance(code, Code), "resolve checked the role"
        total += float((generator(code.latent()) - images).square().double().sum())
        count += images.numel()
    return total / count


def chain_agreement(model: ClusteringModel, part: ImageSet) -> float:
    """Return the share of images, or of pixels, that two independent chains put into the same cluster, in [0, 1]."""
    recipe = model.resolved.recipe
    if model.per_pixel:
        first, second = (label_maps(model, part, recipe.seed + shift) for shift in (0, 1))
        return equal_share_of_counts(count_pairs(first, second, model.clusters))
    size = recipe.evaluate.batch_size
    one, other = (model.predict(part.inputs, size, recipe.seed + shift).labels.numpy() for shift in (0, 1))
    return equal_share(one, other)


def _entropy(probabilities: NDArray[np.float64]) -> float:
    """Return the sum of `-p log p`, 0 where p is 0."""
    positive = probabilities[probabilities > 0]
    return float(-(positive * np.log(positive)).sum())
