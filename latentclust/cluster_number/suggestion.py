"""The numbers of clusters that the scores suggest, as a range and one sentence."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from latentclust.cluster_number.k_scores import FEWEST, KScores
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
"""Number of compared numbers up to which a range may hold all of them."""


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
    known = [score for score in scores if score.excess is not None and score.typical >= FEWEST]
    best = max(known, key=lambda score: score.excess or 0.0, default=None)
    objection = _failure(scores) if best is None else _objection(known, best)
    chosen = [] if objection or best is None else _near(known, best)
    if not objection and len(scores) > FEW and len(chosen) > MOST_SHARE * len(scores):
        low, high = chosen[0].clusters, chosen[-1].clusters
        objection = f"{low} to {high} clusters are about equally stable"
    chosen = [] if objection else chosen
    used = [score.typical for score in chosen]
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


def _failure(scores: Sequence[KScores]) -> str:
    """Return why there is no best number, as a clause."""
    if any(score.collapsed for score in scores):
        return "trainings collapsed into a single cluster or failed"
    return "too many trainings failed"


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
            "the stability, less that of k-means on random values without clusters, is about the same for all numbers "
            f"({best.clusters} leads their median by {lead:.3f}, less than {LEAST_LEAD:g})"
        )
    return ""


def _near(known: Sequence[KScores], best: KScores) -> list[KScores]:
    """Return the numbers around the best one that are about as good.

    "About" is the standard deviation of the ARI over the pairs of trainings, divided by the root of their number. Pairs
    share trainings, so this is smaller than a standard error.
    """
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
    clauses = [f"{_numbers(low, high)}"]
    if (low, high) != (first, last):
        clauses[0] += f": so many of {_range(first, last)} have 1% of the samples or more"
    largest, smallest = last == scores[-1].clusters, first == scores[0].clusters
    if largest:
        clauses.append(f"{last} is the largest number that was compared, so compare larger ones")
    if smallest:
        clauses.append(f"{first} is the smallest number that was compared, so compare smaller ones")
    if not largest and not smallest and (low, high) == (first, last):
        clauses.append(_beyond(scores, chosen))
    return "; ".join(clauses) + "."


def _beyond(scores: Sequence[KScores], chosen: Sequence[KScores]) -> str:
    """Return how the numbers beyond a range compare with it, as a clause."""
    last = chosen[-1].clusters
    beyond = [score.subsamples.mean for score in scores if score.clusters > last and score.subsamples]
    least = min(score.subsamples.mean for score in chosen if score.subsamples)
    if beyond and max(beyond) < least:
        return f"beyond {last}, two trainings agree less on the clusters"
    return (
        f"beyond {last}, the agreement of two trainings exceeds that of k-means on random values without clusters less"
    )


def _range(low: int, high: int) -> str:
    return f"{low} to {high}" if low < high else f"{low}"


def _numbers(low: int, high: int) -> str:
    return f"{_range(low, high)} clusters"


def _by_strength(scores: Sequence[KScores]) -> int | None:
    strong = [score for score in scores if score.strength and score.strength.mean >= STRONG and score.typical >= FEWEST]
    return strong[-1].typical if strong else None


def _by_silhouette(scores: Sequence[KScores]) -> int | None:
    known = [score for score in scores if score.kmeans.silhouette is not None]
    return max(known, key=lambda score: score.kmeans.silhouette or 0.0).clusters if known else None
