"""The polygons of GeoJSON, every value of which is looked at."""

from collections.abc import Mapping
from itertools import chain
from reprlib import repr as short
from typing import Any

import numpy as np

from latentclust.errors import LatentclustError
from latentclust.labelling.area.clip import TRIANGLE, Polygon, Ring

DEFAULT_CRS = "EPSG:4326"

MEMBERS = {"FeatureCollection": "features", "GeometryCollection": "geometries"}
"""Where objects hold others."""

NO_AREA = ("Point", "MultiPoint", "LineString", "MultiLineString")

FURTHEST = 1e15
"""No coordinate of any system is larger."""


def polygons_of(content: Any, path: str) -> list[Polygon]:
    """Every polygon in a GeoJSON object.

    Args:
        content: As JSON gives it.
        path: The file, for messages.

    Raises:
        LatentclustError: What is no GeoJSON.
    """
    found: list[Polygon] = []
    todo: list[tuple[Any, str]] = [(content, "")]
    while todo:
        value, place = todo.pop()
        if value is None and place.endswith("geometry"):
            continue  # a feature may be nowhere
        if not isinstance(value, Mapping):
            raise _wrong(path, place, value, "an object")
        kind, dot = value.get("type"), place and f"{place}."
        if kind == "Feature":
            todo.append((value.get("geometry"), f"{dot}geometry"))
        elif isinstance(kind, str) and kind in MEMBERS:
            members = _items(value.get(MEMBERS[kind]), f"{dot}{MEMBERS[kind]}", path)
            todo += reversed(members)
        elif kind in ("Polygon", "MultiPolygon"):
            parts = _items(value.get("coordinates"), f"{dot}coordinates", path)
            shapes = [_items(part, at, path) for part, at in parts] if kind == "MultiPolygon" else [parts]
            found += [
                tuple(_ring(ring, at, path) for ring, at in shape) for shape in shapes if shape and shape[0][0] != []
            ]
        elif kind not in NO_AREA:
            raise _wrong(path, f"{dot}type", kind, "one of GeoJSON's")
    return found


def declared_crs(content: Any, path: str) -> str:
    """The coordinate system of a GeoJSON object: the member `crs` of its first edition, or longitude and latitude.

    Raises:
        LatentclustError: A member that names none.
    """
    declared = content.get("crs")
    if declared is None:
        return DEFAULT_CRS
    properties = declared.get("properties") if isinstance(declared, Mapping) else None
    name = properties.get("name") if isinstance(properties, Mapping) else None
    if not isinstance(name, str):
        fix = 'Write {"type": "name", "properties": {"name": "EPSG:4326"}}, or leave it out for longitude and latitude'
        raise LatentclustError.at(path, f"crs is {short(declared)}, which names no coordinate system", fix)
    return name


def _items(value: Any, place: str, path: str) -> list[tuple[Any, str]]:
    """The items of a list, and what messages call them."""
    if not isinstance(value, list):
        raise _wrong(path, place, value, "a list")
    return [(item, f"{place}[{number}]") for number, item in enumerate(value)]


def _ring(points: Any, place: str, path: str) -> Ring:
    items = _items(points, place, path)
    for point, at in items:
        if not _is_position(point):
            raise _wrong(path, at, point, f"two numbers, none beyond {FURTHEST:g}")
    if points and points[0][:2] != points[-1][:2]:
        points = [*points, points[0]]
    if len(points) < TRIANGLE:
        raise _wrong(path, place, points, "a ring of three points at least, the first one once more at the end")
    return np.fromiter(chain.from_iterable(point[:2] for point in points), float).reshape(-1, 2)


def _is_position(point: Any) -> bool:
    return isinstance(point, list) and len(point) > 1 and all(_is_coordinate(each) for each in point[:2])


def _is_coordinate(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= FURTHEST


def _wrong(path: str, place: str, value: Any, wanted: str) -> LatentclustError:
    what = f"{place or 'what it holds'} is {short(value)}, and must be {wanted}"
    return LatentclustError.at(path, what, "Write it as GeoJSON (RFC 7946)")
