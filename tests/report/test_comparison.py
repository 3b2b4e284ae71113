"""Runs side by side: grouping, seeds, and what is not a run."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from latentclust.errors import LatentclustError
from latentclust.report.comparison import by_protocol, compare_markdown, compare_runs, compare_table
from latentclust.report.facts import RunFacts
from latentclust.report.results import RunResult, write_results

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
    assert "| tiny | 2 | 0.850±0.071 | 0.500±0.000 | ACC 0.800 (seed 0) | 0 |" in text
    assert "| other | 1 (1 collapsed) | 0.600 | 0.500 | – | 2 (seed 3) |" in text
    assert "k-means |  | 0.700 | 0.500 |  |  |" in text
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
