"""Options that two label rasters were not made with alike, and how they can look like change of the land."""

from collections.abc import Mapping
from typing import Any

NAMES = {
    "sieve": "--sieve",
    "normalise": "the normalisation",
    "bands": "--bands",
    "stack": "--stack",
    "nodata": "--nodata",
    "mask": "the mask",
    "tile": "--tile",
    "overlap": "--overlap",
    "blend": "--blend",
    "seed": "--seed",
    "precision": "--precision",
    "device": "the device",
}
"""Options of labelling.json that decide labels, with their names in sentences."""

STATE = ", state ("
"""Beginning of size and time of a scene in the text of a normalisation."""

WINDOWS = "labels near nodata, and all labels of a model that samples or reads whole windows, depend on it"
ROUNDING = "a few labels can differ by rounding"

EFFECTS = {
    "sieve": "regions that one map keeps and the other merges appear as change",
    "normalise": "the values of one date alone were changed, or both in other ways, which can appear as change",
    "bands": "if the bands are not the same, this appears as change",
    "stack": "the two maps were made of other bands, which can appear as change",
    "nodata": "pixels that are nodata in one map alone are left out",
    "seed": "all labels of a model that samples depend on it, and no others",
    "mask": "pixels that one map alone masks are left out, and clouds that it does not mask appear as change",
    "precision": ROUNDING,
    "device": ROUNDING,
}
"""What a difference does to the comparison, if it is not that of `WINDOWS`."""


def option_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a sentence for each option that decides labels and differs.

    Args:
        before: Options in the labelling.json of the earlier map.
        after: Those of the later map.
    """
    pairs = ((name, _text(name, before), _text(name, after)) for name in NAMES)
    return tuple(
        f"The maps were labelled differently: {NAMES[name]} is {one} for the earlier one and {two} for the later one; "
        f"{EFFECTS.get(name, WINDOWS)}."
        for name, *values in pairs
        if values[0] != values[1]
        for one, two in [_shown(*values)]
    )


def _shown(one: str, two: str) -> tuple[str, str]:
    """Return two texts, without size and time of a scene that values are brought to unless they alone differ."""
    short = one.partition(STATE)[0], two.partition(STATE)[0]
    return short if short[0] != short[1] else (one, two)


def _marks(mask: Any) -> str:
    """Return the values and bits that a mask marks as text; empty if there are none."""
    lists = {kind: mask.get(kind) for kind in ("values", "bits")} if isinstance(mask, Mapping) else {}
    return " and ".join(
        f"{kind} {', '.join(map(str, marks))}" for kind, marks in lists.items() if marks and isinstance(marks, list)
    )


def _text(name: str, options: Mapping[str, Any]) -> str:
    """Return the value of an option as text."""
    value = options.get(name)
    if not value and value != 0:
        return "none"
    if name == "mask" and (marks := _marks(value)):
        return marks
    if isinstance(value, list):
        return ",".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
