"""The part of scenes that is wanted: a box or a geometry, in a coordinate system of its own."""

import hashlib
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.features import geometry_mask
from rasterio.io import DatasetReader
from rasterio.transform import Affine
from rasterio.warp import transform_geom

from latentclust.errors import LatentclustError
from latentclust.labelling.georeference import moved
from latentclust.labelling.strips import Extent
from latentclust.sources import reading

DENSE = 21
"""Points on each side of a box, so that its outline stays what it is in another coordinate system."""

ROUNDING = 1e-6
"""Pixels by which a border may miss a pixel's edge and still be on it."""

GEOJSON = "EPSG:4326"


@dataclass(frozen=True, slots=True)
class Area:
    """Where labels are wanted.

    Attributes:
        geometries: GeoJSON polygons.
        crs: Of their coordinates; None is each scene's own.
        box: Whether they are one box: the output is then its pixel rectangle, and none of its pixels is left out.
        where: The option that it came from, for messages.
    """

    geometries: tuple[Mapping[str, Any], ...]
    crs: CRS | None
    box: bool
    where: str

    def said(self) -> dict[str, Any]:
        """What it is, as JSON holds it; outlines by their hash."""
        text = json.dumps(self.geometries, sort_keys=True)
        return {
            "shapes": hashlib.sha256(text.encode()).hexdigest(),
            "crs": self.crs.to_string() if self.crs else None,
            "box": self.box,
        }

    def within(self, file: DatasetReader, path: str) -> tuple[Extent, "Mask | None"] | None:
        """The pixels of a scene that are wanted, or None where there are none; and which of them a geometry leaves out.

        Raises:
            LatentclustError: A scene whose place is not known.
        """
        if file.transform.is_identity:
            what = f"has no transform, and {self.where} is given in coordinates"
            raise LatentclustError.at(path, what, f"Leave {self.where} out for it")
        shapes = self._in(file.crs, path)
        back, points = ~file.transform, np.array(_points(shapes))
        columns = back.a * points[:, 0] + back.b * points[:, 1] + back.c
        rows = back.d * points[:, 0] + back.e * points[:, 1] + back.f
        extent = Extent(
            max(0, floor(rows.min() + ROUNDING)),
            max(0, floor(columns.min() + ROUNDING)),
            min(file.height, ceil(rows.max() - ROUNDING)),
            min(file.width, ceil(columns.max() - ROUNDING)),
        )
        if extent.height <= 0 or extent.width <= 0:
            return None
        return extent, None if self.box else Mask(shapes, file.transform)

    def _in(self, crs: CRS | None, path: str) -> tuple[Mapping[str, Any], ...]:
        """The geometries in a scene's coordinates."""
        if self.crs is None or self.crs == crs:
            return self.geometries
        if crs is None:
            what = f"has no coordinate system, and {self.where} is given in {self.crs}"
            raise LatentclustError.at(path, what, f"Leave {self.where} out for it")
        try:
            return tuple(transform_geom(self.crs, crs, geometry) for geometry in self.geometries)
        except Exception as error:  # GDAL's own errors have no common base that is public
            what = f"{self.where} cannot be brought to its coordinate system ({error})"
            raise LatentclustError.at(path, what, f"Leave {self.where} out for it") from error


@dataclass(frozen=True, slots=True)
class Mask:
    """Which pixels lie in polygons.

    Attributes:
        shapes: GeoJSON polygons, in the scene's coordinates.
        transform: Of the whole scene.
    """

    shapes: tuple[Mapping[str, Any], ...]
    transform: Affine

    def inside(self, top: int, left: int, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Of a rectangle of the scene: which pixels have their centre inside."""
        found: NDArray[np.bool_] = geometry_mask(self.shapes, shape, moved(self.transform, top, left), invert=True)
        return found


def box_area(box: Sequence[float], crs: str | None) -> Area:
    """The box west, south, east, north; in `crs`, or in each scene's own coordinates.

    Raises:
        LatentclustError: No box, or a coordinate system that is not known.
    """
    west, south, east, north = box
    if not (all(isfinite(each) for each in box) and west < east and south < north):
        said = " ".join(f"{each:g}" for each in box)
        fix = "Give west south east north, west < east and south < north"
        raise LatentclustError.at("--bbox", f"{said} is no box", fix)
    across, up = np.linspace(west, east, DENSE).tolist(), np.linspace(south, north, DENSE).tolist()
    ring = [(x, south) for x in across] + [(east, y) for y in up]
    ring += [(x, north) for x in reversed(across)] + [(west, y) for y in reversed(up)]
    polygon = {"type": "Polygon", "coordinates": [ring]}
    return Area((polygon,), None if crs is None else _crs(crs, "--bbox-crs"), True, "--bbox")


def geometry_area(path: Path) -> Area:
    """The polygons of a vector file: GeoJSON, or whatever pyogrio reads.

    Raises:
        LatentclustError: A file that is absent, damaged, or holds no polygon.
    """
    if path.suffix.lower() in (".json", ".geojson"):
        with reading(path, "Give a GeoJSON file of polygons"):
            content = json.loads(path.read_text(encoding="utf-8"))
        shapes, crs = _polygons(content), _crs(_declared(content), "--geometry")
    else:
        shapes, crs = _read_vector(path)
    if not shapes:
        raise LatentclustError.at(str(path), "holds no polygon", "Give a file of polygons with --geometry")
    return Area(tuple(shapes), crs, False, "--geometry")


def _declared(content: Any) -> str:
    """The coordinate system of GeoJSON: the member `crs` of its first edition, or else longitude and latitude."""
    declared = content.get("crs") if isinstance(content, Mapping) else None
    return str(declared["properties"]["name"]) if declared else GEOJSON


def _read_vector(path: Path) -> tuple[list[Mapping[str, Any]], CRS | None]:
    try:
        import pyogrio
        import shapely
    except ImportError as error:
        what = f"{path.suffix or 'it'} is read by pyogrio and shapely, which are not installed"
        raise LatentclustError.at(str(path), what, "pip install 'latentclust[vector]', or give GeoJSON") from error
    with reading(path, "Give a file of polygons"), warnings.catch_warnings(action="ignore"):
        facts, _, shapes, _ = pyogrio.raw.read(path, columns=[])
    found = [json.loads(shapely.to_geojson(shape)) for shape in shapely.from_wkb(shapes) if shape is not None]
    polygons = [shape for geometry in found for shape in _polygons(geometry)]
    return polygons, _crs(facts["crs"], str(path)) if facts["crs"] else None


def _polygons(content: Any) -> list[Mapping[str, Any]]:
    """Every polygon in a GeoJSON object."""
    if not isinstance(content, Mapping):
        return []
    if content.get("type") in ("Polygon", "MultiPolygon"):
        return [content] if content.get("coordinates") else []
    inner = content.get("features") or content.get("geometries") or [content.get("geometry")]
    return [shape for each in inner for shape in _polygons(each)]


def _points(shapes: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    """The points of all outlines."""
    polygons = [p for s in shapes for p in (s["coordinates"] if s["type"] == "MultiPolygon" else [s["coordinates"]])]
    return [(float(point[0]), float(point[1])) for polygon in polygons for point in polygon[0]]


def _crs(text: str, where: str) -> CRS:
    try:
        return CRS.from_user_input(text)
    except (CRSError, ValueError) as error:
        what = f"{text!r} is no coordinate system"
        raise LatentclustError.at(where, what, "Use one such as EPSG:4326") from error
