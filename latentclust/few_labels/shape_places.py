"""The pixels of a scene that lie in labelled shapes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from jaxtyping import Bool
from numpy.typing import NDArray
from rasterio.io import DatasetReader

from latentclust.data.subset import spread_indices
from latentclust.errors import LatentclustError
from latentclust.few_labels.label_shapes import POINT, LabelShapes
from latentclust.labelling.accuracy.reference_units import check_placed
from latentclust.labelling.area.area_of_interest import AreaOfInterest
from latentclust.labelling.area.point_places import points_to_pixels
from latentclust.labelling.area.polygon_mask import PolygonMask, Polygons, clip, pixel_bounds
from latentclust.labelling.area.polygon_tiles import TILE, split_into_tiles
from latentclust.labelling.windows.strips import PixelBounds

MAX_SQUARES = 16
"""Maximum number of squares of `TILE` pixels that are read of a polygon in a scene, evenly spread over it."""

FEW_PIXELS = 9
"""Area in pixels from which a polygon contains the centre of a pixel, unless it is very thin."""


@dataclass(frozen=True, slots=True)
class ShapePart:
    """The part of a labelled shape in a square of a scene.

    Attributes:
        unit: Number of the shape.
        square: Number of the square's row and column.
        bounds: Pixels that it touches.
        polygons: Polygons in columns and rows. None for a single pixel.
    """

    unit: int
    square: tuple[int, int]
    bounds: PixelBounds
    polygons: Polygons | None

    def inside(self) -> Bool[np.ndarray, "h w"]:
        """Return which pixels of `bounds` have their centre inside."""
        shape = (self.bounds.height, self.bounds.width)
        if self.polygons is None:
            return np.ones(shape, bool)
        return PolygonMask(tuple(self.polygons)).rasterize(self.bounds.top, self.bounds.left, shape)


def check_scene(file: DatasetReader, name: str, shapes: LabelShapes) -> None:
    """Raise LatentclustError if the places of shapes in a scene are unknown: a CRS or the transform is missing."""
    check_placed(file, Path(name), shapes.layer)
    if shapes.layer.crs is None and file.crs is not None:
        what = f"has no coordinate reference system, but {Path(name).name} is in {file.crs}"
        raise LatentclustError.at(str(shapes.layer.path), what, "Set it: ogr2ogr -a_srs EPSG:CODE, or in QGIS")


def parts_in_scene(
    file: DatasetReader, name: str, shapes: LabelShapes, units: Sequence[NDArray[np.object_]], first: int
) -> tuple[list[ShapePart], int]:
    """Return the parts of shapes in a scene, and the number of polygons of which only some squares are read.

    Args:
        file: Open scene.
        name: Its name, for messages.
        shapes: Shapes of which `units` are some.
        units: Geometries of consecutive units.
        first: Number of the first of them.
    """
    parts: list[ShapePart] = []
    dimensions = [int(shapely.get_dimensions(unit[0])) for unit in units]
    is_point = np.array([dimension == POINT for dimension in dimensions], bool)
    if is_point.any():
        points = shapely.get_coordinates([unit[0] for unit, point in zip(units, is_point, strict=True) if point])
        places = points_to_pixels(points, shapes.layer.crs, file)
        numbers = first + np.flatnonzero(is_point)
        found = (_pixel(file, unit, *place) for unit, place in zip(numbers.tolist(), places.tolist(), strict=True))
        parts += [part for part in found if part]
    thinned = 0
    for at in np.flatnonzero(~is_point).tolist():
        area = AreaOfInterest(tuple(units[at]), shapes.layer.crs, False, str(shapes.layer.path))
        squares = _squares(file, first + at, area.to_pixels(file, name))
        thinned += len(squares) > MAX_SQUARES
        if squares:
            parts += [squares[one] for one in spread_indices(len(squares), MAX_SQUARES).tolist()]
    return parts, thinned


def _squares(file: DatasetReader, unit: int, polygons: Polygons) -> list[ShapePart]:
    """Return the parts of a polygon by square. One that contains no centre of a pixel is the pixel that it lies in."""
    whole = PixelBounds(0, 0, file.height, file.width)
    inside = clip(polygons, (0, 0, file.width, file.height)) if len(polygons) else polygons
    bounds = pixel_bounds(inside, whole) if len(inside) else None
    if bounds is None:
        return []
    if shapely.area(inside).sum() < FEW_PIXELS and not PolygonMask(tuple(inside)).covers_any(bounds):
        ((column, row),) = shapely.get_coordinates(shapely.point_on_surface(inside[shapely.area(inside).argmax()]))
        pixel = _pixel(file, unit, column, row)
        return [pixel] if pixel else []
    found = []
    for square, part in split_into_tiles(inside, whole):
        touched = pixel_bounds(part, square)
        if touched is not None:
            found.append(ShapePart(unit, (square.top // TILE, square.left // TILE), touched, part))
    return found


def _pixel(file: DatasetReader, unit: int, column: float, row: float) -> ShapePart | None:
    """Return the pixel at a place, or None outside the scene."""
    if not (0 <= column < file.width and 0 <= row < file.height):
        return None
    top, left = int(row), int(column)
    return ShapePart(unit, (top // TILE, left // TILE), PixelBounds(top, left, top + 1, left + 1), None)
