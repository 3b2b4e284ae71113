"""The tables and the numbers of docs/results.md are those of benchmarks/results/."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.scripts import load_script

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tables() -> Any:
    """The module benchmarks/tables.py."""
    return load_script("benchmarks/tables.py")


def numbers(value: Any) -> Iterator[float]:
    """Every number of a JSON value."""
    if isinstance(value, dict):
        for one in value.values():
            yield from numbers(one)
    elif isinstance(value, list):
        for one in value:
            yield from numbers(one)
    elif isinstance(value, int | float):
        yield value


def test_a_page_has_the_tables_of_the_results(tables: Any):
    for path in tables.PAGES:
        text = path.read_text(encoding="utf-8")
        assert text == tables.filled(text), "run `python benchmarks/tables.py --write`"
        assert "<!-- table: " in text


def test_the_page_of_results_has_every_table(tables: Any, page):
    assert re.findall(r"^<!-- table: ([\w-]+) -->$", page("docs/results.md").text, re.MULTILINE) == [
        "images",
        "cgm",
        "dec",
        "label-maps",
        "rehearsals",
        "dubai5",
        "scene",
        "ceilings",
        "contrast",
        "papers",
    ]


def test_the_table_of_images_has_the_seeds_and_scores_of_a_result(tables: Any):
    (row,) = [line for line in tables.images() if line.startswith("| [digits](")]
    assert row.split(" | ")[1:6] == ["5", "0.970 ± 0.003", "0.970 ± 0.003", "0.948 ± 0.004", "0.937 ± 0.006"]


RESULT = {
    "recipe": "blobs",
    "protocol": "blobs-all-all: blobs",
    "seeds": [0, 1, 2],
    "collapsed": [],
    "mean": dict.fromkeys(("accuracy", "purity", "nmi", "ari"), 0.5),
    "std": dict.fromkeys(("accuracy", "purity", "nmi", "ari"), 0.1),
    "metrics": {"accuracy": [0.5, 0.4, 0.6]},
    "baselines": {},
    "seconds": [1.0, 1.0, 1.0],
}


@pytest.mark.parametrize(
    ("recorded", "shown"),
    [({}, "–"), ({"empty_clusters": [0, 0, 0]}, "0"), ({"empty_clusters": [0, 2, 1]}, "2 (seed 1), 1 (seed 2)")],
    ids=["an older result", "none", "two seeds"],
)
def test_the_worst_seed_and_the_empty_clusters_have_columns(
    tables: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: dict[str, Any], shown: str
):
    (tmp_path / "clustering-blobs.json").write_text(json.dumps(RESULT | recorded))
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    _, _, header, _, row = [line.strip("| ").split(" | ") for line in tables.images()]
    cells = dict(zip(header, row, strict=True))
    assert (cells["worst ACC"], cells["empty clusters"]) == ("0.400", shown)


@pytest.mark.parametrize(
    ("changed", "seeds", "score"),
    [
        ({}, "3", "0.500 ± 0.100"),
        ({"collapsed": [0, 2]}, "3 (2 collapsed)", "0.500 ± 0.100"),
        ({"seeds": [0], "std": None, "metrics": {"accuracy": [0.5]}, "seconds": [1.0]}, "1", "0.500"),
    ],
    ids=["three seeds", "collapsed runs are counted", "one seed has no deviation"],
)
def test_seeds_and_scores_of_a_result(
    tables: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], seeds: str, score: str
):
    (tmp_path / "clustering-blobs.json").write_text(json.dumps(RESULT | changed))
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    row = list(tables.images())[-1].strip("| ").split(" | ")
    assert (row[1], row[2]) == (seeds, score)


def test_a_row_of_a_contingency_table_is_a_line_of_the_file():
    as_text = load_script("benchmarks/provenance.py").as_text
    document = {"contingency": [[[12, 0], [3, 456]]], "mean": {"nmi": 0.5}, "curves": [[]]}
    assert "      [3, 456]\n" in as_text(document)
    assert json.loads(as_text(document)) == document


def test_the_figures_of_the_papers_are_those_of_the_papers_tables(tables: Any):
    rows = [row for table in load_script("benchmarks/papers.py").TABLES.values() for row in table.rows]
    known = [{f"{value:.3f}" for value in row.paper.values()} for row in rows]
    for key, text in tables.PAPERS.items():
        given = {f"{float(value):.3f}" for value in re.findall(r"\.\d+", text)}
        assert any(given <= figures for figures in known), key


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks/results").glob("*.json")), ids=lambda path: path.name)
def test_a_result_names_no_folder_of_a_machine(path: Path) -> None:
    command = json.loads(path.read_text("utf-8")).get("command", "")
    assert not [word for word in command.split() if Path(word).is_absolute()]


def test_every_clustering_result_has_a_row(tables: Any, page):
    found = {path.stem.removeprefix("clustering-") for path in tables.RESULTS.glob("clustering-*.json")}
    rows = re.findall(r"^\| \[([^\]]+)\]\(\.\./benchmarks/results/clustering-", page("docs/results.md").text, re.M)
    assert sorted(rows) == sorted(found)


def test_a_score_in_the_text_of_the_results_is_in_a_result_file(tables: Any, page):
    prose = re.sub(r"^\|.*$", "", page("docs/results.md").prose, flags=re.MULTILINE)
    scores = set(re.findall(r"\b0\.\d{3}\b", prose))
    files = (json.loads(path.read_text(encoding="utf-8")) for path in tables.RESULTS.glob("*.json"))
    recorded = {f"{number:.3f}" for file in files for number in numbers(file)}
    assert scores
    assert scores <= recorded
