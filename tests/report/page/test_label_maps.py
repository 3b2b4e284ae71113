"""Label maps on a page: what is packed comes back, within its bounds; swipe, opacity and legend by keyboard."""

import base64
import zlib
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentclust.evaluate.spectra import SpectraCounter
from latentclust.report.colours import map_colours
from latentclust.report.facts import RunFacts
from latentclust.report.map_views import BandSpectra, ClusterSizes, MapView, ShownMaps
from latentclust.report.page.packed_maps import STEPS, pack, pack_maps, picture_uri
from latentclust.report.page.page import write_page
from latentclust.report.page.run_page import run_page
from latentclust.report.page.sections.class_scores import class_scores_section
from latentclust.report.page.sections.label_maps import LabelMaps, label_maps_section
from latentclust.specs.data import VOID
from tests.browser import OpenPageIn

MakeFacts = Callable[..., RunFacts]

HOSTILE = "<script>alert('\u202e\"')</script>&" + "x" * 300
SIDE = 40

MARKED_ROW_IS_IN_VIEW = """() => {
    const row = document.querySelector("#map-legend tr.marked").getBoundingClientRect();
    const box = document.querySelector(".map-legend").getBoundingClientRect();
    return row.top >= box.top && row.bottom <= box.bottom;
}"""


def view(name: str = "one", *, truth: bool = False) -> MapView:
    """Cluster 0 on the left, 1 in the middle, 2 on the right; the first row is nodata."""
    labels = np.repeat([0, 1, 2], [10, 10, 20])[None].repeat(SIDE, axis=0)
    labels[0] = VOID
    image = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE)).astype(np.uint8)
    classes = np.minimum(labels, 1).astype(np.int16) if truth else None
    return MapView(name, image, labels, np.full(labels.shape, 0.9, np.float32), classes, valid=labels != VOID)


def shown(*views: MapView, areas: bool = False) -> ShownMaps:
    counter = SpectraCounter(3, 3)
    counter.add(views[0].image, views[0].labels)
    pixels = np.bincount(views[0].labels[views[0].labels != VOID])
    sizes = ClusterSizes(f"the scene {HOSTILE}", pixels, pixels / 100 if areas else None, "ha" if areas else "")
    return ShownMaps(views, sizes, BandSpectra(counter.result(), [HOSTILE, "b", "c"], "values", "the scene"))


def section(facts: RunFacts, *views: MapView) -> LabelMaps:
    return label_maps_section(facts, shown(*views, areas=True), map_colours(3), [HOSTILE, "water", "wood"])


def unpacked(text: str, kind: str = "u1") -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), kind).reshape(SIDE, SIDE)


def test_what_is_packed_comes_back() -> None:
    (packed,) = pack_maps([view(truth=True)], 3, 2)
    np.testing.assert_array_equal(unpacked(packed.labels), view().labels + 1)
    np.testing.assert_array_equal(np.unique(unpacked(packed.confidence)), [0, 0.9 * STEPS])
    np.testing.assert_array_equal(unpacked(packed.truth or ""), view(truth=True).truth + 1)
    many = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    np.testing.assert_array_equal(unpacked(pack(many, SIDE * SIDE - 1), "<u2"), many)


def test_nodata_pixels_of_a_picture_are_transparent() -> None:
    picture = Image.open(BytesIO(base64.b64decode(picture_uri(view().image, view().valid).partition(",")[2])))
    assert picture.mode == "RGBA"
    np.testing.assert_array_equal(np.array(picture)[..., 3] > 0, view().valid)


def test_maps_never_exceed_the_budget() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 40_000, (300, 300))
    large = MapView("noise", rng.integers(0, 256, (3, 300, 300)).astype(np.uint8), noise, rng.random((300, 300), "f4"))
    packed = pack_maps([large, large], 40_000, 0, budget=200_000)
    assert [(each.step, each.width) for each in packed] == [(2, 150)]
    assert sum(each.size for each in packed) <= 200_000
    assert len(pack_maps([view()] * 50, 3, 0, budget=50_000)) < 50
    assert len(pack_maps([view()] * 5, 3, 0)) == 5


def test_the_legend_has_shares_and_areas(make_facts: MakeFacts) -> None:
    found = section(make_facts(), view())
    assert [(row.share, row.pixels, row.area) for row in found.legend] == [
        ("25.0%", "390", "3.90"),
        ("25.0%", "390", "3.90"),
        ("50.0%", "780", "7.80"),
    ]
    assert found.spectra_cells[0] == ["cluster", HOSTILE, "b", "c"]
    assert not found.has_truth


def test_classes_have_bars_of_their_scores(make_facts: MakeFacts) -> None:
    found = class_scores_section(make_facts())
    assert found is not None
    # Clusters of 8, 0 and 6, 1 samples: 6 of 7, and 8 of 14.
    assert [row.iou for row in found.rows] == pytest.approx([6 / 7, 8 / 14])
    assert class_scores_section(replace(make_facts(), table=None)) is None


def test_swipe_opacity_and_legend_work_by_keyboard(
    open_page: OpenPageIn, make_facts: MakeFacts, tmp_path: Path
) -> None:
    first = [section(make_facts(), view(HOSTILE, truth=True), view("second"))]
    path = write_page(tmp_path / "report.html", run_page(make_facts(), first=first))
    for dark in (False, True):
        opened = open_page(path, dark=dark)
        page = opened.page
        page.wait_for_selector("#map-overlay[aria-label^='Label map of']")
        assert opened.serious_violations() == []
        assert opened.errors == []
        assert opened.foreign_requests("file://") == []
    style = "document.getElementById('map-overlay').style"
    page.focus("#map-swipe")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(f"{style}.clipPath") == "inset(0px 0px 0px 51%)"
    page.focus("#map-opacity")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(f"{style}.opacity") == "0.99"
    alphas = """() => { const canvas = document.getElementById('map-overlay');
        const data = canvas.getContext('2d').getImageData(0, 20, 40, 1).data;
        return [5, 15, 25].map((at) => data[4 * at + 3]); }"""
    assert page.evaluate(alphas) == [255, 255, 255]
    page.focus("#map-legend tr:nth-child(2) button")
    marked = page.evaluate(alphas)
    assert marked[1] == 255
    assert marked[0] == marked[2] < 60
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")  # to the third cluster, which is shown while it has the focus
    assert page.evaluate(alphas)[2] == 255
    page.focus("#map-image")
    assert page.evaluate(alphas)[1] == 255
    page.keyboard.press("Escape")
    assert page.evaluate(alphas) == [255, 255, 255]
    page.focus("#map-stage")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#map-readout") == (
        "Row 21, column 22: \u2068wood\u2069, probability 0.90, ground truth \u2068dog|wolf\u2069"
    )
    page.evaluate("document.querySelector('.map-legend').style.maxHeight = '5rem'")
    page.keyboard.press("Enter")
    assert page.evaluate(MARKED_ROW_IS_IN_VIEW)
    page.keyboard.press("Enter")
    page.check("input[value=truth]")
    assert page.is_visible("#map-classes")
    page.select_option("#map-image", "1")
    page.wait_for_selector("#map-picture[alt='second']")
    assert page.is_checked("input[value=labels]")
    assert opened.errors == []
    box = page.locator("#map-stage").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.51, box["y"] + box["height"] * 0.3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.3)
    page.mouse.up()
    assert page.input_value("#map-swipe") == "25"
    page.emulate_media(media="print")
    assert page.locator("#map-legend button:visible").all_inner_texts() == [HOSTILE, "water", "wood"]
