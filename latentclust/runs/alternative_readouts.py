"""One trained model read out by other inferences, by independent chains, and by chains of other lengths."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from latentclust.evaluate.match import (
    equal_share,
    equal_share_of_counts,
    matched_agreement,
    matched_share,
)
from latentclust.model.model import ClusteringModel
from latentclust.report.facts import ChainFacts, ReadoutScores
from latentclust.runs.dataset_scores import DatasetScores, score_dataset
from latentclust.runs.label_maps import count_pairs, label_maps
from latentclust.runs.refit import refit
from latentclust.runs.subset import spread_indices, subset
from latentclust.specs.data import ImageSet
from latentclust.specs.inference import ChainSpec, InferenceSpec

MAX_LENGTH_SAMPLES = 1000
"""Samples on which chains of other lengths are tried, the first ones of a seeded draw."""

MAX_MAPS = 64
"""Images, evenly spread over the set, on whose pixels two readings are compared and chains of other lengths tried."""

MIN_AGREEMENT = 0.9
"""Share of samples on which independent chains must agree; below it a report warns."""


def score_readouts(
    model: ClusteringModel, trained_on: ImageSet, tested: ImageSet, found: DatasetScores
) -> dict[str, ReadoutScores]:
    """The scores of every inference that the recipe lists beside its own, and how far its clusters agree with that."""
    readouts = {}
    for name, inference in model.resolved.readouts.items():
        other = refit(_reading(model, inference), trained_on)
        read = score_dataset(other, tested)
        readouts[name] = ReadoutScores(read.clustering.metrics, _agreement(model, found, other, read, tested))
    return readouts


def evaluate_chains(model: ClusteringModel, tested: ImageSet, found: DatasetScores) -> ChainFacts | None:
    """Whether independent chains agree, and what shorter and longer ones come to; None for an inference without any."""
    inference = model.inference
    if not isinstance(inference, ChainSpec):
        return None
    lengths = _by_length(model, tested, inference.lengths())
    recipe = model.resolved.recipe
    if found.posterior is None:
        part = _some_maps(tested)
        again = label_maps(model, part, recipe.seed + 1)
        return ChainFacts(equal_share_of_counts(count_pairs(label_maps(model, part), again, model.clusters)), lengths)
    other = model.predict(tested.source, recipe.evaluate.batch_size, recipe.seed + 1).labels.numpy()
    return ChainFacts(equal_share(found.posterior.labels.numpy(), other), lengths)


def chain_warnings(chains: ChainFacts | None, unit: str = "images") -> tuple[str, ...]:
    """A warning where independent chains do not agree."""
    if chains is None or chains.agreement >= MIN_AGREEMENT:
        return ()
    share = f"{chains.agreement:.1%}"
    return (
        f"independent chains agree on {share} of the {unit}, so they have not mixed: raise inference.burn_in or "
        "inference.steps, or anneal inference.noise to a higher end",
    )


def _agreement(
    model: ClusteringModel, found: DatasetScores, other: ClusteringModel, read: DatasetScores, tested: ImageSet
) -> float:
    if found.posterior is not None and read.posterior is not None:
        return matched_agreement(found.posterior.labels.numpy(), read.posterior.labels.numpy(), model.clusters)
    part = _some_maps(tested)
    return matched_share(count_pairs(label_maps(model, part), label_maps(other, part), model.clusters))


def _by_length(
    model: ClusteringModel, tested: ImageSet, lengths: Mapping[int, ChainSpec]
) -> tuple[Mapping[str, float], ...]:
    """Metrics by the chains' Langevin steps, on a part of the data; empty without labels."""
    if tested.labels is None or not lengths:
        return ()
    if model.per_pixel:
        part = _some_maps(tested)
    else:
        chosen = np.random.default_rng(model.resolved.recipe.seed).permutation(len(tested.source))[:MAX_LENGTH_SAMPLES]
        part = subset(tested, np.sort(chosen))
    curve = []
    for steps, inference in lengths.items():
        scores = score_dataset(_reading(model, inference), part).clustering.metrics
        if scores is None:
            return ()
        curve.append({"steps": float(steps), **scores})
    return tuple(curve)


def _some_maps(tested: ImageSet) -> ImageSet:
    return subset(tested, spread_indices(len(tested.source), MAX_MAPS))


def _reading(model: ClusteringModel, inference: InferenceSpec) -> ClusteringModel:
    return replace(model, resolved=replace(model.resolved, inference=inference))
