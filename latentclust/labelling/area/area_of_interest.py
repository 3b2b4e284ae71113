"""The area of interest that outputs are restricted to: a bounding box or polygons, in a CRS of their own."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.io import DatasetReader

from latentclust.errors import LatentclustError
from latentclust.labelling.area.crs_transform import CrsTransform, UndefinedTransformError, apply_affine, full_turn
from latentclust.labelling.area.polygon_file import MAX_COORDINATE, read_polygons
from latentclust.labelling.area.polygon_mask import PolygonMask, Polygons, clip, pixel_bounds
from latentclust.labelling.area.reprojection import to_pixel_polygons
from latentclust.labelling.windows.strips import PixelBounds

BBOX_VALUES = 4
"""Number of values in a bounding box."""

OGC = ("http://www.opengis.net/def/crs/", "https://www.opengis.net/def/crs/")
"""Beginnings of the addresses by which OGC names systems. GDAL knows them without the network."""


@dataclass(frozen=True, slots=True)
class AreaOfInterest:
    """The area that labels are restricted to.

    Attributes:
        polygons: Polygons of the area. Edges are straight in `crs`.
        crs: Coordinate reference system of `polygons`. None means the CRS of each scene.
        is_box: Whether the area is a bounding box. The output is then the rectangle of all pixels that it touches.
        option: Option that the area comes from, for messages.
    """

    polygons: tuple[shapely.Polygon, ...]
    crs: CRS | None
    is_box: bool
    option: str

    def to_json(self) -> dict[str, Any]:
        """Return the area as a JSON-serializable dict, with a hash in place of the polygons."""
        rings = ((polygon.exterior, *polygon.interiors) for polygon in self.polygons)
        text = json.dumps([[shapely.get_coordinates(ring).tolist() for ring in polygon] for polygon in rings])
        return {
            "shapes": hashlib.sha256(text.encode()).hexdigest(),
            "crs": self.crs.to_string() if self.crs else None,
            "box": self.is_box,
        }

    def pixels_in(self, file: DatasetReader, path: str) -> tuple[PixelBounds, PolygonMask | None] | None:
        """Return the bounds of a scene's pixels in the area, and the mask of those inside.

        Return None if the area contains no pixels of the scene. A bounding box has no mask.

        Args:
            file: Open scene.
            path: Name of the scene, for messages.

        Raises:
            LatentclustError: If the position of the area in the scene cannot be determined.
        """
        if file.transform.is_identity:
            what = f"has no transform, which the coordinates of {self.option} require"
            raise LatentclustError.at(path, what, f"Leave {self.option} out for this scene")
        # GDAL's rasterizer takes no coordinates far beyond the scene; one pixel of it keeps edges where they are.
        polygons = clip(self.to_pixels(file, path), (-1, -1, file.width + 1, file.height + 1))
        bounds = pixel_bounds(polygons, PixelBounds(0, 0, file.height, file.width))
        if bounds is None:
            return None
        if self.is_box:
            return bounds, None
        mask = PolygonMask(tuple(polygons))
        return (bounds, mask) if mask.covers_any(bounds) else None

    def to_pixels(self, file: DatasetReader, path: str) -> Polygons:
        """Return the polygons in columns and rows of a scene that has a transform. Those far from it may be dropped.

        Args:
            file: Open scene.
            path: Name of the scene, for messages.

        Raises:
            LatentclustError: If the position of the polygons in the scene cannot be determined.
        """
        polygons = np.array(self.polygons, object)
        if self.crs is None or (self.crs == file.crs and not self.crs.is_geographic):
            moved: Polygons = shapely.transform(polygons, lambda points: apply_affine(points, ~file.transform))
            return moved
        if file.crs is None:
            what = f"has no coordinate reference system, which {self.option} in {self.crs} requires"
            raise LatentclustError.at(path, what, f"Leave {self.option} out for this scene")
        try:
            return to_pixel_polygons(polygons, CrsTransform.into_raster(file, self.crs))
        except UndefinedTransformError as error:
            what = f"cannot determine where {self.option} lies in it: {error}"
            raise LatentclustError.at(path, what, f"Give {self.option} in the CRS of the scene") from error


def area_from_bbox(box: Sequence[float], crs: str | None) -> AreaOfInterest:
    """Return the area of a bounding box.

    Args:
        box: West, south, east and north.
        crs: Coordinate reference system of the box. None means the CRS of each scene.

    Raises:
        LatentclustError: If the box is invalid or the CRS is unknown.
    """
    if len(box) != BBOX_VALUES:
        what = f"expected 4 values, got {len(box)}: {tuple(box)}"
        raise LatentclustError.at("--bbox", what, "Give west, south, east and north")
    if not (all(abs(each) <= MAX_COORDINATE for each in box) and box[0] < box[2] and box[1] < box[3]):
        values = " ".join(f"{each:g}" for each in box)
        fix = "Give west south east north, west < east and south < north; over the 180th meridian as in 170 -20 190 -10"
        raise LatentclustError.at("--bbox", f"{values} is not a bounding box", fix)
    west, south, east, north = box
    polygon = shapely.Polygon([(west, south), (east, south), (east, north), (west, north)])
    system = None if crs is None else parse_crs(crs, "--bbox-crs")
    return check_degrees(AreaOfInterest((polygon,), system, True, "--bbox"), "--bbox")


def area_from_file(path: Path) -> AreaOfInterest:
    """Return the area of the polygons in a GeoJSON file, or in any vector file that pyogrio reads.

    Raises:
        LatentclustError: If the file is missing, damaged, or contains no polygons.
    """
    polygons, crs = read_polygons(path)
    if not polygons:
        raise LatentclustError.at(str(path), "contains no polygons", "Give a file of polygons with --geometry")
    system = None if crs is None else parse_crs(crs, str(path))
    return check_degrees(AreaOfInterest(tuple(polygons), system, False, "--geometry"), str(path))


def parse_crs(text: str, where: str) -> CRS:
    """Return a coordinate reference system by name, without reading a file or an address.

    Raises:
        LatentclustError: If it is unknown, or names a file or an address other than OGC's.
    """
    if not text.startswith(OGC) and ("://" in text or text.startswith(("/", ".", "@")) or _exists(text)):
        what = f"{text!r} names a file or an address, which is not read"
        raise LatentclustError.at(where, what, "Use a code such as EPSG:4326, or WKT")
    try:
        return CRS.from_user_input(text)
    except (CRSError, ValueError) as error:
        what = f"{text!r} is not a coordinate reference system"
        raise LatentclustError.at(where, what, "Use one such as EPSG:4326") from error


def _exists(text: str) -> bool:
    """Return whether a text is the path of a file. WKT is longer than a name of a file may be."""
    try:
        return Path(text).exists()
    except OSError:
        return False


def check_degrees(area: AreaOfInterest, where: str) -> AreaOfInterest:
    """Return an area. Raise LatentclustError if its CRS is geographic and its coordinates are not degrees."""
    turn = full_turn(area.crs) if area.crs else None
    if turn is None:
        return area
    points = shapely.get_coordinates(shapely.get_exterior_ring(area.polygons))
    beyond = (np.abs(points) > (turn, turn / 4)).any(axis=1)
    if beyond.any():
        x, y = points[beyond][0]
        what = f"{x:.10g}, {y:.10g} is not a longitude and latitude, which {area.crs} requires"
        raise LatentclustError.at(where, what, "Give degrees, longitude first, or name the CRS of the coordinates")
    return area
