"""Sprite sheets: the picture of a slot is that of its sample, and the sheets fit into their budget."""

import base64
import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from latentclust.report.page.atlas import PER_SHEET, Atlas, largest_side, make_atlas, place, shorten_to_budget


def noise(count: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def cell(atlas: Atlas, slot: int) -> np.ndarray:
    sheet, column, row = place(slot)
    image = np.asarray(Image.open(BytesIO(atlas.sheets[sheet])).convert("RGB"))
    top, left = row * atlas.height, column * atlas.width
    return image[top : top + atlas.height, left : left + atlas.width]


@pytest.mark.parametrize("slot", [0, 31, 32, 511, 512, 599])
def test_small_pictures_are_kept_exactly(slot: int) -> None:
    pictures = noise(600, 7, 5)
    atlas = make_atlas(pictures, 10_000_000)
    assert atlas.exact
    np.testing.assert_array_equal(cell(atlas, slot), pictures[slot])


def test_grey_pictures_are_kept_exactly_and_need_a_third() -> None:
    grey = np.repeat(noise(512, 8, 8)[..., :1], 3, axis=3)
    atlas = make_atlas(grey, 10_000_000)
    np.testing.assert_array_equal(cell(atlas, 300), grey[300])
    assert atlas.encoded_bytes < 512 * 64 * 1.5


@pytest.mark.parametrize(("side", "budget"), [(20, 200_000), (20, 20_000), (90, 300_000)])
def test_incompressible_pictures_fit_into_the_budget(budget: int, side: int) -> None:
    atlas = make_atlas(noise(200, side, side), budget)
    assert len(atlas.css()) <= budget + 500
    assert atlas.encoded_bytes <= budget


def test_shrunk_pictures_keep_their_colour_and_shape() -> None:
    pictures = np.empty((5, 120, 60, 3), dtype=np.uint8)
    pictures[:] = np.arange(0, 250, 50)[:, None, None, None]
    atlas = make_atlas(pictures, 1_000_000)
    assert (atlas.height, atlas.width) == (96, 48)
    assert [round(float(cell(atlas, slot).mean())) for slot in range(5)] == pytest.approx([0, 50, 100, 150, 200], abs=3)


def test_the_rules_hold_the_sheets() -> None:
    atlas = make_atlas(noise(PER_SHEET + 1, 4, 4), 1_000_000)
    rules = re.findall(r'\.sheet-(\d)\{background-image:url\("data:image/png;base64,([^"]+)"\)\}', atlas.css())
    assert [number for number, _ in rules] == ["0", "1"]
    assert tuple(base64.b64decode(text) for _, text in rules) == atlas.sheets
    assert "--thumb-w:4;--thumb-h:4;--thumb-across:32" in atlas.css()


def test_many_pictures_are_smaller() -> None:
    assert [largest_side(count) for count in (100, 3000, 5000, 10_000_000)] == [96, 56, 48, 4]


def test_long_texts_are_shortened_in_the_middle() -> None:
    texts = ["a" * 500 + "b" * 500, "short"]
    assert shorten_to_budget(texts, 2000) == texts
    first, second = shorten_to_budget(texts, 300)
    assert re.fullmatch("a+…b+", first)
    assert second == "short"
    assert len(first.encode()) <= 295
    assert sum(len(text.encode()) for text in shorten_to_budget(["€" * 1000] * 100, 1000)) <= 1000
