"""results.json and summary.json: their exact keys, the way back, and broken files."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from latentclust.errors import LatentclustError
from latentclust.report.facts import RunFacts
from latentclust.report.results import RunResult, read_results, summarise, write_results, write_summary

MakeFacts = Callable[..., RunFacts]
KEYS = {"plugins", "recipe", "protocol", "seed", "device", "seconds", "metrics", "baselines"} | {
    "versions",
    "clusters",
    "occupancy",
    "collapsed",
    "precision",
    "variant",
    "readouts",
    "chain_agreement",
    "class_iou",
    "confidence",
    "starts",
    "trial",
    "largest_posterior",
    "mean_posterior",
    "alarms",
    "label_free",
    "features_seconds",
    "weights",
    "empty_clusters",
    "near_empty_clusters",
}


def test_exactly_the_promised_keys(make_facts: MakeFacts, tmp_path: Path) -> None:
    write_results(tmp_path, RunResult.from_facts(make_facts()))
    written = json.loads((tmp_path / "results.json").read_text())
    assert set(written) == KEYS
    assert written["metrics"] == {"accuracy": 0.7, "nmi": 0.5}
    assert written["baselines"] == {"kmeans": {"accuracy": 0.7, "nmi": 0.5}}
    assert written["occupancy"] == [8, 7, 5]
    assert written["collapsed"] is False


def test_without_labels_metrics_are_empty_and_a_note_says_why(unlabelled: RunFacts, tmp_path: Path) -> None:
    write_results(tmp_path, RunResult.from_facts(unlabelled))
    written = json.loads((tmp_path / "results.json").read_text())
    assert set(written) == KEYS | {"note"}
    assert (written["metrics"], written["baselines"]) == ({}, {})
    assert "no labels" in written["note"]


def test_what_is_written_is_read_back(make_facts: MakeFacts, tmp_path: Path) -> None:
    result = RunResult.from_facts(make_facts())
    write_results(tmp_path, result)
    assert read_results(tmp_path) == result


def test_a_number_that_is_none_is_null_and_not_averaged(make_facts: MakeFacts, tmp_path: Path) -> None:
    write_results(tmp_path, RunResult.from_facts(make_facts(float("nan"))))
    assert json.loads((tmp_path / "results.json").read_text())["metrics"]["accuracy"] is None
    assert summarise([read_results(tmp_path)]).mean == {"nmi": 0.5}


def test_summary_over_seeds(make_facts: MakeFacts, tmp_path: Path) -> None:
    runs = [RunResult.from_facts(make_facts(0.5 + seed / 10, seed=seed)) for seed in (1, 2, 3)]
    runs[1] = runs[1].model_copy(update={"collapsed": True})
    write_summary(tmp_path, summarise(runs))
    written = json.loads((tmp_path / "summary.json").read_text())
    assert written["seeds"] == [1, 2, 3]
    assert written["collapsed"] == [2]
    assert written["mean"]["accuracy"] == pytest.approx(0.7)
    assert written["std"]["accuracy"] == pytest.approx(0.1)
    assert written["metrics"]["accuracy"] == [0.6, 0.7, 0.8]
    assert written["baselines"]["kmeans"]["accuracy"] == pytest.approx(0.7)


def test_the_summary_has_the_worst_seed_and_the_empty_clusters_of_each(make_facts: MakeFacts) -> None:
    runs = [RunResult.from_facts(make_facts(accuracy, seed=seed)) for seed, accuracy in ((1, 0.6), (2, 0.4), (3, 0.8))]
    runs[2] = runs[2].model_copy(update={"occupancy": [991, 0, 9]})
    found = summarise(runs)
    assert found.worst == {"accuracy": 0.4, "nmi": 0.5}
    assert found.worst_seed == 2
    assert (found.empty_clusters, found.near_empty_clusters) == ([0, 0, 1], [0, 0, 1])


def test_without_labels_no_seed_is_the_worst(unlabelled: RunFacts) -> None:
    found = summarise([RunResult.from_facts(unlabelled)])
    assert (found.worst, found.worst_seed, found.empty_clusters) == ({}, None, [0])


def test_one_seed_has_no_deviation(make_facts: MakeFacts) -> None:
    assert summarise([RunResult.from_facts(make_facts())]).std is None


def test_absent_and_broken_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(LatentclustError, match=r"results\.json: cannot be read"):
        read_results(tmp_path)
    (tmp_path / "results.json").write_text('{"recipe": 3}')
    with pytest.raises(LatentclustError, match=r"results\.json: recipe: .*string"):
        read_results(tmp_path)
    (tmp_path / "results.json").write_text("{")
    with pytest.raises(LatentclustError, match=r"results\.json: the file: Invalid JSON"):
        read_results(tmp_path)
