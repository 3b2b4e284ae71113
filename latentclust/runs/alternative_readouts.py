"""Readouts of one trained model by other inference methods, by independent chains and by shorter or longer chains."""

from collections.abc import Mapping, Sequence

import numpy as np

from latentclust.data.subset import spread_indices, subset
from latentclust.data.undeclared_nodata import READ_AS_DATA
from latentclust.evaluate.match import equal_share, equal_share_of_counts, matched_agreement, matched_share
from latentclust.model.model import ClusteringModel
from latentclust.phases import SILENT, Phases
from latentclust.report.facts import ChainFacts, ReadoutScores
from latentclust.runs.dataset_scores import DatasetScores, count_pairs, label_maps, score_dataset
from latentclust.runs.fitted_model import refit, with_inference
from latentclust.specs.data import ImageSet
from latentclust.specs.inference import ChainSpec

MAX_LENGTH_SAMPLES = 1000
"""Maximum number of samples, randomly drawn with the seed, that shorter and longer chains are scored on."""

MAX_MAPS = 64
"""Maximum number of images, evenly spread over the set, whose pixels are compared or score other chain lengths."""

MIN_AGREEMENT = 0.9
"""Share of samples on which independent chains must agree. The report warns below it."""


def score_readouts(
    model: ClusteringModel, trained_on: ImageSet, tested: ImageSet, own: DatasetScores, phases: Phases = SILENT
) -> dict[str, ReadoutScores]:
    """Score every inference in the recipe's `evaluate.readouts` and compare its clusters with the model's own.

    Args:
        model: Trained model.
        trained_on: Data set that the other inferences are fitted to.
        tested: Data set that is scored.
        own: Scores of the model's own inference on it.
        phases: Tells the progress.
    """
    readouts = {}
    for name, inference in model.resolved.readouts.items():
        within = phases.within(f"inference {name}")
        other = refit(with_inference(model, inference), trained_on, within)
        scores = score_dataset(other, tested, within)
        agreement = _agreement(model, own, other, scores, tested, within)
        readouts[name] = ReadoutScores(scores.clustering.metrics, agreement)
    return readouts


def evaluate_chains(
    model: ClusteringModel, tested: ImageSet, own: DatasetScores, phases: Phases = SILENT
) -> ChainFacts | None:
    """Return the agreement of independent chains and the scores by chain length. None for inference without chains."""
    inference = model.inference
    if not isinstance(inference, ChainSpec):
        return None
    lengths = _scores_by_length(model, tested, inference.lengths(), phases)
    recipe, within = model.resolved.recipe, phases.within("independent chains")
    if own.posterior is None:
        part = _some_maps(tested)
        again = label_maps(model, part, recipe.seed + 1, phases=within)
        pairs = count_pairs(label_maps(model, part), again, model.clusters)
        return ChainFacts(equal_share_of_counts(pairs), lengths)
    other = model.predict(tested.inputs, recipe.evaluate.batch_size, recipe.seed + 1, phases=within).labels.numpy()
    return ChainFacts(equal_share(own.posterior.labels.numpy(), other), lengths)


def chain_warnings(chains: ChainFacts | None, unit: str = "images", notes: Sequence[str] = ()) -> tuple[str, ...]:
    """Return a warning if independent chains agree on less than `MIN_AGREEMENT`; `notes` on the data change it."""
    if chains is None or chains.agreement >= MIN_AGREEMENT:
        return ()
    what = f"independent chains agree on {chains.agreement:.1%} of the {unit}, so they have not mixed"
    if any(READ_AS_DATA in note for note in notes):
        return (f"{what}: declare the fill that is read as data with data.nodata first, since it takes clusters",)
    return (f"{what}: raise inference.burn_in or inference.steps, or anneal inference.noise to a higher end",)


def _agreement(
    model: ClusteringModel,
    own: DatasetScores,
    other: ClusteringModel,
    scores: DatasetScores,
    tested: ImageSet,
    phases: Phases,
) -> float:
    if own.posterior is not None and scores.posterior is not None:
        return matched_agreement(own.posterior.labels.numpy(), scores.posterior.labels.numpy(), model.clusters)
    part = _some_maps(tested)
    pairs = count_pairs(label_maps(model, part), label_maps(other, part, phases=phases), model.clusters)
    return matched_share(pairs)


def _scores_by_length(
    model: ClusteringModel, tested: ImageSet, lengths: Mapping[int, ChainSpec], phases: Phases
) -> tuple[Mapping[str, float], ...]:
    """Return metrics by the number of Langevin steps, on a part of the data. Empty without labels."""
    if tested.labels is None or not lengths:
        return ()
    if model.per_pixel:
        part = _some_maps(tested)
    else:
        rng = np.random.default_rng(model.resolved.recipe.seed)
        part = subset(tested, np.sort(rng.permutation(len(tested.source))[:MAX_LENGTH_SAMPLES]))
    curve = []
    for steps, inference in lengths.items():
        within = phases.within(f"chains of {steps} steps")
        scores = score_dataset(with_inference(model, inference), part, within).clustering.metrics
        if scores is None:
            return ()
        curve.append({"steps": float(steps), **scores})
    return tuple(curve)


def _some_maps(tested: ImageSet) -> ImageSet:
    return subset(tested, spread_indices(len(tested.source), MAX_MAPS))
