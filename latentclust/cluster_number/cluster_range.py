"""Numbers of clusters as text: a list `4,6,8`, or a range `4..16` or `4..16..2`."""

from collections.abc import Iterable

from latentclust.errors import LatentclustError

OPTION = "--clusters"
FIX = "Write a range 4..16, a range with a step 4..16..2, or a list 4,6,8"
FEWEST = 2
LEAST_NUMBERS = 3
"""Least number of numbers: with two, only stability could choose one, and no two rules would agree."""


def parse_clusters(clusters: str | Iterable[object]) -> tuple[int, ...]:
    """Return numbers of clusters, ascending and each once.

    Raises:
        LatentclustError: If the text is not a range or a list, a range is reversed, a number is below 2, or there are
            fewer than three numbers to compare.
    """
    found = _parse(clusters) if isinstance(clusters, str) else [_whole(number) for number in clusters]
    if low := [number for number in found if number < FEWEST]:
        raise LatentclustError.at(OPTION, f"{low[0]} is not a number of clusters to compare", "Use 2 or more")
    chosen = tuple(sorted(set(found)))
    if len(chosen) < LEAST_NUMBERS:
        listed = ", ".join(map(str, chosen))
        why = "two of the three rules count only between the smallest and the largest number"
        what = f"too few numbers to compare ({listed}): {why}" if chosen else "is empty"
        raise LatentclustError.at(OPTION, what, f"{FIX}, of {LEAST_NUMBERS} or more numbers")
    return chosen


def _parse(text: str) -> list[int]:
    if ".." not in text:
        return [_number(part, text) for part in text.split(",")]
    ends = [_number(part, text) for part in text.split("..")]
    if len(ends) not in (2, 3):
        raise LatentclustError.at(OPTION, f"{text!r} is not a range", FIX)
    first, last, step = (*ends, 1)[:3]
    if first > last:
        raise LatentclustError.at(OPTION, f"the range {text!r} is reversed", f"Write {last}..{first}")
    if step < 1:
        raise LatentclustError.at(OPTION, f"the step of {text!r} is {step}", "Use a step of 1 or more")
    return list(range(first, last + 1, step))


def _number(part: str, text: str) -> int:
    try:
        return int(part)
    except ValueError as error:
        raise LatentclustError.at(OPTION, f"{part.strip()!r} in {text!r} is not a whole number", FIX) from error


def _whole(number: object) -> int:
    if isinstance(number, bool) or not hasattr(number, "__index__"):
        raise LatentclustError.at(
            OPTION, f"{number!r} is not a whole number", "Use whole numbers, such as range(4, 17)"
        )
    return int(number.__index__())
