"""The summary of a labelling run in notebooks and terminals."""

from io import StringIO
from pathlib import Path

from rich.console import Console

from latentclust.labelling.label_report import LabelReport, SceneResult
from latentclust.labelling.label_summary import area_table
from latentclust.labelling.measure.area_table import ValueArea

NAME = "<b>" + 30 * "long "


def test_areas_are_whole_at_60_columns() -> None:
    areas = [ValueArea(1, NAME, 123_456_789, 1.2345678e12, 0.995), ValueArea(2, "water", 617_283, 6.2e9, 0.005)]
    file = StringIO()
    Console(file=file, width=60).print(area_table(areas))
    for number in ("1,234,567.80", "6,200.00", "99.5%", "0.5%", "km²"):
        assert number in file.getvalue()
    assert max(map(len, file.getvalue().splitlines())) <= 60


def test_a_report_shows_what_failed() -> None:
    scenes = (SceneResult("a.tif", "a.tif", "failed", "no band"), SceneResult("b.tif", "b.tif", "outside"))
    report = LabelReport(Path("labels<>"), scenes, frozenset(), "model", 0, 1.0)
    assert repr(report) == "<LabelReport: 2 scenes, 1 failed in labels<>>"
    assert "labelled 0 of 2 scenes, 1 outside the area, 1 failed" in report._repr_html_()
    assert "a.tif: no band" in report._repr_html_()
    assert "labels&lt;&gt;" in report._repr_html_()
