"""Reading polygons from GeoJSON files, and from other vector files with pyogrio."""

import json
import warnings
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from reprlib import repr as short
from typing import Any

import numpy as np
import shapely

from latentclust.data.sources import decode_errors
from latentclust.errors import LatentclustError
from latentclust.labelling.area.polygon_mask import Points

GEOJSON_SUFFIXES = (".json", ".geojson")

DEFAULT_CRS = "EPSG:4326"

COLLECTIONS = {"FeatureCollection": "features", "GeometryCollection": "geometries"}
"""GeoJSON types that contain other objects, and the member that lists them."""

NO_AREA = ("Point", "MultiPoint", "LineString", "MultiLineString")
"""GeoJSON types that are skipped."""

MIN_RING_POINTS = 4
"""Minimum number of points of a closed ring."""

MAX_COORDINATE = 1e15
"""Maximum absolute value of a coordinate. No coordinate reference system has larger ones."""


def read_polygons(path: Path) -> tuple[list[shapely.Polygon], str | None]:
    """Return all polygons of a file and the name of their CRS, or None if the file has no CRS.

    Raises:
        LatentclustError: If the file is missing or damaged, or requires pyogrio and that is not installed.
    """
    if path.suffix.lower() not in GEOJSON_SUFFIXES:
        return _read_with_pyogrio(path)
    with decode_errors(path, "Give a GeoJSON file of polygons"):
        content = _parsed(path.read_text(encoding="utf-8-sig"))
    return _polygons_in(content, str(path)), _declared_crs(content, str(path))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("its lists are nested too deeply") from error


def _read_with_pyogrio(path: Path) -> tuple[list[shapely.Polygon], str | None]:
    try:
        import pyogrio
    except ImportError as error:
        what = f"requires pyogrio for {path.suffix or 'this format'}, which is not installed"
        raise LatentclustError.at(str(path), what, "Run pip install 'latentclust[vector]', or give GeoJSON") from error
    try:
        with warnings.catch_warnings(action="ignore"):
            facts, _, shapes, _ = pyogrio.raw.read(path, columns=[])
            wkb = [shape for shape in ([] if shapes is None else shapes) if shape is not None]
            geometries = [json.loads(each) for each in shapely.to_geojson(shapely.from_wkb(wkb))]
    except Exception as error:  # the errors of GDAL and GEOS have no common base class
        what = f"cannot be read ({type(error).__name__}: {error})"
        raise LatentclustError.at(str(path), what, "Give a file of polygons") from error
    return _polygons_in({"type": "GeometryCollection", "geometries": geometries}, str(path)), facts["crs"]


def _polygons_in(content: Any, path: str) -> list[shapely.Polygon]:
    """Return all polygons in a GeoJSON object.

    `shapely.from_geojson` reports errors without their place, and accepts values that are not numbers. So each
    value is checked here.

    Args:
        content: Parsed JSON.
        path: File name, for messages.

    Raises:
        LatentclustError: If the object is not GeoJSON.
    """
    found: list[shapely.Polygon] = []
    todo: list[tuple[Any, str]] = [(content, "")]
    while todo:
        value, place = todo.pop()
        if value is None and place.endswith("geometry"):
            continue  # RFC 7946 allows features without a geometry
        if not isinstance(value, Mapping):
            raise _invalid(path, place, value, "an object")
        kind, dot = value.get("type"), place and f"{place}."
        if kind == "Feature":
            todo.append((value.get("geometry"), f"{dot}geometry"))
        elif isinstance(kind, str) and kind in COLLECTIONS:
            members = _items(value.get(COLLECTIONS[kind]), f"{dot}{COLLECTIONS[kind]}", path)
            todo += reversed(members)
        elif kind in ("Polygon", "MultiPolygon"):
            parts = _items(value.get("coordinates"), f"{dot}coordinates", path)
            shapes = [_items(part, at, path) for part, at in parts] if kind == "MultiPolygon" else [parts]
            rings = ([_ring(ring, at, path) for ring, at in shape] for shape in shapes if shape and shape[0][0] != [])
            found += [shapely.Polygon(outer, holes) for outer, *holes in rings]
        elif kind not in NO_AREA:
            raise _invalid(path, f"{dot}type", kind, "one of GeoJSON's")
    return found


def _declared_crs(content: Any, path: str) -> str:
    """Return the CRS of a GeoJSON object: its member `crs` (GeoJSON 2008), or longitude and latitude.

    Raises:
        LatentclustError: If the member does not name a CRS.
    """
    declared = content.get("crs")
    if declared is None:
        return DEFAULT_CRS
    properties = declared.get("properties") if isinstance(declared, Mapping) else None
    name = properties.get("name") if isinstance(properties, Mapping) else None
    if not isinstance(name, str):
        fix = 'Write {"type": "name", "properties": {"name": "EPSG:4326"}}, or omit it for longitude and latitude'
        raise LatentclustError.at(path, f"crs is {short(declared)}, which does not name a CRS", fix)
    return name


def _items(value: Any, place: str, path: str) -> list[tuple[Any, str]]:
    """Return the items of a list, each with its place for messages."""
    if not isinstance(value, list):
        raise _invalid(path, place, value, "a list")
    return [(item, f"{place}[{number}]") for number, item in enumerate(value)]


def _ring(points: Any, place: str, path: str) -> Points:
    """Return the points of a ring, closed and without heights."""
    for point, at in _items(points, place, path):
        if not _is_position(point):
            raise _invalid(path, at, point, f"two numbers of at most {MAX_COORDINATE:g}")
    if points and points[0][:2] != points[-1][:2]:
        points = [*points, points[0]]
    if len(points) < MIN_RING_POINTS:
        raise _invalid(path, place, points, "a ring of at least three points, with the first one repeated at the end")
    return np.fromiter(chain.from_iterable(point[:2] for point in points), float).reshape(-1, 2)


def _is_position(point: Any) -> bool:
    return isinstance(point, list) and len(point) > 1 and all(_is_coordinate(each) for each in point[:2])


def _is_coordinate(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MAX_COORDINATE


def _invalid(path: str, place: str, value: Any, expected: str) -> LatentclustError:
    what = f"{place or 'its content'} is {short(value)}, and must be {expected}"
    return LatentclustError.at(path, what, "Write it as GeoJSON (RFC 7946)")
