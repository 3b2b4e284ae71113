"""Areas and shares as text, in units that suit them."""

from collections.abc import Iterable

UNITS = ((1e8, 1e6, "km²"), (1e4, 1e4, "ha"), (0.0, 1.0, "m²"))
"""Smallest area in square metres that is shown in a unit, the unit in square metres, and its name."""


def area_unit(areas: Iterable[float | None]) -> tuple[float, str | None]:
    """Return the unit in square metres that suits the largest area, and its name; None if areas are unknown."""
    known = [area for area in areas if area is not None]
    if not known:
        return 1.0, None
    return next((size, name) for least, size, name in UNITS if max(known) >= least)


def percent(share: float | None) -> str:
    """Return a share in per cent; a dash for None."""
    return "–" if share is None else f"{share:.1%}"
