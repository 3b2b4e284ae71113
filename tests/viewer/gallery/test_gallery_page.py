"""The gallery in a browser: keyboard, dialog, similar images, selection, and names from the page."""

import csv
import shutil
from pathlib import Path

import pytest

from latentclust.labelling.clusters.cluster_names import name_clusters
from latentclust.model.model_file import load
from latentclust.viewer.gallery.table import read_table
from latentclust.viewer.session import Session
from tests.browser import OpenPage, OpenPageIn
from tests.viewer.gallery.conftest import Serve


@pytest.fixture
def own_run(image_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(image_run, tmp_path / "run"))


def session(folder: Path) -> Session:
    return Session("run", model=folder / "model.safetensors", clusters=3, run=folder)


def focused(opened: OpenPage) -> str:
    return str(opened.page.evaluate("document.activeElement.getAttribute('aria-label') ?? ''"))


def test_images_are_selected_enlarged_and_exported_by_the_keyboard(
    own_run: Path, serve: Serve, open_page: OpenPageIn, tmp_path: Path
) -> None:
    from playwright.sync_api import expect

    table, url = read_table(own_run, 3), serve(session(own_run))
    cluster = max(range(1, 4), key=lambda each: table.sizes(3)[each - 1])
    members = table.members(cluster).tolist()
    opened = open_page(url)
    page = opened.page
    page.locator(f"a[href='#cluster={cluster}']").press("Enter")
    page.locator(".image-cell").nth(1).wait_for()
    assert page.locator(".image-cell").count() == min(len(members), 120)
    assert page.evaluate("document.activeElement.id") == "listing-heading"
    assert opened.serious_violations() == []
    for _ in range(12):
        if "image" in focused(opened):
            break
        page.keyboard.press("Tab")
    assert focused(opened).startswith(f"image {members[0]}, ")
    tops = page.evaluate("[...document.querySelectorAll('.image-cell')].map((cell) => cell.offsetTop)")
    columns = tops.count(tops[0])
    page.keyboard.press("Space")
    for _ in range(2):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowDown")
    assert focused(opened).startswith(f"image {members[2 + columns]}, ")
    assert page.locator("#selected").inner_text() == "3 selected"
    page.keyboard.press("Enter")
    page.locator("#facts dt", has_text="Second cluster").wait_for()
    assert page.locator("#enlarged-image").get_attribute("alt") == f"Image {members[2 + columns]}"
    assert table.path(members[2 + columns]) in page.locator("#facts").inner_text()
    assert opened.serious_violations() == []
    page.keyboard.press("ArrowLeft")
    assert page.locator("#enlarged-image").get_attribute("alt") == f"Image {members[1 + columns]}"
    page.keyboard.press("Escape")
    expect(page.locator(".image-cell").nth(1 + columns)).to_be_focused()
    with page.expect_download() as download:
        page.locator("#export").press("Enter")
    download.value.save_as(tmp_path / "selection.csv")
    rows = list(csv.DictReader((tmp_path / "selection.csv").read_text(encoding="utf-8").splitlines()))
    assert [int(row["index"]) for row in rows] == members[:3]
    page.locator(".image-cell").first.press("Enter")
    page.locator("#similar").press("Enter")
    expect(page.locator(".image-cell")).to_have_count(61)
    assert page.locator(".image-cell").first.get_attribute("aria-label").startswith(f"image {members[0]}, ")
    assert opened.errors == []
    assert opened.foreign_requests(url.rpartition("/")[0].rpartition("/")[0]) == []


def test_names_of_the_page_go_into_the_model_and_conflicts_lose_nothing(
    own_run: Path, serve: Serve, open_page: OpenPageIn
) -> None:
    from playwright.sync_api import expect

    hostile = '<script>document.title = "run"</script>"\'مرحبا' + "n" * 300
    opened = open_page(serve(session(own_run)), width=390, dark=True)
    page = opened.page
    page.get_by_label("Name of cluster 2").fill(hostile)
    page.get_by_label("Merge cluster 3 into").focus()
    page.get_by_label("Merge cluster 3 into").select_option("2")
    page.get_by_label("Colour of cluster 2").fill("#12ab34")
    page.get_by_role("button", name="Save", exact=True).press("Enter")
    expect(page.locator("#names-status")).to_have_text("Saved in the model file.")
    assert (load(own_run).names, load(own_run).colours) == ({2: hostile, 3: hostile}, {hostile: "#12ab34"})
    assert page.locator(".cluster-name", has_text=hostile).count() == 2
    assert "<script>" not in page.title()
    assert page.locator("script:not([src])").count() == 0
    name_clusters(own_run, ["1=elsewhere"])
    page.get_by_label("Name of cluster 2").fill("mine")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("alert").get_by_text("'cluster 1' is now 'elsewhere'").wait_for()
    assert load(own_run).names == {1: "elsewhere", 2: hostile, 3: hostile}
    assert page.get_by_label("Name of cluster 1").input_value() == "elsewhere"
    assert page.get_by_label("Name of cluster 2").input_value() == "mine"
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#names-status")).to_have_text("Saved in the model file.")
    assert load(own_run).names == {1: "elsewhere", 2: "mine", 3: hostile}
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#names-status")).to_have_text("The last change is undone.")
    assert load(own_run).names == {1: "elsewhere", 2: hostile, 3: hostile}
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert opened.serious_violations() == []
    assert [error for error in opened.errors if "409" not in error] == []
