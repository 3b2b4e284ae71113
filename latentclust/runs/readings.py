"""One trained model read out by other inferences, by independent chains, and by chains of other lengths."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from latentclust.evaluate.agreement import agreement, same
from latentclust.evaluate.clustering import assess
from latentclust.model import ClusteringModel
from latentclust.report.facts import ChainFacts, Reading
from latentclust.runs.refit import refit
from latentclust.samples import ImageSet
from latentclust.sources import ArraySource
from latentclust.specs import ChainSpec, InferenceSpec
from latentclust.tensors import Posterior

MOST_FOR_LENGTHS = 1000
"""Samples on which chains of other lengths are tried, the first ones of a seeded draw."""


MIXED = 0.9
"""Share of samples on which independent chains must agree; below it a report warns."""


def readings(
    model: ClusteringModel, trained_on: ImageSet, tested: ImageSet, posterior: Posterior
) -> dict[str, Reading]:
    """The scores of every inference that the recipe lists beside its own, and how far its clusters agree with that."""
    resolved = model.resolved
    found = {}
    for name, inference in resolved.readouts.items():
        other = refit(_reading(model, inference), trained_on)
        labels = other.predict(tested.source, resolved.recipe.evaluate.batch_size, resolved.recipe.seed).labels.numpy()
        scores = assess(labels, tested.labels, model.clusters, resolved.metrics).metrics
        found[name] = Reading(scores, agreement(posterior.labels.numpy(), labels, model.clusters))
    return found


def examine_chains(model: ClusteringModel, tested: ImageSet, posterior: Posterior) -> ChainFacts | None:
    """Whether independent chains agree, and what shorter and longer ones come to; None for an inference without any."""
    inference = model.inference
    if not isinstance(inference, ChainSpec):
        return None
    table = model.resolved.recipe
    again = model.predict(tested.source, table.evaluate.batch_size, table.seed + 1).labels.numpy()
    return ChainFacts(same(posterior.labels.numpy(), again), _by_length(model, tested, inference.lengths()))


def doubts(chains: ChainFacts | None) -> tuple[str, ...]:
    """A warning where independent chains do not agree."""
    if chains is None or chains.agreement >= MIXED:
        return ()
    share = f"{chains.agreement:.1%}"
    return (
        f"independent chains agree on {share} of the images, so they have not mixed: raise inference.burn_in or "
        "inference.steps, or anneal inference.noise to a higher end",
    )


def _by_length(
    model: ClusteringModel, tested: ImageSet, lengths: Mapping[int, ChainSpec]
) -> tuple[Mapping[str, float], ...]:
    """Metrics by the chains' Langevin steps, on a part of the data; empty without labels."""
    if tested.labels is None or not lengths:
        return ()
    recipe = model.resolved.recipe
    chosen = np.random.default_rng(recipe.seed).permutation(len(tested.source))[:MOST_FOR_LENGTHS]
    part = ArraySource(tested.source.read(np.sort(chosen)))
    labels = tested.labels.part(np.sort(chosen))
    curve = []
    for steps, inference in lengths.items():
        found = _reading(model, inference).predict(part, recipe.evaluate.batch_size, recipe.seed).labels.numpy()
        scores = assess(found, labels, model.clusters, model.resolved.metrics).metrics
        curve.append({"steps": float(steps), **(scores or {})})
    return tuple(curve)


def _reading(model: ClusteringModel, inference: InferenceSpec) -> ClusteringModel:
    return replace(model, resolved=replace(model.resolved, inference=inference))
