"""The part of scenes that is wanted: a box or a geometry, in a coordinate system of its own."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.features import geometry_mask
from rasterio.io import DatasetReader
from rasterio.transform import Affine

from latentclust.errors import LatentclustError
from latentclust.labelling.area.area_file import read_polygons
from latentclust.labelling.area.clip import Polygon, drawn_in, overlapping, touched
from latentclust.labelling.area.coordinate_transform import CannotTellError, Way, moved_points, turn_of
from latentclust.labelling.area.geojson import FURTHEST
from latentclust.labelling.area.reprojection import reprojected
from latentclust.labelling.windows.strips import PixelBounds

BBOX_VALUES = 4
"""Numbers of a box."""

MAX_MASK_PIXELS = 2**22
"""About how many pixels of a scene are looked at together for one that is inside."""


@dataclass(frozen=True, slots=True)
class AreaOfInterest:
    """Where labels are wanted.

    Attributes:
        polygons: Whose edges are straight in their coordinate system.
        crs: Of their coordinates; None is each scene's own.
        box: Whether they are one box: the output is then its pixel rectangle, and none of its pixels is left out.
        where: The option that it came from, for messages.
    """

    polygons: tuple[Polygon, ...]
    crs: CRS | None
    box: bool
    where: str

    def to_json(self) -> dict[str, Any]:
        """What it is, as JSON holds it; outlines by their hash."""
        text = json.dumps([[ring.tolist() for ring in polygon] for polygon in self.polygons])
        return {
            "shapes": hashlib.sha256(text.encode()).hexdigest(),
            "crs": self.crs.to_string() if self.crs else None,
            "box": self.box,
        }

    def pixels_in(self, file: DatasetReader, path: str) -> tuple[PixelBounds, "PolygonMask | None"] | None:
        """The pixels of a scene that are wanted, or None where there are none; and which of them a geometry leaves out.

        Raises:
            LatentclustError: A scene of which it cannot be told.
        """
        if file.transform.is_identity:
            what = f"has no transform, and {self.where} is given in coordinates"
            raise LatentclustError.at(path, what, f"Leave {self.where} out for it")
        size = (file.width, file.height)
        around = np.array([(-1, -1), (file.width + 1, file.height + 1)], float)
        near = [drawn_in(polygon, around) for polygon in overlapping(self._in_pixels(file, path), around)]
        extent = touched([polygon for polygon in near if polygon], size)
        if extent is None:
            return None
        if self.box:
            return extent, None
        mask = PolygonMask(tuple({"type": "Polygon", "coordinates": polygon} for polygon in near if polygon))
        return (extent, mask) if mask.covers_any(extent) else None

    def _in_pixels(self, file: DatasetReader, path: str) -> Sequence[Polygon]:
        """The polygons in a scene's columns and rows."""
        if self.crs is None:
            return [tuple(moved_points(ring, ~file.transform) for ring in polygon) for polygon in self.polygons]
        if file.crs is None:
            what = f"has no coordinate system, and {self.where} is given in {self.crs}"
            raise LatentclustError.at(path, what, f"Leave {self.where} out for it")
        try:
            return reprojected(self.polygons, Way.to(file, self.crs))
        except CannotTellError as error:
            what = f"where {self.where} lies in it cannot be told: {error}"
            fix = f"Give {self.where} in the coordinate system that the scene has"
            raise LatentclustError.at(path, what, fix) from error


@dataclass(frozen=True, slots=True)
class PolygonMask:
    """Which pixels lie in polygons.

    Attributes:
        shapes: GeoJSON polygons, in columns and rows of the scene.
    """

    shapes: tuple[dict[str, Any], ...]

    def rasterize(self, top: int, left: int, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Of a rectangle of the scene: which pixels have their centre inside."""
        found: NDArray[np.bool_] = geometry_mask(self.shapes, shape, Affine.translation(left, top), invert=True)
        return found

    def covers_any(self, extent: PixelBounds) -> bool:
        """Whether any pixel of a rectangle has; a few rows are held at a time."""
        rows = max(1, MAX_MASK_PIXELS // extent.width)
        tops = range(extent.top, extent.bottom, rows)
        shapes = ((top, (min(rows, extent.bottom - top), extent.width)) for top in tops)
        return any(self.rasterize(top, extent.left, shape).any() for top, shape in shapes)


def area_from_bbox(box: Sequence[float], crs: str | None) -> AreaOfInterest:
    """The box west, south, east, north; in `crs`, or in each scene's own coordinates.

    Raises:
        LatentclustError: No box, or a coordinate system that is not known.
    """
    if len(box) != BBOX_VALUES:
        raise LatentclustError.at("--bbox", f"{tuple(box)} is given", "Give west, south, east and north")
    if not (all(abs(each) <= FURTHEST for each in box) and box[0] < box[2] and box[1] < box[3]):
        said = " ".join(f"{each:g}" for each in box)
        fix = "Give west south east north, west < east and south < north; over the 180th meridian as in 170 -20 190 -10"
        raise LatentclustError.at("--bbox", f"{said} is no box", fix)
    west, south, east, north = box
    ring = np.array([(west, south), (east, south), (east, north), (west, north), (west, south)], float)
    system = None if crs is None else parse_crs(crs, "--bbox-crs")
    return _checked(AreaOfInterest(((ring,),), system, True, "--bbox"), "--bbox")


def area_from_file(path: Path) -> AreaOfInterest:
    """The polygons of a vector file: GeoJSON, or whatever pyogrio reads.

    Raises:
        LatentclustError: A file that is absent, damaged, or holds no polygon.
    """
    polygons, crs = read_polygons(path)
    if not polygons:
        raise LatentclustError.at(str(path), "holds no polygon", "Give a file of polygons with --geometry")
    system = None if crs is None else parse_crs(crs, str(path))
    return _checked(AreaOfInterest(tuple(polygons), system, False, "--geometry"), str(path))


def parse_crs(text: str, where: str) -> CRS:
    """A coordinate system by name; raises LatentclustError for none."""
    try:
        return CRS.from_user_input(text)
    except (CRSError, ValueError) as error:
        what = f"{text!r} is no coordinate system"
        raise LatentclustError.at(where, what, "Use one such as EPSG:4326") from error


def _checked(area: AreaOfInterest, where: str) -> AreaOfInterest:
    """An area of longitudes and latitudes, if it is said to be one; raises LatentclustError for other numbers."""
    turn = turn_of(area.crs) if area.crs else None
    if turn is None:
        return area
    points = np.concatenate([polygon[0] for polygon in area.polygons])
    beyond = (np.abs(points) > (turn, turn / 4)).any(axis=1)
    if beyond.any():
        x, y = points[beyond][0]
        what = f"{x:.10g}, {y:.10g} is no longitude and latitude, which {area.crs} has"
        raise LatentclustError.at(
            where, what, "Give degrees, longitude first, or say the coordinate system that it has"
        )
    return area
