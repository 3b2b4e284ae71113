"""The table that ends a run."""

import re
from collections.abc import Callable
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from latentclust.report.console import print_results, results_table
from latentclust.report.document import _clusters
from latentclust.report.facts import ChainFacts, ReadoutScores, RunFacts

MakeFacts = Callable[..., RunFacts]


def shown(facts: RunFacts) -> str:
    out = StringIO()
    print_results(Console(file=out, width=200), facts)
    return out.getvalue()


def cells(text: str, first: str) -> list[str]:
    line = next(line for line in text.splitlines() if f" {first} " in line and "│" in line)
    return [cell.strip() for cell in line.split("│")[1:-1]]


def test_metrics_of_the_result_and_of_kmeans_share_a_row(make_facts: MakeFacts) -> None:
    assert cells(shown(make_facts(0.9)), "ACC") == ["ACC", "0.9000", "0.7000"]


@pytest.mark.parametrize(("accuracy", "loses"), [(0.9, False), (0.7, False), (0.6, True)])
def test_losing_is_said_here_too(make_facts: MakeFacts, accuracy: float, loses: bool) -> None:
    assert ("loses to k-means" in shown(make_facts(accuracy))) is loses


def test_names_of_clusters_are_shown(make_facts: MakeFacts, unlabelled: RunFacts) -> None:
    named = replace(unlabelled, names={2: "[b]cat"})
    text = "\n".join([_clusters(named), _clusters(replace(make_facts(), names={1: "dog"}))])
    assert "| 2 | [b]cat | 7 |" in text
    assert "| 1 | dog | 8 |" in text
    assert "name" not in _clusters(unlabelled)
    assert [row[0] for row in results_table(named).rows] == ["cluster 1", "cluster 2: [b]cat", "cluster 3"]


def test_the_protocol_is_printed_with_the_number(make_facts: MakeFacts) -> None:
    assert "tiny-all: twenty points" in shown(make_facts())


def test_without_labels_only_sizes_are_shown(unlabelled: RunFacts) -> None:
    text = shown(unlabelled)
    assert cells(text, "cluster 3") == ["cluster 3", "5"]
    assert "ACC" not in text
    assert "The data have no labels, so no scores against classes were computed." in shown(unlabelled)


def test_an_empty_cluster_is_an_alarm(make_facts: MakeFacts) -> None:
    assert "Alarm: 1 of 3 clusters is empty (3)." in shown(replace(make_facts(), occupancy=np.array([13, 7, 0])))
    assert "Alarm" not in shown(make_facts())


def test_other_readouts_and_chains_have_a_sentence_each(make_facts: MakeFacts) -> None:
    readouts = {"amortized": ReadoutScores({"accuracy": 0.5, "nmi": 0.25}, 0.875)}
    text = shown(replace(make_facts(), readouts=readouts, chains=ChainFacts(0.91)))
    assert "With inference amortized: ACC 0.5000, NMI 0.2500; agreement 87.5%." in text
    assert "Independent chains put 91.0% of the samples into the same cluster." in text
    assert "Read out by" not in shown(make_facts())


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_number_is_cut_whatever_the_width(make_facts: MakeFacts, width: int) -> None:
    names = ("kmeans", "kmeans-on-encoder", "features-kmeans", "agglomerative", "local-statistics-kmeans", "hdbscan")
    baselines = {name: {"accuracy": 0.1234 + at / 1000, "nmi": 0.5} for at, name in enumerate(names)}
    facts = replace(make_facts(0.9), baselines=baselines)
    out = StringIO()
    print_results(Console(file=out, width=width), facts)
    text = out.getvalue()
    for number in ("0.9000", *(f"{scores['accuracy']:.4f}" for scores in baselines.values())):
        assert number in text
    assert max(map(len, text.splitlines())) <= width


def test_a_pipe_has_no_escape_codes_and_no_colour_is_respected(
    make_facts: MakeFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = replace(make_facts(), occupancy=np.array([13, 7, 0]))
    assert "\x1b" not in shown(facts)
    monkeypatch.setenv("NO_COLOR", "1")
    out = StringIO()
    print_results(Console(file=out, width=80, force_terminal=True), facts)
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", out.getvalue())
    assert "Alarm:" in out.getvalue()
