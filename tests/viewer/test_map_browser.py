"""The map in a browser: divider, opacity, highlighting, a click on a known pixel, the keyboard, and its requests."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from latentclust.viewer.app import make_app
from latentclust.viewer.open_session import open_session
from latentclust.viewer.serve import bind, url_of
from tests.browser import OpenPage, OpenPageIn
from tests.viewer.labelled import HOSTILE, dated_folder

pytestmark = [
    pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning"),  # of rasterio
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


HOLD_THE_FIRST_PIXEL = """() => {
  const asked = window.fetch;
  const held = new Promise((resolve) => (window.answerTheFirst = resolve));
  let first = true;
  window.fetch = async (address, options) => {
    const answer = await asked(address, options);
    if (first && String(address).includes("/pixel?")) {
      first = false;
      await held;
    }
    return answer;
  };
}"""
"""Script after which the answer about the next clicked pixel is given only when `answerTheFirst` is called."""


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    session = replace(open_session([str(dated_folder(tmp_path))]), token="token")
    listener = bind("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(make_app(session), log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield url_of(listener, session.token)
    server.should_exit = True
    thread.join(10)
    listener.close()


def _text(page: Any, selector: str) -> str:
    return str(page.locator(selector).inner_text())


def _clip(page: Any) -> str:
    return str(page.evaluate("getComputedStyle(document.getElementById('above')).clipPath"))


def _is_whole(page: Any) -> bool:
    """Return whether the divider lies at the left edge, so that nothing is cut off the map above."""
    return _clip(page) == "inset(0px)" or _clip(page).endswith(" 0px)")


def _reached_by_tab(page: Any, presses: int) -> set[str]:
    """Return the id of each element that Tab reaches; of a canvas, its name."""
    page.focus(".skip")
    found = set()
    for _ in range(presses):
        page.keyboard.press("Tab")
        found.add(page.evaluate("document.activeElement.id || document.activeElement.ariaLabel"))
    return found


def _show_progress(page: Any) -> None:
    """Let the server tell that an overview is made: a half-typed range stays until the overview is done."""
    before = page.evaluate("fetch(document.body.dataset.root + '/api/versions').then((answer) => answer.json())")
    field = page.locator("#bands input").first
    field.fill("12")
    answers = [before]
    page.route("**/api/versions", lambda route: route.fulfill(json=answers[-1]))
    for done in ("40 %", "80 %", ""):
        answers.append([{**each, "overview": done} if done else each for each in before])
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.wait_for_function("done => document.getElementById('overviews').innerText === done", arg=done)
        assert (field.input_value() == "12") is bool(done)
        assert field.evaluate("field => field === document.activeElement") is bool(done)


def _compare_two_dates(opened: OpenPage) -> None:
    """Show the later date behind the divider and beside the first, and read the same pixel of both."""
    page = opened.page
    page.focus("#compare")
    with page.expect_request(lambda request: "/tiles/1/labels/" in request.url):
        page.select_option("#compare", "1")
    page.wait_for_function("() => document.getElementById('right').textContent === '2021-06-01'")
    header = page.locator(".legend thead th").all_inner_texts()
    assert header == ["Cluster", "2020-06-01", "2021-06-01"]
    page.focus("#swipe")
    page.keyboard.press("Home")
    assert _is_whole(page)
    page.keyboard.press("ArrowRight")
    assert _clip(page).startswith("inset(0px 0px 0px ")
    assert not _is_whole(page)
    page.wait_for_function("() => document.querySelectorAll('#pixel h3').length === 2")

    page.select_option("#arrange", "beside")
    assert page.locator("#swipe").is_hidden()
    assert _clip(page) == "none"
    left, right = (page.locator(f"#{side}").bounding_box() for side in ("below", "above"))
    assert left["x"] + left["width"] <= right["x"]
    assert left["width"] == right["width"]
    before = _text(page, "#pixel")
    page.focus("#above canvas")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_function("shown => document.getElementById('pixel').innerText !== shown", arg=before)
    assert page.locator("#pixel h3").all_inner_texts() == ["2020-06-01", "2021-06-01"]
    found = [page.locator("#pixel dl").nth(side).locator("dd").first.inner_text().strip() for side in (0, 1)]
    assert found == ["forest", HOSTILE]
    crosses = [page.locator(each).bounding_box() for each in ("#cross", "#cross-above")]
    assert crosses[1]["x"] - crosses[0]["x"] == pytest.approx(right["x"] - left["x"], abs=1)
    reached = _reached_by_tab(page, 30)
    assert {"Map: 2020-06-01 · scene", "Map: 2021-06-01 · later", "closer", "compare", "arrange", "layer"} <= reached
    assert "swipe" not in reached
    assert opened.serious_violations() == []
    page.select_option("#compare", "")
    page.wait_for_function("() => document.getElementById('right').textContent === 'Clusters'")
    assert page.locator("#above[inert]").count() == 1


def test_the_map_is_used_with_pointer_and_keyboard(url: str, open_page: OpenPageIn) -> None:
    opened = open_page(url)
    page = opened.page
    page.wait_for_selector("#legend tr")
    page.wait_for_function("() => document.getElementById('right').textContent === 'Clusters'")
    page.wait_for_load_state("networkidle")
    names = page.locator("#legend .name").all_inner_texts()
    assert names == ["water", HOSTILE, "forest"]
    assert page.locator("#legend script").count() == 0
    assert "50.0 %" in _text(page, "#legend")
    assert _text(page, "#scene-name") == "scene · 64 × 48 pixels · EPSG:32613"

    page.focus("#swipe")
    before = _clip(page)
    page.keyboard.press("ArrowRight")
    assert _clip(page) != before
    page.keyboard.press("Home")
    assert _is_whole(page)

    page.focus("#opacity")
    page.keyboard.press("ArrowLeft")
    assert _text(page, "#opacity-value") == "95 %"

    box = page.locator("#stage").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2 + 30, box["y"] + box["height"] / 2)
    page.wait_for_selector("#pixel dl")
    assert "forest" in _text(page, "#pixel")
    shown = _text(page, "#pixel").splitlines()
    row, column = shown[shown.index("Row, column") + 1].split(", ")
    assert shown[shown.index("red") + 1] == str(int(row) - 1)
    assert shown[shown.index("green") + 1] == str(int(column) - 1)
    assert shown[shown.index("nir") + 1] == "300"

    page.evaluate(HOLD_THE_FIRST_PIXEL)
    page.mouse.click(box["x"] + box["width"] / 2 - 30, box["y"] + box["height"] / 2)
    page.mouse.click(box["x"] + box["width"] / 2 + 30, box["y"] + box["height"] / 2 + 30)
    page.wait_for_function("shown => document.getElementById('pixel').innerText !== shown", arg="\n".join(shown))
    later = _text(page, "#pixel")
    page.evaluate("window.answerTheFirst()")
    page.evaluate("new Promise((resolve) => setTimeout(resolve, 50))")
    assert _text(page, "#pixel") == later

    page.focus("#below canvas")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_function("shown => document.getElementById('pixel').innerText !== shown", arg=later)
    assert "Row, column" in _text(page, "#pixel")
    button = page.locator("#legend button").nth(2)
    button.focus()
    with page.expect_request(lambda request: "/labels/" in request.url and "only=3" in request.url):
        page.keyboard.press("Space")
    assert page.locator("#legend button").nth(2).get_attribute("aria-pressed") == "true"
    page.select_option("#layer", "probabilities")
    with page.expect_request(lambda request: "/probabilities/" in request.url and "band=2" in request.url):
        page.select_option("#layer-band", "2")

    page.select_option("#layer", "labels")
    _compare_two_dates(opened)
    assert opened.serious_violations() == []

    reached = _reached_by_tab(page, 40)
    ids = {"swipe", "closer", "farther", "whole", "layer", "opacity", "colours", "band-0", "restretch"}
    assert ids | {"Map"} <= reached
    _show_progress(page)

    assert opened.serious_violations() == []
    assert opened.foreign_requests(url.partition("/token")[0]) == []
    assert opened.errors == []


def test_a_narrow_dark_page_is_readable(url: str, open_page: OpenPageIn) -> None:
    opened = open_page(url, width=390, height=844, dark=True)
    opened.page.wait_for_selector("#legend tr")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert opened.serious_violations() == []
