"""What report.html of a run has, and that a run is finished if it cannot be written."""

from collections.abc import Callable
from pathlib import Path

import pytest

import latentclust
from latentclust.runs.run import FinishedRun

RecipeFile = Callable[[str], Path]


def test_the_page_lies_beside_the_report(finished: FinishedRun) -> None:
    text = (finished.folder / "report.html").read_text("utf-8")
    assert "<h1>tiny-dccs</h1>" in text
    assert str(finished.facts.protocol).replace("'", "&#39;") in text


def test_a_failure_is_reported_and_the_run_is_finished(
    recipe: RecipeFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("unforeseen")

    monkeypatch.setattr("latentclust.runs.run_report_page.run_page", fail)
    monkeypatch.setattr("latentclust.runs.finish.draw_figures", lambda *_: ())
    settings = ["train.rounds=2", "evaluate.baselines=[]"]
    failed = latentclust.run(recipe("dccs"), settings, out=tmp_path / "run", device="cpu")
    assert not (failed.folder / "report.html").exists()
    warning = failed.facts.warnings[-1]
    assert warning.startswith("report.html was not written: KeyError: 'unforeseen' (test_run_report_page.py, line ")
    assert f"- Warning: {warning}" in (failed.folder / "report.md").read_text("utf-8")
