"""Alarms about lost clusters: their count, their cause and the knob."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from latentclust.evaluate.empty_clusters import ClusterPosteriors
from latentclust.report.alarms import GENERAL_ADVICE, IN_A_TRIAL, alarms
from latentclust.report.document import render_report
from latentclust.report.facts import RunFacts
from latentclust.report.results import RunResult

MakeFacts = Callable[..., RunFacts]
BY_CLUSTER = ClusterPosteriors(np.array([1.0, 0.9, 0.0021]), np.array([0.6, 0.4, 0.0001]))


def test_without_a_lost_cluster_there_is_no_alarm(make_facts: MakeFacts) -> None:
    assert alarms(make_facts()) == []
    assert "Alarm" not in render_report(make_facts())


def test_an_empty_cluster_is_named_with_its_largest_probability_and_general_advice(make_facts: MakeFacts) -> None:
    facts = replace(make_facts(), occupancy=np.array([12, 8, 0]), by_cluster=BY_CLUSTER)
    assert alarms(facts) == [
        "1 of 3 clusters is empty (3). Its largest probability on any of the samples is 0.0021. " + GENERAL_ADVICE
    ]


def test_the_advice_of_the_recipe_replaces_the_general_one(make_facts: MakeFacts) -> None:
    facts = replace(make_facts(), occupancy=np.array([20, 0, 0]), advice=("Raise losses.a.weight.",))
    assert alarms(facts) == ["Cluster 1 has all samples. 2 of 3 clusters are empty (2, 3). Raise losses.a.weight."]


def test_what_the_run_shows_replaces_the_advice_of_the_recipe(make_facts: MakeFacts) -> None:
    causes = ("The loss a still falls at the last round: raise train.rounds (now 12).",)
    facts = replace(make_facts(), advice=("Raise losses.a.weight.",), causes=causes)
    assert alarms(facts) == []
    (sentence,) = alarms(replace(facts, occupancy=np.array([12, 8, 0])))
    assert sentence == f"1 of 3 clusters is empty (3). {causes[0]}"
    (sentence, near) = alarms(replace(facts, occupancy=np.array([996, 2, 2])))
    assert sentence == f"The run uses at most half of its clusters. {causes[0]}"
    assert "near-empty" in near


def test_clusters_at_chance_raise_an_alarm_though_none_is_empty(make_facts: MakeFacts) -> None:
    facts = replace(make_facts(), causes=("The mean confidence is 0.34.",), at_chance=True)
    assert alarms(facts) == ["The mean confidence is 0.34."]


def test_no_advice_is_another_seed(make_facts: MakeFacts) -> None:
    text = render_report(replace(make_facts(), occupancy=np.array([20, 0, 0])))
    assert "another seed" not in text
    assert GENERAL_ADVICE in text


def test_after_a_trial_the_whole_run_is_waited_for(make_facts: MakeFacts) -> None:
    facts = replace(make_facts(), occupancy=np.array([12, 8, 0]), trial=True)
    assert alarms(facts) == [f"1 of 3 clusters is empty (3). {IN_A_TRIAL} {GENERAL_ADVICE}"]


def test_a_near_empty_cluster_may_be_a_rare_class(make_facts: MakeFacts) -> None:
    (sentence,) = alarms(replace(make_facts(), occupancy=np.array([700, 290, 10])))
    assert sentence == (
        "1 of 3 clusters is near-empty (3): below 0.1 of the mean size. It is a rare class, or about to be lost."
    )


def test_the_report_counts_them_and_shows_the_probabilities(make_facts: MakeFacts) -> None:
    table = np.array([[8, 0], [1, 6], [0, 0]], dtype=np.int64)
    facts = replace(
        make_facts(),
        occupancy=np.array([9, 7, 0]),
        table=table,
        matching=np.array([0, 1, -1]),
        by_cluster=BY_CLUSTER,
    )
    text = render_report(facts)
    assert "**Alarm: 1 of 3 clusters is empty (3)." in text
    assert "Empty: 1. Near-empty: 0." in text
    assert "| 3 | 0 | 0.002 | 0.000 | unmatched | – |" in text


def test_results_hold_clusters_counted_from_one(make_facts: MakeFacts) -> None:
    facts = replace(make_facts(), occupancy=np.array([995, 0, 5]), by_cluster=BY_CLUSTER)
    result = RunResult.from_facts(facts)
    assert (result.empty_clusters, result.near_empty_clusters) == ([2], [3])
    assert result.largest_posterior == [1.0, 0.9, 0.0021]
    assert result.alarms == alarms(facts)


def test_results_of_an_older_version_are_counted_too(make_facts: MakeFacts) -> None:
    """The occupancy is in every results.json."""
    new = {"largest_posterior", "mean_posterior", "alarms", "empty_clusters", "near_empty_clusters"}
    old = RunResult.from_facts(replace(make_facts(), occupancy=np.array([12, 0, 8]))).model_dump(exclude=new)
    assert RunResult.model_validate(old).empty_clusters == [2]
