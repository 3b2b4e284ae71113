"""Scenes of one place and several dates as one scene, whose bands are those of all dates."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import PurePath

from latentclust.data.scenes.stac import read_json
from latentclust.errors import Issue
from latentclust.specs.scenes import OUTPUT, Scene

_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?:T\d{4,6}Z?)?(?!\d)")
"""A date, and a time after it, such as 20210601, 2021-06-01 or 20210601T102021."""

_JOINTS = re.compile(r"[\W_]*\0[\W_]*")


def stack_scenes(scenes: Sequence[Scene], where: str) -> tuple[Scene, ...]:
    """Return one scene for all scenes whose names differ in dates only, with its dates in ascending order.

    The date of a scene is the first one in the path of its output, or else in its STAC item. A scene without a date,
    and scenes of one place and date, are scenes that fail.

    Args:
        scenes: Scenes of single dates.
        where: Option or recipe key for messages.
    """
    places: dict[PurePath, list[tuple[date, Scene]]] = defaultdict(list)
    stacked: list[Scene] = []
    for scene in scenes:
        day = _date(scene)
        if day is None or scene.error:
            stacked.append(replace(scene, error=scene.error or _undated(scene, where)))
        else:
            places[_place(scene)].append((day, scene))
    stacked += [_stack(place, sorted(dated, key=lambda each: each[0])) for place, dated in places.items()]
    return tuple(stacked)


def _date(scene: Scene) -> date | None:
    for found in _DATE.finditer(scene.output.with_suffix("").as_posix()):
        try:
            return date(*map(int, found.group(1, 3, 4)))
        except ValueError:  # such as 31 June
            continue
    if scene.item is None:
        return None
    text = str((read_json(scene.item).get("properties") or {}).get("datetime"))
    return date.fromisoformat(text[:10]) if re.match(r"\d{4}-\d\d-\d\d", text) else None


def _place(scene: Scene) -> PurePath:
    """Return the path of the output without dates, each with the characters between it and the rest of its part."""
    parts = (_JOINTS.sub("_", _DATE.sub("\0", part)).strip("_") for part in scene.output.with_suffix("").parts)
    kept = [part for part in parts if part]
    return PurePath(*kept) if kept else PurePath("stack")


def _stack(place: PurePath, dated: Sequence[tuple[date, Scene]]) -> Scene:
    days, members = zip(*dated, strict=True)
    name = members[0].name if len(members) == 1 else f"{members[0].name} and {len(members) - 1} more dates"
    twice = [day for day, after in pairwise(days) if day == after]
    error = Issue(name, f"has several scenes of {twice[0]}", "Leave all but one of them out") if twice else None
    files = tuple(file for member in members for file in member.files)
    output = place.with_name(f"{place.name}{OUTPUT}")
    return Scene("", name, output, files, stack=members, dates=tuple(map(str, days)), error=error)


def _undated(scene: Scene, where: str) -> Issue:
    fix = f"Name it after its date, as in scene_2021-06-01.tif, or leave {where} out"
    return Issue(scene.name, f"has no date in its name, {scene.output}, which {where} needs", fix)
