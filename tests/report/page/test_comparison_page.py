"""The page of several runs: scores, agreement and stability of planted clusters, links, failed seeds, hostile names."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from latentclust.report.assignments import write_assignments
from latentclust.report.compared_runs import open_groups
from latentclust.report.comparison import compare_runs
from latentclust.report.display_names import isolate
from latentclust.report.facts import RunFacts
from latentclust.report.page.comparison_page import comparison_page, write_comparison
from latentclust.report.page.sections.run_agreement import agreement_section, stability_section
from latentclust.report.page.sections.run_losses import MOST_POINTS, run_losses_section
from latentclust.report.page.sections.run_scores import run_scores_section
from latentclust.report.results import SUMMARY, RunResult, summarise, write_results, write_summary
from tests.browser import OpenPageIn

MakeFacts = Callable[..., RunFacts]

HOSTILE = "<script>alert('\u202e\"')</script>&" + "x" * 300
LABELS = np.repeat([0, 1, 2], [8, 7, 5])
JOINED = np.array([2, 0, 0])[LABELS]


def write_run(folder: Path, facts: RunFacts, labels: np.ndarray, rounds: int = 5) -> Path:
    write_results(folder, RunResult.from_facts(facts))
    write_assignments(folder, {"index": np.arange(len(labels)), "cluster": labels + 1})
    lines = [{"round": at, "losses": {"critic": 1 / (at + 1), HOSTILE: float("nan")}} for at in range(rounds)]
    (folder / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (folder / "report.html").write_text("a report")
    return folder


@pytest.fixture
def seeds(make_facts: MakeFacts, tmp_path: Path) -> Path:
    """Three seeds, of which the second permutes the clusters and the third joins two of them; a fourth failed."""
    folder = tmp_path / "many #1"
    clusters = (LABELS, 2 - LABELS, JOINED)
    runs = [
        write_run(folder / f"seed-{at}", replace(make_facts(0.8 + at / 20, seed=at), recipe=HOSTILE), each)
        for at, each in enumerate(clusters)
    ]
    results = [RunResult.model_validate_json((run / "results.json").read_bytes()) for run in runs]
    write_summary(folder, summarise(results, {7: "diverged"}, runs))
    return folder


def test_scores_are_dots_on_a_scale(seeds: Path) -> None:
    (group,) = open_groups(compare_runs([seeds]), seeds / "report.html")
    section = run_scores_section([group], "runs", "Scores")
    accuracy = section.metrics[0]
    assert (accuracy.title, accuracy.low, accuracy.high) == ("ACC", "0.700", "0.900")
    strip = accuracy.strips[0]
    assert strip.mean == "0.850 ± 0.050"
    assert [dot.text for dot in strip.runs] == ["0.800", "0.850", "0.900"]
    assert [dot.place for dot in strip.runs] == [50.0, 73.5, 97.0]
    assert [(dot.name, dot.place) for dot in strip.baselines] == [("k-means", 3.0)]
    assert strip.middle.place == 73.5
    assert [cells[0] for _, cells in section.rows] == ["0.800", "0.850", "0.900"]


def test_planted_permutations_agree_and_a_joined_cluster_is_not_found_again(seeds: Path) -> None:
    (group,) = open_groups(compare_runs([seeds]), seeds / "report.html")
    agreement = agreement_section(group.runs, "samples", "agreement", "Agreement")
    assert agreement is not None
    assert agreement.pairs[0][1].ari == pytest.approx(1.0)
    assert agreement.pairs[0][2].ari < 0.9
    assert agreement.pairs[0][2].shared == 20
    found = stability_section(group.runs, "stability", "Stable clusters")
    assert found is not None
    # Clusters 2 and 3, of 7 and 5 samples, are joined to 12.
    expected = [(3, 0.5, "doubtful"), (2, (1 + 7 / 12) / 2, "stable"), (1, 1.0, "stable")]
    assert [(each.number, pytest.approx(each.mean), each.verdict) for each in found.clusters] == expected
    assert found.clusters[0].each == ["1.00 (1)", "0.00 (none)"]
    assert found.count == "3 clusters: 1 doubtful, 2 stable."
    assert found.compared == "The number of samples in common is 20."


def test_a_cluster_none_of_whose_pixels_were_compared_is_not_called_empty(
    make_facts: MakeFacts, tmp_path: Path
) -> None:
    facts = replace(make_facts(), occupancy=np.array([8, 0, 7]))
    for at in range(14):
        write_run(tmp_path / str(at), replace(facts, seed=at), np.repeat(2, 5))
    folders = [tmp_path / str(at) for at in range(14)]
    (group,) = open_groups(compare_runs(folders), tmp_path / "page.html")
    found = stability_section(group.runs, "s", "S", "pixels")
    assert found is not None
    verdicts = {each.number: each.verdict for each in found.clusters}
    assert verdicts == {3: "stable", 1: "unknown: none of the compared pixels", 2: "empty"}
    expected = "The number of pixels in common is 5. Runs after the first 12 are left out: 2."
    assert found.compared == expected


def test_one_run_has_neither_agreement_nor_stability(seeds: Path) -> None:
    (group,) = open_groups(compare_runs([seeds / "seed-0"]), seeds / "report.html")
    assert agreement_section(group.runs, "samples", "a", "A") is None
    assert stability_section(group.runs, "s", "S") is None
    page = comparison_page([[group]])
    assert page.spread == ""
    assert page.title == f"{isolate(HOSTILE)}, seed 0"


def test_one_run_without_labels_says_so(unlabelled: RunFacts, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", unlabelled, LABELS)
    (group,) = open_groups(compare_runs([run]), tmp_path / "page.html")
    assert comparison_page([[group]]).verdict == (
        f"The data have no labels, so no metric was computed (seed {unlabelled.seed}).",
    )


def test_losses_are_thinned_and_bounded(seeds: Path, make_facts: MakeFacts) -> None:
    for at in range(3):
        write_run(seeds / f"seed-{at}", make_facts(seed=at), LABELS, rounds=2 * MOST_POINTS)
    (group,) = open_groups(compare_runs([seeds]), seeds / "report.html")
    section = run_losses_section(group.runs, "losses", "Losses")
    assert section is not None
    assert [name for name, _ in section.losses] == ["critic"]  # the other has no finite value
    lines = section.losses[0][1]
    assert sum(len(line.points) for line in lines) <= MOST_POINTS
    assert lines[0].points[-1][0] == 2 * MOST_POINTS - 1


def test_failed_seeds_are_named_and_links_are_relative(seeds: Path, tmp_path: Path) -> None:
    inside = write_comparison(seeds / "report.html", compare_runs([seeds])).read_text()
    assert 'href="seed-1/report.html"' in inside
    assert "seed 7 failed and is in no mean: diverged" in inside
    elsewhere = write_comparison(tmp_path / "pages" / "compared.html", compare_runs([seeds])).read_text()
    assert 'href="../many%20%231/seed-1/report.html"' in elsewhere
    (seeds / SUMMARY).write_text("damaged")
    assert compare_runs([seeds])[0].failed == {}


def test_runs_of_two_protocols_are_not_compared(seeds: Path, make_facts: MakeFacts, tmp_path: Path) -> None:
    other = RunResult.from_facts(make_facts()).model_copy(update={"protocol": "tiny-split"})
    write_results(tmp_path / "other", other)
    text = write_comparison(tmp_path / "both.html", compare_runs([seeds, tmp_path / "other"])).read_text()
    assert "Protocol 2: tiny-split." in text
    assert 'id="agreement-1"' in text
    assert 'id="runs-2"' in text
    assert 'id="agreement-2"' not in text


def test_the_page_is_clean_in_a_browser(open_page: OpenPageIn, seeds: Path) -> None:
    path = write_comparison(seeds / "report.html", compare_runs([seeds]))
    for dark in (False, True):
        opened = open_page(path, dark=dark)
        page = opened.page
        page.locator(".run-loss").first.scroll_into_view_if_needed()
        page.locator(".run-loss canvas").first.wait_for(state="attached")
        assert opened.serious_violations() == []
        assert opened.errors == []
        assert opened.foreign_requests("file://") == []
        assert page.locator("h1").inner_text().startswith("\u2068<script>alert(")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    chart = "echarts.getInstanceByDom(document.querySelector('.run-loss')).getOption().dataZoom[0]"
    page.get_by_label("From round").fill("2")
    page.keyboard.press("Tab")
    assert page.evaluate(f"{chart}.startValue") == 2
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(f"{chart}.startValue") == 2
    page.get_by_text("Reset zoom").press("Enter")
    assert page.evaluate(f"new Promise((done) => setTimeout(() => done({chart}.start), 50))") == 0
