"""The number of clusters that scores suggest."""

from dataclasses import replace

import pytest

from latentclust.cluster_number.k_scores import KScores, Spread
from latentclust.cluster_number.suggestion import agreeing, between, by_strength, suggest
from latentclust.evaluate.kmeans_reference import KMeansScores

NUMBERS = range(4, 10)


def curve(
    stability: int, silhouette: int, gap: int | None, *, ari: float = 0.9, used: dict[int, float] | None = None
) -> list[KScores]:
    """Scores of 4 to 9 clusters, whose stability, silhouette and gap statistic choose these numbers."""
    scores = []
    for number in NUMBERS:
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
    assert found.sentence.endswith("and no two of them agree.")


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
    assert agreeing([9, 5, 6, 10, 10]) == [9, 10, 10]
    assert agreeing([9, 8, 5, 5]) == [5, 5]
    assert agreeing([9, 8, 5, 4]) == [4, 5]
    assert agreeing([7, 4]) == [4]
    assert agreeing([]) == []


def test_prediction_strength_chooses_the_largest_strong_number_and_has_no_influence() -> None:
    scores = [replace(score, strength=Spread.of([0.85 if score.clusters < 8 else 0.5])) for score in curve(6, 6, 6)]
    assert (suggest(scores).by_strength, suggest(scores).number) == (7, 6)
    assert by_strength(scores, least=0.9) is None
    assert suggest([replace(score, strength=None) for score in scores]).by_strength is None
    assert between(4, scores) is between(9, scores) is between(None, scores) is None
    assert between(5, scores) == 5
