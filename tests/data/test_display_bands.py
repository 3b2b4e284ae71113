"""The bands of pictures: by name, by number, or the first."""

import pytest

from latentclust.data.display_bands import display_bands, display_text
from latentclust.errors import LatentclustError


@pytest.mark.parametrize(
    ("names", "channels", "shown"),
    [
        ((), 1, (0,)),
        ((), 2, (0, 1)),
        ((), 3, (0, 1, 2)),
        ((), 7, (0, 1, 2)),
        (("blue", "green", "red", "nir"), 4, (2, 1, 0)),
        (("Blue", "GREEN", "Red"), 3, (2, 1, 0)),
        (("B02", "B03", "B04", "B08"), 4, (2, 1, 0)),
        (("SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B6"), 5, (2, 1, 0)),
        (("green", "red", "nir"), 3, (2, 1, 0)),
        (("B03", "B04", "B8A"), 3, (2, 1, 0)),
        (("red", "nir", "swir16"), 3, (2, 1, 0)),
        (("VV", "VH", "ratio", "angle"), 4, (0, 1, 2)),
    ],
)
def test_colours_are_found_by_name(names: tuple[str, ...], channels: int, shown: tuple[int, ...]) -> None:
    assert display_bands(None, names, channels) == shown


def test_bands_are_chosen_by_name_or_number() -> None:
    names = ("blue", "green", "red", "nir")
    assert display_bands(("nir", 3, "GREEN"), names, 4) == (3, 2, 1)
    assert display_bands((4,), (), 4) == (3,)


@pytest.mark.parametrize(
    ("chosen", "names", "what"),
    [
        ((1, 2, 5), (), "data.display: band 5 of 4 that are read"),
        (("red",), ("VV", "VH", "a", "b"), "data.display: no band 'red': the bands are VV, VH, a, b"),
        (("red",), (), "data.display: no band 'red': the bands have no names"),
    ],
)
def test_a_band_that_is_not_read_is_refused(chosen: tuple[int | str, ...], names: tuple[str, ...], what: str) -> None:
    with pytest.raises(LatentclustError, match=what):
        display_bands(chosen, names, 4)


def test_what_is_shown_is_said_unless_it_is_all() -> None:
    assert display_text((0, 1, 2), (), 3) == ""
    assert display_text((2, 1, 0), (), 3) == "Shown as red, green and blue: bands 3, 2, 1."
    assert display_text((3, 2, 1), ("blue", "green", "red", "nir"), 4) == (
        "Shown as red, green and blue: bands nir, red, green."
    )
    assert display_text((1,), (), 2) == "Shown in grey: band 2."
