"""The bands that pictures show as red, green and blue."""

from collections.abc import Sequence

from latentclust.data.band_names import find_bands
from latentclust.errors import LatentclustError

COMPOSITES = (
    ("red", "green", "blue"),
    ("nir", "red", "green"),
    ("nir08", "red", "green"),
    ("swir16", "nir", "red"),
    ("swir16", "nir08", "red"),
)
"""Common names of the bands of pictures, best first: natural colours, then composites with infrared."""

COLOURS = 3
FIX = "Name three bands that are read, or count them from 1"


def display_bands(chosen: Sequence[int | str] | None, names: Sequence[str], channels: int) -> tuple[int, ...]:
    """Return the channels that pictures show, counted from 0: red, green and blue; or one or two, shown in grey.

    Args:
        chosen: Bands by name, or by position among the channels, counted from 1. None selects the first composite of
            `COMPOSITES` whose bands are named, and without names the first three channels.
        names: Names of the channels; empty if they are unknown.
        channels: Number of channels.

    Raises:
        LatentclustError: If a chosen band does not exist.
    """
    if chosen is not None:
        return tuple(_channel(band, names, channels) for band in chosen)
    if len(names) == channels:
        for composite in COMPOSITES:
            found = tuple(at for at in find_bands(composite, names) if at is not None)
            if len(found) == COLOURS:
                return found
    return tuple(range(min(channels, COLOURS)))


def display_text(shown: Sequence[int], names: Sequence[str], channels: int) -> str:
    """Return which bands a picture shows, as a sentence; empty if they are all bands in their order."""
    if tuple(shown) == tuple(range(channels)):
        return ""
    known = len(names) == channels
    bands = [names[band] if known else f"{band + 1}" for band in shown]
    if len(bands) < COLOURS:
        return f"Shown in grey: {'band' if len(bands) == 1 else 'the mean of bands'} {' and '.join(bands)}."
    return f"Shown as red, green and blue: bands {', '.join(bands)}."


def _channel(band: int | str, names: Sequence[str], channels: int) -> int:
    if isinstance(band, int):
        if band > channels:
            raise LatentclustError.at("data.display", f"band {band} of {channels} that are read", FIX)
        return band - 1
    found = find_bands((band,), names)[0]
    if found is None:
        known = f"the bands are {', '.join(names)}" if names else "the bands have no names"
        raise LatentclustError.at("data.display", f"no band {band!r}: {known}", FIX)
    return found
