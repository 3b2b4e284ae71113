"""The numbers of clusters that scores suggest."""

from dataclasses import replace

import pytest

from latentclust.cluster_number.k_scores import KScores, Spread
from latentclust.cluster_number.suggestion import suggest
from latentclust.evaluate.kmeans_reference import KMeansScores


def score(clusters: int, stability: float, chance: float = 0.3, strength: float = 0.5) -> KScores:
    """Scores with a spread of 0.01 over six pairs."""
    spread = Spread(stability, 0.01, (stability,) * 6)
    kmeans = KMeansScores(gap=clusters / 100, gap_error=0.001, silhouette=1 / clusters, stability=0.5, chance=chance)
    used = Spread.of([float(clusters)])
    return KScores(clusters, 4, (), spread, spread, Spread.of([strength]), None, {}, used, used, kmeans, chance)


def curve(**stabilities: float) -> list[KScores]:
    return [score(int(name[1:]), value) for name, value in stabilities.items()]


def test_numbers_near_the_most_stable_one_are_a_range() -> None:
    found = suggest(curve(k4=0.6, k5=0.7, k6=0.9, k7=0.89, k8=0.6))
    assert (found.low, found.high, found.best) == (6, 7, 6)
    assert found.sentence == "6 to 7 clusters; beyond 7, two trainings agree less on the clusters."


def test_stability_counts_above_that_without_clusters() -> None:
    scores = [score(2, 0.95, chance=0.9), *curve(k3=0.6, k4=0.8, k5=0.5)]
    assert suggest(scores).low == suggest(scores).high == 4


def test_the_sentence_says_that_trainings_agree_less_beyond_only_if_they_do() -> None:
    scores = [*curve(k4=0.6, k5=0.9), score(6, 0.95, chance=0.6)]
    assert suggest(scores).sentence == (
        "5 clusters; beyond 5, the agreement of two trainings exceeds that of k-means on random values without "
        "clusters less."
    )


def test_a_collapsed_number_is_not_suggested() -> None:
    collapsed = replace(score(3, 0.99, strength=0.9), used=Spread.of([1.0, 1.3]), collapsed=3)
    found = suggest([collapsed, *curve(k4=0.6, k5=0.8, k6=0.6)])
    assert (found.low, found.best, found.by_strength) == (5, 5, None)
    assert "trainings collapsed into a single cluster or failed" in suggest([collapsed, collapsed]).sentence


@pytest.mark.parametrize(
    ("scores", "why"),
    [
        (curve(k4=0.3, k5=0.4, k6=0.35), "even with 5 clusters two trainings agree with an ARI of 0.40 alone"),
        ([score(k, 0.9 - k / 20, chance=0.8 - k / 20) for k in (4, 5, 6)], "by 0.000, less than 0.05"),
        (curve(k4=0.8, k5=0.81, k6=0.8, k7=0.5, k8=0.5), "4 to 6 clusters are about equally stable"),
        ([replace(one, subsamples=None) for one in curve(k4=0.8, k5=0.8)], "too many trainings failed"),
    ],
)
def test_nothing_stands_out_and_it_says_why(scores: list[KScores], why: str) -> None:
    found = suggest(scores)
    assert (found.low, found.high) == (None, None)
    assert found.sentence.startswith("No number of clusters stands out: ")
    assert why in found.sentence


def test_the_suggestion_is_the_number_of_used_clusters() -> None:
    scores = [replace(one, used=Spread.of([min(one.clusters, 4) + 0.4])) for one in curve(k4=0.6, k6=0.9, k7=0.6)]
    found = suggest(scores)
    assert (found.low, found.high, found.trained) == (4, 4, (6,))
    assert found.sentence == "4 clusters: so many of 6 have 1% of the samples or more."
    assert suggest(scores[:2]).sentence == (
        "4 clusters: so many of 6 have 1% of the samples or more; 6 is the largest number that was compared, so "
        "compare larger ones."
    )


def test_an_end_of_the_range_is_no_answer() -> None:
    end = " number that was compared, so compare "
    assert suggest(curve(k4=0.6, k5=0.7, k6=0.9)).sentence == f"6 clusters; 6 is the largest{end}larger ones."
    assert suggest(curve(k4=0.9, k5=0.7, k6=0.6)).sentence == f"4 clusters; 4 is the smallest{end}smaller ones."


def test_other_rules_are_told_beside() -> None:
    scores = [score(4, 0.6, strength=0.9), score(5, 0.9, strength=0.85), score(6, 0.5, strength=0.2)]
    found = suggest(scores)
    assert (found.by_strength, found.by_silhouette, found.by_gap) == (5, 4, None)
    assert suggest([replace(one, strength=None) for one in scores]).by_strength is None
