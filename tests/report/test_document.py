"""The contents of report.md, including the statements that are required."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from latentclust.evaluate.match import hungarian
from latentclust.report.document import render_report, write_report
from latentclust.report.facts import OWN, LabelFreeScores, ReportFigure, RunFacts
from latentclust.report.markdown import markdown_table

MakeFacts = Callable[..., RunFacts]


def test_wins_and_losses_are_both_named(make_facts: MakeFacts) -> None:
    facts = replace(make_facts(0.6), metrics={"accuracy": 0.6, "nmi": 0.75})
    said = "The recipe loses to k-means in ACC (0.6000 against 0.7000), and beats it in NMI (0.7500 against 0.5000)."
    assert said in render_report(facts)
    facts = replace(make_facts(0.8), metrics={"accuracy": 0.8, "nmi": 0.75})
    said = "The recipe beats k-means in ACC (0.8000 against 0.7000) and NMI (0.7500 against 0.5000)."
    assert said in render_report(facts)


@pytest.mark.parametrize(
    ("table", "chance"),
    [
        ([[25, 25], [25, 25]], True),
        ([[30, 20], [20, 30]], True),  # p = 0.07
        ([[35, 15], [15, 35]], False),  # p = 0.00014
        ([[50, 50], [0, 0]], True),
        ([[50, 0], [50, 0]], False),  # a single class: no comparison is possible
    ],
)
def test_clusters_at_chance_are_not_compared(make_facts: MakeFacts, table: list[list[int]], chance: bool) -> None:
    text = render_report(replace(make_facts(0.8), table=np.array([*table, [0, 0]]), matching=np.array([0, 1, -1])))
    assert ("no better than chance: they do not depend on the 2 classes" in text) is chance
    assert ("The recipe beats k-means" in text) is not chance


@pytest.mark.parametrize(
    ("accuracy", "nmi", "loses"),
    [(0.7, 0.5, False), (0.9, 0.9, False), (0.69, 0.9, True), (0.9, 0.49, True), (0.1, 0.1, True)],
)
def test_losing_to_kmeans_is_said_exactly_when_it_happens(
    make_facts: MakeFacts, accuracy: float, nmi: float, loses: bool
) -> None:
    facts = replace(make_facts(), metrics={"accuracy": accuracy, "nmi": nmi})
    assert ("The recipe loses to k-means in" in render_report(facts)) is loses


def test_the_loss_is_given_in_numbers(make_facts: MakeFacts) -> None:
    assert "**The recipe loses to k-means in ACC (0.6000 against 0.7000).**" in render_report(make_facts(0.6))


def test_a_missing_kmeans_is_remarked_on(make_facts: MakeFacts) -> None:
    assert "K-means was not run" in render_report(make_facts(baselines={}))
    assert "K-means was not run" not in render_report(make_facts())


def test_the_result_stands_beside_its_baselines(make_facts: MakeFacts) -> None:
    text = render_report(make_facts(0.8, {"kmeans": {"accuracy": 0.7}, "gmm": {"accuracy": 0.75, "nmi": 0.6}}))
    assert "|  | tiny | k-means | Gaussian mixture |" in text
    assert "| ACC | 0.8000 | 0.7000 | 0.7500 |" in text
    assert "| NMI | 0.5000 | – | 0.6000 |" in text


def test_clusters_count_from_one_and_none_is_dropped(make_facts: MakeFacts) -> None:
    text = render_report(make_facts())
    assert "| 1 | 8 | cat | 100.0% |" in text
    assert "| 2 | 7 | dog\\|wolf | 85.7% |" in text
    assert "| 3 | 5 | unmatched | – |" in text


def test_protocol_selection_figures_and_recipe_are_there(make_facts: MakeFacts) -> None:
    text = render_report(make_facts(), [ReportFigure("figures/losses.png", "Losses over rounds.")])
    assert "tiny-all: twenty points, trained on all, tested on all, 3 clusters" in text
    assert "Model selection: the last round." in text
    assert "![Losses over rounds.](figures/losses.png)" in text
    assert '```toml\nname = "tiny"\n```' in text
    assert "divided by the arithmetic mean" in text


def test_what_labels_would_have_chosen_is_named_as_such(make_facts: MakeFacts) -> None:
    text = render_report(replace(make_facts(), oracle={"round": 40.0, "accuracy": 0.99}))
    assert "Best round by labels, round 40: ACC 0.9900. This is not the result" in text
    assert "Best round by labels" not in render_report(make_facts())


def test_a_collapsed_run_says_so(make_facts: MakeFacts) -> None:
    assert "The run has collapsed" in render_report(replace(make_facts(), occupancy=np.array([20, 0, 0])))
    assert "The run has collapsed" not in render_report(make_facts())


def test_without_labels_nothing_is_scored(unlabelled: RunFacts) -> None:
    text = render_report(unlabelled)
    assert "no labels, so no metric was computed" in text
    assert "| 1 | 8 |" in text
    assert "ACC" not in text
    assert "k-means" not in text


def test_the_file_holds_the_document(make_facts: MakeFacts, tmp_path: Path) -> None:
    path = write_report(tmp_path, make_facts())
    assert path == tmp_path / "report.md"
    assert path.read_text("utf-8") == render_report(make_facts())


def test_bars_in_cells_are_escaped() -> None:
    assert markdown_table(["a", "b"], [["x|y", "1"]]) == "| a | b |\n| --- | ---: |\n| x\\|y | 1 |"


def of_pixels(facts: RunFacts, **changes: object) -> RunFacts:
    """The same facts, counted in pixels: two classes of 14 and 6, and one that has none."""
    table = np.array([[8, 0, 0], [1, 6, 0], [5, 0, 0]], dtype=np.int64)
    protocol = replace(facts.protocol, unit="pixels", prepared="squares@1 (squares)", masked_by_labels=True)
    return replace(
        facts,
        protocol=protocol,
        table=table,
        matching=hungarian(table),
        classes=("cat", "dog", "bird"),
        occupancy=np.array([10, 8, 5]),
        confidence=0.875,
        **changes,
    )


def test_label_maps_have_a_row_a_class(make_facts: MakeFacts) -> None:
    text = render_report(of_pixels(make_facts()))
    assert "| cat | 14 | 70.0% | 1 | 0.5714 | 0.5714 |" in text
    assert "| dog | 6 | 30.0% | 2 | 0.8571 | 1.0000 |" in text
    assert "| bird | 0 | 0.0% | none | – | – |" in text
    assert "23 pixels are valid; 20 of them have a label and are scored. Mean confidence: 0.875." in text
    assert "| cluster | pixels | matched class | share of the cluster |" in text
    assert "share of pixels in the class" in text
    assert "## Pixels" not in render_report(make_facts())


def test_label_maps_are_described_with_their_protocol_and_the_origin_of_the_mask(make_facts: MakeFacts) -> None:
    facts = of_pixels(make_facts())
    assert "; prepared by squares@1 (squares). **Ground truth decided which pixels count" in render_report(facts)
    without = replace(facts, protocol=replace(facts.protocol, masked_by_labels=False))
    assert "Ground truth decided" not in render_report(without)


def test_label_maps_miss_the_k_means_of_pixels(make_facts: MakeFacts) -> None:
    facts = of_pixels(make_facts(baselines={"majority": {"accuracy": 0.7}}))
    assert "K-means of pixels was not run" in render_report(facts)
    assert "The recipe does not beat the majority class." in render_report(facts)
    assert "latentclust predict" not in render_report(facts)
    assert "latentclust label model.safetensors SCENES --out labels" in render_report(facts)


def test_without_labels_the_report_shows_what_needs_none(unlabelled: RunFacts) -> None:
    scores = {
        OWN: {"silhouette-code": 0.75, "silhouette-pixels": 0.5, "clusters-in-use": 3.0},
        "kmeans": {"ari": 0.25, "nmi": 0.5, "silhouette-pixels": 0.625, "clusters-in-use": 2.0},
    }
    text = render_report(replace(unlabelled, label_free=LabelFreeScores(20, scores)))
    assert "|  | tiny | k-means |\n" in text
    assert "| ARI with the run | – | 0.2500 |\n| NMI with the run | – | 0.5000 |\n" in text
    assert "| silhouette (code) | 0.7500 | – |\n| silhouette (pixels) | 0.5000 | 0.6250 |\n" in text
    assert "| clusters in use | 3 | 2 |\n\nOn 20 samples." in text


def test_what_to_try_next_begins_with_what_the_run_shows(unlabelled: RunFacts) -> None:
    cause = "The loss a still falls at the last round: raise train.rounds (now 12)."
    text = render_report(replace(unlabelled, causes=(cause,)))
    assert f"## What to try next\n\n- {cause}\n" in text


def test_the_number_of_clusters_that_a_baseline_found_and_its_noise_are_stated(make_facts: MakeFacts) -> None:
    kmeans = {"accuracy": 0.7, "nmi": 0.5}
    found = {"accuracy": 0.4, "nmi": 0.3, "clusters-found": 12.0, "noise": 0.25}
    text = render_report(make_facts(baselines={"kmeans": kmeans, "hdbscan": found}))
    assert "HDBSCAN found 12 clusters; 25.0% of the samples are noise, scored as one more cluster." in text
    text = render_report(make_facts(baselines={"kmeans": kmeans, "hdbscan": {**found, "noise": 0.0}}))
    assert "HDBSCAN found 12 clusters.**" in text
