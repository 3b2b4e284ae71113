"""The number of clusters that the scores suggest: what two of three rules choose, as a range and one sentence."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from latentclust.cluster_number.k_scores import FEWEST, KScores
from latentclust.evaluate.kmeans_reference import choose_by_gap
from latentclust.evaluate.prediction_strength import STRONG

TOLERANCE = 1
"""Largest difference of two numbers that agree, in steps of the numbers that were compared."""

LEAST_VOTES = 2
"""Least number of rules that agree on a suggestion."""

LEAST_AGREEMENT = 0.4
"""Least mean ARI of two trainings with a number of clusters that is suggested."""


@dataclass(frozen=True, slots=True)
class Vote:
    """The number that a rule chooses, or None, and whether it counts."""

    rule: str
    number: int | None
    counts: bool = True

    def __str__(self) -> str:
        """Return the vote as a clause."""
        if self.number is None:
            return f"{self.rule} chooses no number"
        return (
            f"{self.rule} chooses {self.number}{'' if self.counts else ' (an end of the range, which does not count)'}"
        )


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
    votes = [
        Vote("stability", stability),
        Vote("the silhouette of k-means", silhouette, between(silhouette, scores) is not None),
        Vote("the gap statistic of k-means", gap, between(gap, scores) is not None),
    ]
    compared = [score.clusters for score in scores]
    agreed = agreeing([vote.number for vote in votes if vote.counts and vote.number is not None], compared)
    number = upper_median(agreed) if len(agreed) >= LEAST_VOTES else None
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


def agreeing(numbers: Sequence[int], compared: Sequence[int]) -> list[int]:
    """Return the most numbers that differ by at most one step; of as many, the closest and then the smallest.

    Args:
        numbers: Numbers that rules choose.
        compared: Numbers that were compared, ascending, two or more. Their distances are the steps.

    Returns:
        The numbers that agree, ascending.
    """
    ascending = sorted(numbers)
    steps = {number: _steps(number, compared) for number in ascending}
    groups = [[n for n in ascending if 0 <= steps[n] - steps[low] <= TOLERANCE] for low in ascending]
    return max(groups, key=lambda group: (len(group), steps[group[0]] - steps[group[-1]]), default=[])


def _steps(number: int, compared: Sequence[int]) -> Fraction:
    """Return the number of steps from the smallest number to this one, which may lie between two or outside."""
    at = min(max(bisect_right(compared, number) - 1, 0), len(compared) - 2)
    return at + Fraction(number - compared[at], compared[at + 1] - compared[at])


def upper_median(ascending: Sequence[int]) -> int:
    """Return the median of ascending numbers, of two in the middle the larger one: a number that a rule chooses."""
    return ascending[len(ascending) // 2]


def between(number: int | None, scores: Sequence[KScores]) -> int | None:
    """Return a number that is neither the smallest nor the largest one that was compared. Otherwise None."""
    return number if number is not None and scores[0].clusters < number < scores[-1].clusters else None


def nearest(scores: Sequence[KScores], number: int) -> KScores:
    """Return the scores of the compared number that is nearest to a number, which may be one of used clusters."""
    return min(scores, key=lambda score: abs(score.clusters - number))


def agreement_with(scores: Sequence[KScores], number: int) -> float:
    """Return the mean ARI of two trainings with the compared number that is nearest to a number, 0 if it is unknown."""
    found = nearest(scores, number).subsamples
    return found.mean if found else 0.0


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


def _objection(scores: Sequence[KScores], votes: Sequence[Vote], number: int | None) -> str:
    """Return why a number is not suggested, as a clause. Empty if it is."""
    if votes[0].number is None:  # of stability
        collapsed = any(score.collapsed for score in scores)
        return "trainings collapsed into a single cluster or failed" if collapsed else "too many trainings failed"
    if number is None:
        return f"{_list([str(vote) for vote in votes])}, and no two numbers that count agree"
    trained = nearest(scores, number)
    if trained.subsamples is None:
        return f"too many trainings with {trained.clusters} clusters failed to compare two"
    if trained.subsamples.mean < LEAST_AGREEMENT:
        return (
            f"two trainings with {trained.clusters} clusters agree with an ARI of {trained.subsamples.mean:.2f} alone"
        )
    return ""


def _sentence(scores: Sequence[KScores], votes: Sequence[Vote], agreed: Sequence[int]) -> str:
    low, high = min(agreed), max(agreed)
    chosen = [str(vote) for vote in votes if vote.counts and vote.number in agreed]
    sentence = f"{low} to {high} clusters" if low < high else f"{low} clusters"
    sentence += f": {_list(chosen)}"
    if high >= scores[-1].clusters:
        sentence += f"; {scores[-1].clusters} is the largest number that was compared, so compare larger ones"
    if FEWEST < scores[0].clusters >= low:
        sentence += f"; {scores[0].clusters} is the smallest number that was compared, so compare smaller ones"
    return f"{sentence}."


def _list(phrases: Sequence[str]) -> str:
    """Return phrases with commas, and "and" before the last one."""
    return f"{', '.join(phrases[:-1])} and {phrases[-1]}" if len(phrases) > 1 else "".join(phrases)
