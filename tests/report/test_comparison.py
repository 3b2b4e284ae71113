"""Runs side by side: grouping, seeds, and what is not a run."""

from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from sklearn.metrics import adjusted_rand_score

from latentclust.errors import LatentclustError
from latentclust.report.assignments import write_assignments
from latentclust.report.comparison import agreement_table, by_protocol, compare_markdown, compare_runs, compare_table
from latentclust.report.facts import OWN, LabelFreeScores, RunFacts
from latentclust.report.results import RunResult, read_results, write_results

MakeFacts = Callable[..., RunFacts]


@pytest.fixture
def runs(make_facts: MakeFacts, tmp_path: Path) -> Path:
    """A folder with two seeds of one recipe and, elsewhere, one run of another recipe."""
    for seed, accuracy in ((0, 0.8), (1, 0.9)):
        write_results(tmp_path / "many" / f"seed-{seed}", RunResult.from_facts(make_facts(accuracy, seed=seed)))
    other = RunResult.from_facts(make_facts(0.6)).model_copy(
        update={"recipe": "other", "collapsed": True, "occupancy": [20, 0, 0]}
    )
    write_results(tmp_path / "one", other)
    return tmp_path


def test_seeds_are_gathered_and_recipes_kept_apart(runs: Path) -> None:
    found = compare_runs([runs / "many", runs / "one"])
    assert [(summary.recipe, summary.seeds, summary.collapsed) for summary in found] == [
        ("tiny", [0, 1], []),
        ("other", [3], [3]),
    ]
    assert found[0].mean["accuracy"] == pytest.approx(0.85)


def test_a_run_named_twice_counts_once(runs: Path) -> None:
    assert compare_runs([runs / "many", runs / "many" / "seed-0"])[0].seeds == [0, 1]


def test_other_protocols_are_not_averaged(runs: Path, make_facts: MakeFacts) -> None:
    elsewhere = RunResult.from_facts(make_facts()).model_copy(update={"protocol": "tiny-split"})
    write_results(runs / "split", elsewhere)
    assert [summary.protocol for summary in compare_runs([runs / "many", runs / "split"])][1:] == ["tiny-split"]


def test_markdown_shows_mean_deviation_and_baseline(runs: Path) -> None:
    text = compare_markdown(compare_runs([runs / "many", runs / "one"]))
    assert f"| tiny | 2 | 0.850±0.071 | 0.500±0.000 | ACC 0.800 (seed 0) | 0 | {runs}/many |" in text
    assert f"| other | 1 (1 collapsed) | 0.600 | 0.500 | – | 2 (seed 3) | {runs}/one |" in text
    assert "k-means |  | 0.700 | 0.500 |  |  |  |" in text
    assert text.startswith("tiny-all")


def test_figures_of_two_protocols_are_in_two_tables(runs: Path, make_facts: MakeFacts) -> None:
    elsewhere = RunResult.from_facts(make_facts()).model_copy(update={"protocol": "tiny-split", "recipe": "split"})
    write_results(runs / "split", elsewhere)
    found = compare_runs([runs / "many", runs / "split", runs / "one"])
    first, second = by_protocol(found).values()
    assert [summary.recipe for summary in first] == ["tiny", "other"]
    assert [summary.recipe for summary in second] == ["split"]
    _, after = compare_markdown(found).split("tiny-split:\n\n")
    assert after.count("| split |") == 1
    assert "| tiny |" not in after


def test_the_terminal_shows_the_same_numbers(runs: Path) -> None:
    out = StringIO()
    Console(file=out, width=100).print(compare_table(compare_runs([runs / "many"])))
    assert "0.850±0.071" in out.getvalue()


def test_a_folder_without_runs_is_named(tmp_path: Path) -> None:
    with pytest.raises(LatentclustError, match="no finished run"):
        compare_runs([tmp_path / "nowhere"])


@pytest.fixture
def without_labels(unlabelled: RunFacts, tmp_path: Path) -> Path:
    """Three seeds on data without labels, of which the last has no assignments."""
    for seed, silhouette in ((0, 0.5), (1, 0.7), (2, 0.6)):
        scores = {OWN: {"silhouette-code": silhouette, "clusters-in-use": 2.0}, "kmeans": {"ari": 0.25, "nmi": 0.5}}
        facts = replace(unlabelled, seed=seed, label_free=LabelFreeScores(4, scores))
        write_results(tmp_path / f"seed-{seed}", RunResult.from_facts(facts))
        if seed < 2:
            write_assignments(
                tmp_path / f"seed-{seed}", {"index": np.arange(4), "cluster": np.array([1, 1, 2, 2 - seed])}
            )
    return tmp_path


def test_without_labels_seeds_show_silhouettes_and_agreement(without_labels: Path) -> None:
    (summary,) = compare_runs([without_labels])
    ari = adjusted_rand_score([0, 0, 1, 1], [0, 0, 1, 0])
    assert summary.agreement == [[1, ari, None], [ari, 1, None], [None, None, None]]
    assert (summary.mean, summary.label_free["kmeans"]) == ({}, {"ari": 0.25, "nmi": 0.5})
    text = compare_markdown([summary])
    header = "| recipe | seeds | ARI with the run | NMI with the run | silhouette (code) | clusters in use |"
    assert f"{header} ARI between seeds | worst seed | empty clusters | folder |" in text
    assert f"| tiny | 3 | – | – | 0.600±0.100 | 2.000±0.000 | {ari:.3f} | – | 0 | {without_labels} |" in text
    assert "k-means |  | 0.250 | 0.500 | – | – |" in text
    assert f"| (2) {without_labels}/seed-1 | {ari:.3f} | 1.000 | – |" in text


def test_runs_of_two_recipes_are_told_apart_by_their_folder_and_compared(without_labels: Path) -> None:
    other = read_results(without_labels / "seed-1").model_copy(update={"variant": "longer"})
    write_results(without_labels / "seed-1", other)
    found = compare_runs([without_labels / "seed-0", without_labels / "seed-1"])
    assert [summary.folders for summary in found] == [[f"{without_labels}/seed-{seed}"] for seed in (0, 1)]
    table = agreement_table(found)
    assert table is not None
    assert [row[2] for row in table.rows] == [f"{adjusted_rand_score([0, 0, 1, 1], [0, 0, 1, 0]):.3f}", "1.000"]


def test_one_run_and_unknown_clusters_have_no_table_of_agreement(without_labels: Path, runs: Path) -> None:
    assert agreement_table(compare_runs([without_labels / "seed-0"])) is None
    assert agreement_table(compare_runs([runs / "many"])) is None
