"""The number of clusters that the scores suggest: what two of three rules choose, as a range and one sentence."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from latentclust.cluster_number.k_scores import FEWEST, KScores
from latentclust.evaluate.kmeans_reference import choose_by_gap
from latentclust.evaluate.prediction_strength import STRONG

TOLERANCE = 1
"""Largest difference of two numbers that agree."""

LEAST_VOTES = 2
"""Least number of rules that agree on a suggestion."""

LEAST_AGREEMENT = 0.4
"""Least mean ARI of two trainings with a number of clusters that is suggested."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The numbers of clusters that the scores suggest.

    Attributes:
        number: Median of the numbers that agree, the larger one of two. None if none stands out.
        low: Smallest number that agrees. None if none stands out.
        high: Largest number that agrees. None if none stands out.
        sentence: The suggestion, or why there is none.
        by_stability: Used clusters of the number whose stability exceeds that of k-means without clusters the most.
            None if trainings failed or collapsed.
        by_strength: Used clusters of the largest number with a prediction strength of at least 0.8. None without one.
            It has no influence on the suggestion.
        by_silhouette: Number with the largest silhouette of k-means. None if no silhouette is defined.
        by_gap: Number that the gap statistic of k-means chooses. None if the gap grows up to the largest number.
    """

    number: int | None
    low: int | None
    high: int | None
    sentence: str
    by_stability: int | None
    by_strength: int | None
    by_silhouette: int | None
    by_gap: int | None


def suggest(scores: Sequence[KScores]) -> Suggestion:
    """Return the suggestion of scores, which are ascending by their numbers of clusters.

    Stability, silhouette and gap statistic choose a number each. The latter two count only between the smallest and the
    largest number that were compared, since their best number may lie beyond. Two of the three must choose the same
    number or neighbouring ones, and two trainings with it must agree.
    """
    stability, silhouette, gap = by_stability(scores), by_silhouette(scores), by_gap(scores)
    votes = {
        "stability": stability,
        "the silhouette of k-means": between(silhouette, scores),
        "the gap statistic of k-means": between(gap, scores),
    }
    agreed = agreeing([number for number in votes.values() if number is not None])
    number = math.ceil(np.median(agreed)) if len(agreed) >= LEAST_VOTES else None
    objection = _objection(scores, votes, number)
    chosen = [] if objection else agreed
    return Suggestion(
        number=None if objection else number,
        low=min(chosen, default=None),
        high=max(chosen, default=None),
        sentence=f"No number of clusters stands out: {objection}." if objection else _sentence(scores, votes, agreed),
        by_stability=stability,
        by_strength=by_strength(scores),
        by_silhouette=silhouette,
        by_gap=gap,
    )


def agreeing(numbers: Sequence[int]) -> list[int]:
    """Return the most numbers that differ by at most 1, ascending; of as many, the closest and then the smallest."""
    ascending = sorted(numbers)
    groups = [[number for number in ascending if 0 <= number - low <= TOLERANCE] for low in ascending]
    return max(groups, key=lambda group: (len(group), group[0] - group[-1]), default=[])


def between(number: int | None, scores: Sequence[KScores]) -> int | None:
    """Return a number that is neither the smallest nor the largest one that was compared. Otherwise None."""
    return number if number is not None and scores[0].clusters < number < scores[-1].clusters else None


def agreement_with(scores: Sequence[KScores], number: int) -> float:
    """Return the mean ARI of two trainings with the compared number that is nearest to a number, 0 if it is unknown."""
    nearest = min(scores, key=lambda score: abs(score.clusters - number))
    return nearest.subsamples.mean if nearest.subsamples else 0.0


def by_stability(scores: Sequence[KScores]) -> int | None:
    """Return the used clusters of the number whose stability exceeds that without clusters the most."""
    known = [score for score in scores if score.excess is not None and score.typical >= FEWEST]
    return max(known, key=lambda score: score.excess or 0.0).typical if known else None


def by_strength(scores: Sequence[KScores], least: float = STRONG) -> int | None:
    """Return the used clusters of the largest number with a prediction strength of at least `least`."""
    strong = [score for score in scores if score.strength and score.strength.mean >= least and score.typical >= FEWEST]
    return strong[-1].typical if strong else None


def by_silhouette(scores: Sequence[KScores]) -> int | None:
    """Return the number with the largest silhouette of k-means."""
    known = [score for score in scores if score.kmeans.silhouette is not None]
    return max(known, key=lambda score: score.kmeans.silhouette or 0.0).clusters if known else None


def by_gap(scores: Sequence[KScores]) -> int | None:
    """Return the number that the gap statistic of k-means chooses."""
    return choose_by_gap(
        [score.clusters for score in scores],
        [score.kmeans.gap for score in scores],
        [score.kmeans.gap_error for score in scores],
    )


def _objection(scores: Sequence[KScores], votes: Mapping[str, int | None], number: int | None) -> str:
    """Return why a number is not suggested, as a clause. Empty if it is."""
    if votes["stability"] is None:
        collapsed = any(score.collapsed for score in scores)
        return "trainings collapsed into a single cluster or failed" if collapsed else "too many trainings failed"
    if number is None:
        return f"{_list([_vote(name, value) for name, value in votes.items()])}, and no two of them agree"
    agreement = agreement_with(scores, number)
    if agreement < LEAST_AGREEMENT:
        return f"two trainings with {number} clusters agree with an ARI of {agreement:.2f} alone"
    return ""


def _sentence(scores: Sequence[KScores], votes: Mapping[str, int | None], agreed: Sequence[int]) -> str:
    low, high = min(agreed), max(agreed)
    chosen = [_vote(name, value) for name, value in votes.items() if value is not None and low <= value <= high]
    sentence = f"{low} to {high} clusters" if low < high else f"{low} clusters"
    sentence += f": {_list(chosen)}"
    if high >= scores[-1].clusters:
        sentence += f"; {scores[-1].clusters} is the largest number that was compared, so compare larger ones"
    if low <= scores[0].clusters:
        sentence += f"; {scores[0].clusters} is the smallest number that was compared, so compare smaller ones"
    return f"{sentence}."


def _vote(name: str, value: int | None) -> str:
    return f"{name} chooses {'no number' if value is None else value}"


def _list(phrases: Sequence[str]) -> str:
    """Return phrases with commas, and "and" before the last one."""
    return f"{', '.join(phrases[:-1])} and {phrases[-1]}" if len(phrases) > 1 else "".join(phrases)
