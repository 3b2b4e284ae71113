"""The command benchmarks/papers.py: each table on small data, rows that are kept, and what is left out."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from latentclust.evaluate import supervised
from latentclust.runs.run import load_resolved_recipe
from tests.docs.scripts import load_script

PAPERS = load_script("benchmarks/papers.py")
ROWS = [pytest.param(row, id=f"{name}: {row.name}") for name, table in PAPERS.TABLES.items() for row in table.rows]

LONGEST = ("clustergan-fashion5", "clustergan-synthetic")
"""Tables that take half of the time of all; their rows are like those of the others."""

Make = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs that all tests share, since rows of one recipe share a run."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def make(tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Runs the command with the budget `smoke`; returns the result file of the table."""
    monkeypatch.setattr(supervised, "STEPS", 2)

    def call(table: str, *words: str) -> dict[str, Any]:
        features = ("--features", "test_resnet", "--weights", "none", "--size", "32", "--samples", "20")
        folders = ("--out", str(runs), "--results", str(tmp_path / "results"))
        assert PAPERS.main([table, "--budget", "smoke", "--seeds", "1", *features, *folders, *words]) == 0
        found: dict[str, Any] = json.loads((tmp_path / "results" / f"papers-{table}.json").read_text("utf-8"))
        return found

    return call


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("budget", ["cpu", "paper"])
def test_a_row_is_a_valid_recipe(row: Any, budget: str) -> None:
    resolved = load_resolved_recipe(row.source(budget), row.settings)
    assert not row.baseline or row.baseline in resolved.baselines
    assert not row.readout or row.readout in resolved.readouts


@pytest.mark.parametrize("name", PAPERS.TABLES)
def test_the_rows_of_a_table_have_names_of_their_own(name: str) -> None:
    names = [row.name for row in PAPERS.TABLES[name].rows]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", PAPERS.TABLES)
def test_the_papers_figures_have_a_column(name: str) -> None:
    table = PAPERS.TABLES[name]
    assert all(set(row.paper) <= set(table.columns) for row in table.rows)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in LONGEST)) for name in PAPERS.TABLES]
)
def test_a_table_runs_on_small_data(name: str, make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """Its last row, which is on the digits where a table has them; the others run in the slow test."""
    last = PAPERS.TABLES[name].rows[-1]
    document = make(name, "--only", last.name)
    (row,) = document["rows"]
    (seed,) = row["seeds"].values()
    assert row["row"] == last.name
    assert set(seed["metrics"]) >= set(document["columns"])
    assert row["paper"] == dict(last.paper)
    assert f"| {last.name} | 1 |" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("name", PAPERS.TABLES)
def test_every_row_of_a_table_runs_on_small_data(name: str, make: Make) -> None:
    document = make(name)
    assert {row["row"]: row.get("left_out") for row in document["rows"] if not row["seeds"]} == {}
    assert [row["row"] for row in document["rows"]] == [row.name for row in PAPERS.TABLES[name].rows]


def test_a_finished_row_is_kept_and_other_seeds_are_added(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    first = make("dls-ablation", "--only", "digits (not in the paper), no MMD")
    capsys.readouterr()
    second = make("dls-ablation", "--only", "digits (not in the paper), no MMD", "--seeds", "2")
    printed = capsys.readouterr().out
    assert ", seed 1" in printed
    assert ", seed 0" not in printed
    assert second["rows"][0]["seeds"]["0"] == first["rows"][0]["seeds"]["0"]
    assert list(second["rows"][0]["seeds"]) == ["0", "1"]


def test_a_row_of_another_recipe_is_trained_again(make: Make) -> None:
    first = make("dls-ablation", "--only", "digits (not in the paper), no MMD")
    second = make("dls-ablation", "--only", "digits (not in the paper), no MMD", "--set", "prior.style_dim=3")
    assert first["rows"][0]["variant"] != second["rows"][0]["variant"]
    assert len(second["rows"]) == 1


def test_rows_of_one_recipe_share_a_run(make: Make, tmp_path: Path) -> None:
    rows = make("dls-table3", "--only", "Pendigits", "--out", str(tmp_path / "runs"))["rows"]
    assert [row["row"] for row in rows] == ["Pendigits, DLS-Clustering", "Pendigits, k-means"]
    assert len(list((tmp_path / "runs").glob("pendigits-dls-*/seed-0/model.safetensors"))) == 1


def test_a_result_has_its_contingency_table_its_protocol_and_its_provenance(make: Make) -> None:
    document = make("dccs-table2", "--only", "digits (not in the paper), DCCS")
    (seed,) = document["rows"][0]["seeds"].values()
    assert np.sum(seed["table"]) == np.sum(seed["occupancy"]) == 96
    assert "tested on all" in seed["protocol"]
    assert re.fullmatch(r"[0-9a-f]{40}( with changes)?", seed["commit"])
    assert document["command"].startswith("python ")


def test_a_data_set_that_is_not_at_hand_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LATENTCLUST_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    words = ["--only", "STL-10, clustered generator", "--out", str(tmp_path / "runs"), "--results", str(tmp_path)]
    assert PAPERS.main(["cgm-table1", *words]) == 0
    printed = capsys.readouterr().out
    assert "STL-10, clustered generator: left out: the data set stl10 is not at hand (" in printed
    assert "- Left out: STL-10, clustered generator: the data set stl10 is not at hand (" in printed
    (row,) = json.loads((tmp_path / "papers-cgm-table1.json").read_text("utf-8"))["rows"]
    assert (row["seeds"], row["paper"]) == ({}, {"accuracy": 0.753})


def test_pictures_are_drawn_of_a_row(make: Make, tmp_path: Path) -> None:
    make("dls-traversal", "--only", "digits", "--out", str(tmp_path / "runs"))
    pictures = {
        path.name.removeprefix("smoke-digits-not-in-the-paper-dls-clustering-") for path in tmp_path.rglob("pictures/*")
    }
    assert pictures == {"style.png", "modes.png", *(f"traversal-{number}.png" for number in range(1, 5))}


def test_an_unknown_table_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        PAPERS.main(["dls-table1"])
    assert stopped.value.code == 2
    assert "unknown table 'dls-table1': use one of clustergan-table1," in capsys.readouterr().err


def test_the_list_names_the_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert PAPERS.main(["--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(PAPERS.TABLES)


def test_the_how_to_page_names_every_table() -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "reproduce-papers.md").read_text(encoding="utf-8")
    named = {
        name for line in re.findall(r"^\| (`[^|]+) \|", page, re.MULTILINE) for name in re.findall(r"`([^`]+)`", line)
    }
    assert named == set(PAPERS.TABLES)
