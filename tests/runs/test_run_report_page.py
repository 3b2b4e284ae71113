"""What report.html of a run of images has and does, and that a run is finished if it cannot be written."""

import base64
import json
import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import latentclust
from latentclust.report.page.atlas import place
from latentclust.runs.run import FinishedRun
from tests.browser import OpenPageIn

RecipeFile = Callable[[str], Path]


def page_text(run: FinishedRun) -> str:
    return (run.folder / "report.html").read_text("utf-8")


def data(text: str, key: str) -> Any:
    found = re.search(rf'<script type="application/json" id="data-{key}">(.*?)</script>', text)
    assert found is not None
    return json.loads(found[1])


def picture(text: str, slot: int) -> np.ndarray:
    """The picture of a slot, cut from its sheet."""
    sheet, column, row = place(slot)
    found = re.search(rf'\.sheet-{sheet}{{background-image:url\("data:image/png;base64,([^"]+)"', text)
    size = re.search(r"--thumb-w:(\d+);--thumb-h:(\d+)", text)
    assert found is not None
    assert size is not None
    width, height = int(size[1]), int(size[2])
    whole = np.asarray(Image.open(BytesIO(base64.b64decode(found[1]))))
    return whole[row * height : (row + 1) * height, column * width : (column + 1) * width]


def test_every_section_is_there(finished: FinishedRun) -> None:
    text = page_text(finished)
    assert "<h1>tiny-dccs</h1>" in text
    assert re.findall(r'<section id="([a-z]+)"', text) == [
        *("verdict", "scores", "clusters", "codes", "contingency", "review", "losses", "run", "recipe")
    ]
    assert text.count('<li class="card cluster"') == finished.facts.clusters
    assert len(text) < 2_000_000


def test_pictures_are_those_of_their_samples(finished: FinishedRun) -> None:
    text = page_text(finished)
    samples = data(text, "samples")
    source = latentclust.load(finished.folder).resolved.dataset.open(()).source
    assert len(set(samples["index"])) == len(samples["index"])
    for slot in (0, 100, len(samples["index"]) - 1):
        shown = source.read(np.array([samples["index"][slot]]))[0, 0]
        np.testing.assert_array_equal(picture(text, slot), shown)


def test_cards_show_the_surest_images_of_their_cluster(finished: FinishedRun) -> None:
    text = page_text(finished)
    samples, cards = data(text, "samples"), data(text, "clusters")
    assert [card["size"] for card in cards] == finished.facts.occupancy.tolist()
    largest = max(cards, key=lambda card: card["size"])
    surest, least_sure, _ = ([samples["confidence"][slot] for slot in row["slots"]] for row in largest["rows"])
    assert surest == sorted(surest, reverse=True)
    assert least_sure == sorted(least_sure)
    assert {samples["cluster"][slot] for row in largest["rows"] for slot in row["slots"]} == {largest["cluster"]}
    assert sum(count for _, count in largest["classes"]) == largest["size"]


def test_pointer_and_keys_show_images(finished: FinishedRun, open_page: OpenPageIn) -> None:
    opened = open_page(finished.folder / "report.html")
    page = opened.page
    samples, codes = data(page_text(finished), "samples"), data(page_text(finished), "codes")
    points = codes["maps"][0]["points"]
    leftmost = min(range(len(points)), key=lambda at: tuple(points[at]))
    page.locator("#code-chart").scroll_into_view_if_needed()
    page.wait_for_selector("#code-chart canvas")
    pixel = page.evaluate(
        "value => echarts.getInstanceByDom(document.getElementById('code-chart'))"
        ".convertToPixel({seriesIndex: 1}, value)",
        points[leftmost],
    )
    box = page.locator("#code-chart").bounding_box()
    page.mouse.move(box["x"] + pixel[0], box["y"] + pixel[1])
    tip = page.wait_for_selector(".tip [data-slot]")
    slot = int(tip.get_attribute("data-slot"))
    assert points[codes["slots"].index(slot)] == points[leftmost]
    assert f"#{samples['index'][slot]}" in page.locator(".tip").inner_text()
    page.focus("#code-chart")
    page.keyboard.press("ArrowRight")
    second = int(page.locator("#code-point [data-slot]").get_attribute("data-slot"))
    order = sorted(range(len(points)), key=lambda at: tuple(points[at]))
    assert points[codes["slots"].index(second)] == points[order[1]]
    assert opened.foreign_requests("file://") == []
    assert opened.errors == []


def test_keys_alone_open_a_cluster_and_its_neighbours(finished: FinishedRun, open_page: OpenPageIn) -> None:
    opened = open_page(finished.folder / "report.html", width=390, height=844)
    page = opened.page
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.focus("select[name=sort]")
    page.select_option("select[name=sort]", "size")
    sizes = [card["size"] for card in data(page_text(finished), "clusters")]
    first = page.locator(".cluster").first
    assert first.get_attribute("data-cluster") == str(int(np.argmax(sizes)))
    first.locator("button").focus()
    page.keyboard.press("Enter")
    dialog = page.locator("#cluster-dialog")
    assert dialog.is_visible()
    title = page.locator("#cluster-dialog-title").inner_text()
    assert title == first.locator("button").text_content()
    dialog.locator(".bars button").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("#cluster-dialog-title").inner_text() != title
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    page.fill("input[name=size]", str(max(sizes)))
    shown = sum(size == max(sizes) for size in sizes)
    assert page.locator(".cluster:visible").count() == shown
    assert page.locator("#cluster-count").inner_text() == f"{shown} of {len(sizes)} clusters are shown."
    assert opened.errors == []


def test_the_printed_page_names_clusters_and_has_all_charts(finished: FinishedRun, open_page: OpenPageIn) -> None:
    opened = open_page(finished.folder / "report.html", width=794, dark=True)
    page = opened.page
    page.locator(".curve").first.scroll_into_view_if_needed()
    page.locator(".curve canvas").first.wait_for(state="attached")
    chart = "echarts.getInstanceByDom(document.querySelector('.curve')).getOption()"
    colour = f"{chart}.xAxis[0].axisLabel.color"
    assert page.evaluate(colour) == "rgb(166, 174, 184)"
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(colour) == "rgb(86, 94, 104)", "paper is white"
    page.emulate_media(media="print")
    assert page.locator(".cluster h3 button:visible").count() == finished.facts.clusters
    assert page.locator("form:visible").count() == 0
    losses = len(data(page_text(finished), "losses"))
    assert page.locator(".curve canvas, #code-chart canvas").count() == losses + 1
    assert page.evaluate("getComputedStyle(document.querySelector('.heat-scroll')).maxHeight") == "none"
    page.emulate_media(media="screen")
    codes = "echarts.getInstanceByDom(document.getElementById('code-chart'))"
    page.evaluate(f"{codes}.dispatchAction({{type: 'dataZoom', dataZoomIndex: 1, start: 20, end: 50}})")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(colour) == "rgb(166, 174, 184)"
    zoom = page.evaluate(f"{codes}.getOption().dataZoom.map((each) => [each.start, each.end])")
    assert zoom == [[0, 100], [20, 50]]
    assert opened.errors == []


def test_axe_reports_nothing_serious(finished: FinishedRun, open_page: OpenPageIn) -> None:
    for dark in (False, True):
        opened = open_page(finished.folder / "report.html", dark=dark)
        assert opened.serious_violations() == []
        opened.page.locator(".cluster button").first.press("Enter")
        assert opened.serious_violations() == []
        assert opened.errors == []


def test_a_failure_is_reported_and_the_run_is_finished(
    recipe: RecipeFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("unforeseen")

    monkeypatch.setattr("latentclust.runs.run_report_page.image_page", fail)
    monkeypatch.setattr("latentclust.runs.finish.draw_figures", lambda *_: ())
    settings = ["train.rounds=2", "evaluate.baselines=[]"]
    failed = latentclust.run(recipe("dccs"), settings, out=tmp_path / "run", device="cpu")
    assert not (failed.folder / "report.html").exists()
    warning = failed.facts.warnings[-1]
    assert warning.startswith("report.html was not written: KeyError: 'unforeseen' (test_run_report_page.py, line ")
    assert f"- Warning: {warning}" in (failed.folder / "report.md").read_text("utf-8")
