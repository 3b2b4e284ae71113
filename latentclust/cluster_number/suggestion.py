"""The numbers of clusters that the scores suggest, as a range and one sentence."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from latentclust.cluster_number.k_scores import KScores
from latentclust.evaluate.kmeans_reference import choose_by_gap
from latentclust.evaluate.prediction_strength import STRONG

LEAST_STABILITY = 0.5
"""Least stability of a number of clusters that is suggested."""

LEAST_LEAD = 0.05
"""Least lead of the best number over the median of the others, in the difference to k-means without clusters."""

TOLERANCE = 0.02
"""Difference of stability below which two numbers count as equal, whatever the standard errors."""

MOST_SHARE = 0.5
"""Largest part of the compared numbers that a range may have, if there are more than `FEW`."""

FEW = 4

NESTED = 0.95
"""Part of the homogeneity between two trainings of the suggested number from which further clusters split its own."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The numbers of clusters that the scores suggest.

    Attributes:
        low: Smallest suggested number: the mean number of used clusters, rounded. None if none stands out.
        high: Largest suggested number. None if none stands out.
        trained: Numbers of clusters whose trainings the suggestion is based on, ascending.
        best: Number with the largest difference between its stability and that of k-means without clusters.
        sentence: The suggestion, or why there is none.
        by_strength: Used clusters of the largest number with a prediction strength of at least 0.8. None without one.
        by_silhouette: Number with the largest silhouette of k-means. None if no silhouette is defined.
        by_gap: Number that the gap statistic of k-means chooses. None if the gap grows up to the largest number.
    """

    low: int | None
    high: int | None
    trained: tuple[int, ...]
    best: int | None
    sentence: str
    by_strength: int | None
    by_silhouette: int | None
    by_gap: int | None


def suggest(scores: Sequence[KScores]) -> Suggestion:
    """Return the suggestion of scores, which are ascending by their numbers of clusters."""
    known = [score for score in scores if score.excess is not None]
    best = max(known, key=lambda score: score.excess or 0.0, default=None)
    objection = "too many trainings failed" if best is None else _objection(known, best)
    chosen = [] if objection or best is None else _near(known, best)
    if not objection and len(scores) > FEW and len(chosen) > MOST_SHARE * len(scores):
        low, high = chosen[0].clusters, chosen[-1].clusters
        objection = f"{low} to {high} clusters are about equally stable"
    chosen = [] if objection else chosen
    used = [_used(score) for score in chosen]
    sentence = f"No number of clusters stands out: {objection}." if objection else _sentence(scores, chosen, used)
    return Suggestion(
        low=min(used, default=None),
        high=max(used, default=None),
        trained=tuple(score.clusters for score in chosen),
        best=best.clusters if best else None,
        sentence=sentence,
        by_strength=_by_strength(scores),
        by_silhouette=_by_silhouette(scores),
        by_gap=choose_by_gap(
            [score.clusters for score in scores],
            [score.kmeans.gap for score in scores],
            [score.kmeans.gap_error for score in scores],
        ),
    )


def _objection(known: Sequence[KScores], best: KScores) -> str:
    """Return why the best number is not suggested, as a clause. Empty if it is."""
    assert best.subsamples is not None
    if best.subsamples.mean < LEAST_STABILITY:
        stability = f"{best.subsamples.mean:.2f}"
        return f"even with {best.clusters} clusters two trainings agree with an ARI of {stability} alone"
    others = [score.excess for score in known if score is not best and score.excess is not None]
    lead = (best.excess or 0.0) - float(np.median(others)) if others else 0.0
    if lead < LEAST_LEAD:
        return (
            "the stability, less that of k-means on values without clusters, is about the same for all numbers "
            f"({best.clusters} leads by {lead:.2f})"
        )
    return ""


def _near(known: Sequence[KScores], best: KScores) -> list[KScores]:
    """Return the numbers around the best one whose difference is within one standard error of the best."""
    assert best.excess is not None
    assert best.subsamples is not None
    error = (best.subsamples.std or 0.0) / np.sqrt(len(best.subsamples.values))
    least = best.excess - max(error, TOLERANCE)
    good = [score.excess is not None and score.excess >= least for score in known]
    first = last = known.index(best)
    while first > 0 and good[first - 1]:
        first -= 1
    while last + 1 < len(known) and good[last + 1]:
        last += 1
    return list(known[first : last + 1])


def _sentence(scores: Sequence[KScores], chosen: Sequence[KScores], used: Sequence[int]) -> str:
    first, last, low, high = chosen[0].clusters, chosen[-1].clusters, min(used), max(used)
    if last == scores[-1].clusters and high == last:
        return f"At least {low} clusters: {last} is the largest number that was compared, so compare larger ones."
    if first == scores[0].clusters and low == first:
        return f"{_numbers(low, high)} or fewer: {first} is the smallest number that was compared."
    if (low, high) != (first, last):
        return f"{_numbers(low, high)}: so many of {_range(first, last)} have 1% of the samples or more."
    nested = [score.nested for score in scores if score.clusters > last and score.nested is not None]
    own = chosen[-1].nested
    if nested and own and min(nested) >= NESTED * own:
        return f"{_numbers(low, high)}; beyond {high}, clusters split the same groups, otherwise in each training."
    return f"{_numbers(low, high)}; beyond {high}, two trainings agree less on the clusters."


def _range(low: int, high: int) -> str:
    return f"{low} to {high}" if low < high else f"{low}"


def _numbers(low: int, high: int) -> str:
    return f"{_range(low, high)} clusters"


def _by_strength(scores: Sequence[KScores]) -> int | None:
    strong = [score for score in scores if score.strength and score.strength.mean >= STRONG]
    return _used(strong[-1]) if strong else None


def _used(score: KScores) -> int:
    return round(score.used.mean) if score.used else score.clusters


def _by_silhouette(scores: Sequence[KScores]) -> int | None:
    known = [score for score in scores if score.kmeans.silhouette is not None]
    return max(known, key=lambda score: score.kmeans.silhouette or 0.0).clusters if known else None
