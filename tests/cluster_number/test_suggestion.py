"""The number of clusters that scores suggest."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from latentclust.cluster_number.k_scores import KScores, Spread
from latentclust.cluster_number.suggestion import agreeing, between, by_strength, suggest
from latentclust.evaluate.kmeans_reference import KMeansScores

NUMBERS = range(4, 10)


def curve(
    stability: int,
    silhouette: int,
    gap: int | None,
    *,
    ari: float = 0.9,
    used: dict[int, float] | None = None,
    numbers: Sequence[int] = NUMBERS,
) -> list[KScores]:
    """Scores of 4 to 9 clusters, whose stability, silhouette and gap statistic choose these numbers."""
    scores = []
    for number in numbers:
        mean = ari if number == stability else ari - 0.1
        grows = (number if gap is None else min(number, gap)) / 10
        kmeans = KMeansScores(grows, 0.001, 1 / (1 + abs(number - silhouette)), 0.5, chance=0.3)
        spread, own = Spread.of([mean, mean]), Spread.of([(used or {}).get(number, float(number))])
        scores.append(KScores(number, 4, (), spread, spread, spread, None, {}, own, own, kmeans, chance=0.3))
    return scores


@pytest.mark.parametrize(
    ("chosen", "number", "low", "high"),
    [
        ((6, 6, 6), 6, 6, 6),
        ((6, 5, 6), 6, 5, 6),
        ((7, 6, None), 7, 6, 7),
        ((6, 8, 5), 6, 5, 6),
        ((8, 6, 6), 6, 6, 6),
        ((9, 4, 8), 9, 8, 9),  # of stability, the ends count too
    ],
)
def test_two_rules_that_agree_within_one_suggest_their_median(
    chosen: tuple[int, int, int | None], number: int, low: int, high: int
) -> None:
    found = suggest(curve(*chosen))
    assert (found.number, found.low, found.high) == (number, low, high)
    assert (found.by_stability, found.by_silhouette, found.by_gap) == chosen


@pytest.mark.parametrize("chosen", [(5, 7, None), (8, 9, None), (5, 4, 4), (4, 6, 8)])
def test_no_number_stands_out_if_rules_disagree_or_choose_an_end(chosen: tuple[int, int, int | None]) -> None:
    found = suggest(curve(*chosen))
    assert (found.number, found.low, found.high) == (None, None, None)
    assert found.sentence.startswith(f"No number of clusters stands out: stability chooses {chosen[0]}, ")
    assert found.sentence.endswith("and no two numbers that count agree.")


def test_trainings_must_agree_on_the_number() -> None:
    found = suggest(curve(6, 6, 6, ari=0.3))
    assert found.number is None
    assert found.sentence == (
        "No number of clusters stands out: two trainings with 6 clusters agree with an ARI of 0.30 alone."
    )


def test_stability_counts_above_that_without_clusters() -> None:
    scores = curve(5, 8, None)
    assert suggest(scores).by_stability == 5
    scores[1] = replace(scores[1], chance=0.5)
    assert suggest([*scores[:4], replace(scores[4], chance=0.1), scores[5]]).by_stability == 8


def test_stability_chooses_the_number_of_used_clusters() -> None:
    found = suggest(curve(9, 6, None, used={9: 6.3}))
    assert (found.number, found.by_stability, found.by_strength) == (6, 6, 6)


def test_a_collapsed_number_is_not_chosen() -> None:
    scores = curve(4, 6, 5)
    collapsed = replace(scores[0], used=Spread.of([1.0, 1.3]), collapsed=3)
    assert suggest([collapsed, *scores[1:]]).by_stability == 5
    everywhere = [replace(score, used=Spread.of([1.0]), collapsed=3) for score in scores]
    assert "trainings collapsed into a single cluster or failed" in suggest(everywhere).sentence
    failed = [replace(score, subsamples=None) for score in scores]
    assert suggest(failed).number is None
    assert "too many trainings failed" in suggest(failed).sentence


def test_the_sentence_names_the_rules_that_agree_and_the_ends() -> None:
    assert suggest(curve(6, 5, 6)).sentence == (
        "5 to 6 clusters: stability chooses 6, the silhouette of k-means chooses 5 and the gap statistic of k-means "
        "chooses 6."
    )
    assert suggest(curve(9, 6, 8)).sentence == (
        "8 to 9 clusters: stability chooses 9 and the gap statistic of k-means chooses 8; 9 is the largest number that "
        "was compared, so compare larger ones."
    )
    assert "4 is the smallest number that was compared" in suggest(curve(4, 5, None)).sentence


def test_the_largest_group_agrees_then_the_closest_then_the_smallest() -> None:
    assert agreeing([9, 5, 6, 10, 10], NUMBERS) == [9, 10, 10]
    assert agreeing([9, 8, 5, 5], NUMBERS) == [5, 5]
    assert agreeing([9, 8, 5, 4], NUMBERS) == [4, 5]
    assert agreeing([7, 4], NUMBERS) == [4]
    assert agreeing([], NUMBERS) == []


def test_the_tolerance_is_one_step_of_the_numbers_that_were_compared() -> None:
    assert agreeing([8, 10], range(4, 17, 2)) == [8, 10]
    assert agreeing([8, 11], range(4, 17, 2)) == [8]
    assert agreeing([5, 7], [4, 7, 8]) == [5, 7]
    assert agreeing([5, 8], [4, 7, 8]) == [5]  # 5 lies a third of a step above 4
    assert agreeing([2, 4], range(4, 17, 2)) == [2, 4]  # 2 of 4 clusters are used
    found = suggest(curve(8, 10, None, numbers=range(4, 17, 2)))
    assert (found.number, found.low, found.high) == (10, 8, 10)  # and not 9, which was not compared
    refused = suggest(curve(8, 10, None, numbers=range(4, 17, 2), ari=0.2)).sentence
    assert "two trainings with 10 clusters agree with an ARI of 0.10 alone" in refused


def test_a_number_whose_trainings_failed_is_not_suggested() -> None:
    scores = curve(5, 6, 6)
    scores[2] = replace(scores[2], subsamples=None)
    found = suggest(scores)
    assert found.number is None
    assert found.sentence == (
        "No number of clusters stands out: too many trainings with 6 clusters failed to compare two."
    )


def test_a_vote_at_an_end_is_told_and_does_not_count() -> None:
    assert (
        "the silhouette of k-means chooses 9 (an end of the range, which does not count) and"
        in suggest(curve(8, 9, None)).sentence
    )
    assert "smallest" not in suggest(curve(2, 3, 3, numbers=range(2, 6))).sentence  # 1 cluster cannot be compared


def test_prediction_strength_chooses_the_largest_strong_number_and_has_no_influence() -> None:
    scores = [replace(score, strength=Spread.of([0.85 if score.clusters < 8 else 0.5])) for score in curve(6, 6, 6)]
    assert (suggest(scores).by_strength, suggest(scores).number) == (7, 6)
    assert by_strength(scores, least=0.9) is None
    assert suggest([replace(score, strength=None) for score in scores]).by_strength is None
    assert between(4, scores) is between(9, scores) is between(None, scores) is None
    assert between(5, scores) == 5
