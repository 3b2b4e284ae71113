"""The sheet of patches: what is drawn where."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from latentclust.report.contact_sheet import CELL, DIM, GAP, ContactRow, Patch, contact_sheet
from latentclust.report.plotting import DPI, save_figure

SIZE = 32
SIDE = CELL


def patch(left: int, right: int, bands: int = 3) -> Patch:
    """The left half of one brightness and of the cluster, the right half of another; one corner without data."""
    image = np.full((bands, SIZE, SIZE), right, np.uint8)
    image[:, :, : SIZE // 2] = left
    valid = np.ones((SIZE, SIZE), np.bool_)
    valid[-8:, -8:] = False
    return Patch(image, np.arange(SIZE)[None, :].repeat(SIZE, 0) < SIZE // 2, valid)


def rows(*patches: Patch) -> list[ContactRow]:
    return [
        ContactRow(1, "water", "#2b6cb0", 0.25, patches),
        ContactRow(2, "cluster 2", "#ffa90e", 0.0, []),
        ContactRow(3, "a name that is much longer than its place", "#bd1f01", 0.0001, patches[:1]),
    ]


def drawn(figure: Figure) -> Any:
    return figure.axes[0].images[0].get_array()


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_a_patch_is_enlarged_dimmed_outside_outlined_and_white_where_there_is_no_data() -> None:
    found = drawn(contact_sheet(rows(patch(0, 200), patch(200, 100)), 3, SIZE, "title"))
    assert found.shape == (3 * SIDE + 2 * GAP, 3 * SIDE + 2 * GAP, 3)
    one, two = found[:SIDE, :SIDE], found[:SIDE, SIDE + GAP : 2 * SIDE + GAP]
    middle = SIDE // 2
    assert tuple(one[5, 5]) == (0, 0, 0)
    assert tuple(one[5, -5]) == (round(255 * DIM),) * 3
    assert tuple(two[5, 5]) == (255, 255, 255)
    assert tuple(two[5, -5]) == (round(127.5 * DIM),) * 3
    assert tuple(one[-5, -5]) == (255, 255, 255)
    assert tuple(one[5, middle]) == tuple(one[5, middle + 1]) == (0x2B, 0x6C, 0xB0)
    assert tuple(one[5, middle + 2]) == tuple(one[5, -5])
    assert (found[SIDE : SIDE + GAP] == 255).all()
    assert (found[:, 2 * SIDE + 2 * GAP :] == 255).all()


@pytest.mark.parametrize("bands", [1, 2])
def test_fewer_bands_than_three_are_grey(bands: int) -> None:
    found = drawn(contact_sheet(rows(patch(0, 200, bands)), 1, SIZE, "title"))
    assert tuple(found[5, 5]) == (0, 0, 0)
    assert tuple(found[5, -5]) == (round(255 * DIM),) * 3


def test_beside_a_row_stand_number_name_share_and_colour() -> None:
    figure = contact_sheet(rows(patch(0, 200)), 1, SIZE, "the title")
    assert words(figure) == [
        "the title",
        *("1", "water", "25.0% of pixels"),
        *("2", "cluster 2", "0.0% of pixels", "does not occur in the windows read"),
        *("3", "a name that is much longer …", "< 0.1% of pixels"),
    ]
    swatches = [each for each in figure.axes[0].patches if isinstance(each, Rectangle)]
    assert [to_hex(each.get_facecolor()) for each in swatches] == ["#2b6cb0", "#ffa90e", "#bd1f01"]


def test_everything_lies_within_the_figure_and_patches_are_drawn_pixel_by_pixel(tmp_path: Path) -> None:
    figure = contact_sheet(rows(patch(0, 200), patch(200, 100)), 2, SIZE, "a title of some length " * 4)
    width, height = figure.get_size_inches() * DPI
    figure.canvas.draw()
    for text in figure.axes[0].texts:
        box = text.get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= width
    save_figure(figure, tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png", formats=["PNG"]) as image:
        found = np.asarray(image.convert("RGB"))
    assert found.shape[:2] == (round(height), round(width))
    left, right, _, top = (int(each) for each in figure.axes[0].images[0].get_extent())
    np.testing.assert_array_equal(found[top : top + SIDE, left:right], drawn(figure)[:SIDE])


def test_a_sheet_that_is_too_tall_is_thinned_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("latentclust.report.contact_sheet.TALLEST", 300)
    figure = contact_sheet(rows(patch(0, 200)), 1, SIZE, "title")
    assert len(drawn(figure)) == (3 * SIDE + 2 * GAP) / 2


def test_patches_of_one_value_are_drawn() -> None:
    assert drawn(contact_sheet(rows(patch(9, 9)), 1, SIZE, "title"))[5, 5].max() == 0
