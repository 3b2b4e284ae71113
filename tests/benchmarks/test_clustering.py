"""The command benchmarks/clustering.py."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.docs.scripts import load_script


@pytest.fixture(scope="module")
def clustering() -> Any:
    """The module benchmarks/clustering.py."""
    return load_script("benchmarks/clustering.py")


@pytest.mark.parametrize(("rounds", "printed"), [(3, 3), (20, 10), (100, 10)])
def test_a_run_prints_at_most_ten_lines(
    clustering: Any, capsys: pytest.CaptureFixture[str], rounds: int, printed: int
) -> None:
    lines = clustering.Lines()
    for number in range(1, rounds + 1):
        lines.on_record(SimpleNamespace(round=number, rounds=rounds, losses={"critic": 0.5}, oracle=None))
    assert len(capsys.readouterr().out.splitlines()) == printed


def test_a_seed_keeps_the_commit_that_trained_it(
    clustering: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ["train.rounds=4", "train.starts=1", "evaluate.tsne=false", "evaluate.baselines=[]"]
    monkeypatch.setattr(clustering, "provenance", lambda: {"commit": "earlier"})
    first = clustering.one_seed("digits-clustergan", 0, settings, tmp_path / "seed-0")
    monkeypatch.setattr(clustering, "provenance", lambda: {"commit": "later"})
    assert clustering.one_seed("digits-clustergan", 0, settings, tmp_path / "seed-0") == first
    assert first["commit"] == "earlier"


def test_the_seconds_are_those_of_all_starts_and_of_all_parts_between_resumes(clustering: Any) -> None:
    """Start 1 takes 5 s and start 2 takes 4 s; start 1 goes on for 2 s, is stopped, and ends after 3 s more."""
    seconds = [(1, 2.0), (1, 5.0), (2, 4.0), (1, 2.0), (1, 1.0), (1, 3.0)]
    assert clustering.training_seconds([{"start": start, "seconds": value} for start, value in seconds]) == 14.0
