"""The acquisition time of a scene: from its STAC item, the user or the file."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from latentclust.errors import LatentclustError

RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)

TAG = "TIFFTAG_DATETIME"
TAG_FORM = "%Y:%m:%d %H:%M:%S"


def parse_datetime(text: str, where: str = "--datetime") -> datetime:
    """Parse a time in RFC 3339, such as 2020-06-01T12:00:00Z. Raise LatentclustError if it is invalid."""
    try:
        if not RFC_3339.fullmatch(text):
            raise ValueError("it is not in RFC 3339")
        return datetime.fromisoformat(text.upper())
    except ValueError as error:
        what = f"{text!r} is not a date with time and time zone ({error})"
        raise LatentclustError.at(where, what, "Write it like 2020-06-01T12:00:00Z") from error


def acquisition_time(tag: str, given: str | None, item: Mapping[str, Any] | None) -> datetime | None:
    """Return the acquisition time of a scene, or None if it is unknown.

    The scene's own STAC item comes first, then the time that the user gives for all scenes, and last the TIFF tag
    DateTime, in UTC, which many programs set to the time when the file was written.

    Args:
        tag: TIFF tag DateTime of the raster. Empty if it has none.
        given: Value of `--datetime`.
        item: STAC item of the scene. If it has a time range instead of a datetime, the function returns None, and
            `write_stac_item` reads the range from the item.

    Raises:
        LatentclustError: If a time in the item or in `given` is invalid.
    """
    user = None if given is None else parse_datetime(given)
    properties = (item.get("properties") or {}) if item else {}
    if (text := properties.get("datetime")) is not None:
        return parse_datetime(str(text), "the scene's STAC item")
    if time_range(item) or user:
        return None if time_range(item) else user
    try:
        return datetime.strptime(tag.strip("\0 "), TAG_FORM).replace(tzinfo=UTC)
    except ValueError:
        return None


def time_range(item: Mapping[str, Any] | None) -> tuple[datetime, datetime] | None:
    """Return start and end of a STAC item that has a time range, and else None."""
    properties = (item.get("properties") or {}) if item else {}
    ends = properties.get("start_datetime"), properties.get("end_datetime")
    if None in ends:
        return None
    first, last = (parse_datetime(str(end), "the scene's STAC item") for end in ends)
    return first, last
