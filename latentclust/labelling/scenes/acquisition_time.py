"""When a scene was taken: as its STAC item, the user, or the file says."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from latentclust.errors import LatentclustError

RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)

TAG = "TIFFTAG_DATETIME"
TAG_FORM = "%Y:%m:%d %H:%M:%S"


def parse_datetime(text: str, where: str = "--datetime") -> datetime:
    """A time of RFC 3339, such as 2020-06-01T12:00:00Z; raises LatentclustError for another."""
    try:
        if not RFC_3339.fullmatch(text):
            raise ValueError("it is not of the form of RFC 3339")
        return datetime.fromisoformat(text.upper())
    except ValueError as error:
        what = f"{text!r} is no date with a time and a zone ({error})"
        raise LatentclustError.at(where, what, "Write it like 2020-06-01T12:00:00Z") from error


def acquisition_time(tag: str, given: str | None, item: Mapping[str, Any] | None) -> datetime | None:
    """When a scene was taken; None where nothing says so.

    The scene's own STAC item comes first, then what the user gives for all scenes, and last the TIFF tag DateTime, in
    UTC, which many programs set to when the file was written.

    Args:
        tag: The raster's TIFF tag DateTime; empty where it has none.
        given: `--datetime`.
        item: The scene's STAC item. Where it has a range of time in place of a datetime, the answer is None, and
            `write_stac_item` takes the range from it.

    Raises:
        LatentclustError: A time that is none in the item or in `given`.
    """
    user = None if given is None else parse_datetime(given)
    properties = item.get("properties", {}) if item else {}
    if (text := properties.get("datetime")) is not None:
        return parse_datetime(str(text), "the scene's STAC item")
    if time_range(item) or user:
        return None if time_range(item) else user
    try:
        return datetime.strptime(tag.strip("\0 "), TAG_FORM).replace(tzinfo=UTC)
    except ValueError:
        return None


def time_range(item: Mapping[str, Any] | None) -> tuple[datetime, datetime] | None:
    """The first and the last moment of a STAC item that has a range of time."""
    properties = item.get("properties", {}) if item else {}
    ends = properties.get("start_datetime"), properties.get("end_datetime")
    if None in ends:
        return None
    first, last = (parse_datetime(str(end), "the scene's STAC item") for end in ends)
    return first, last
