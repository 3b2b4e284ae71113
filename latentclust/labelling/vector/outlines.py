"""Polygons of the regions of a label raster, drawn by GDAL in strips of rows and united across the strips by shapely.

GDAL could draw the complete raster, but would hold all polygons in memory and the interpreter's lock all the time.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio import features

from latentclust.labelling.vector.regions import RegionStrip, region_strips
from latentclust.labelling.vector.shared_borders import simplify_shared_borders
from latentclust.labelling.vector.uncompressed import UncompressedRaster

Outlines = tuple[NDArray[Any], NDArray[np.object_]]
"""The labels `(n,)` of regions and their shapely polygons `(n,)`."""


def outlines(labels: UncompressedRaster, rows: int | None = None, tolerance: float = 0.0) -> Iterator[Outlines]:
    """Yield the labels and the polygons of the regions that each strip of rows completes.

    Polygons are valid and have vertices only at corners. Coordinates are columns and rows, y downwards. Memory holds
    the pieces of the regions that continue in the next strip.

    With a tolerance, borders between regions are simplified, see `simplify_shared_borders`. Then the vertices of
    neighbours coincide, and borders keep a vertex where they cross from one strip into the next.

    Args:
        labels: The raster.
        rows: Number of rows per strip. Defaults to as many as memory allows.
        tolerance: Tolerance of the simplification in pixels. 0 keeps all corners.
    """
    names, values, pieces = np.zeros(0, np.int64), np.zeros(0, labels.dtype), np.zeros(0, np.object_)
    for strip in region_strips(labels.strips(rows)):
        names = np.concatenate((strip.rename(names), strip.names[1:]))
        values = np.concatenate((values, strip.labels[1:]))
        drawn = _draw(strip)
        if tolerance:
            drawn = simplify_shared_borders(drawn, labels, strip.top, len(strip.regions), tolerance)
        pieces = np.concatenate((pieces, drawn))
        waits = np.isin(names, strip.open)
        yield _unite(names[~waits], values[~waits], pieces[~waits], bool(tolerance))
        names, values, pieces = names[waits], values[waits], pieces[waits]
    yield _unite(names, values, pieces, bool(tolerance))


def _draw(strip: RegionStrip) -> NDArray[np.object_]:
    """Return the part of each region `(n,)` that lies in a strip."""
    shapes = list(features.shapes(strip.regions, strip.regions > 0, connectivity=4))
    polygons = np.empty(len(strip.labels) - 1, np.object_)
    if shapes:
        coordinates = [geometry["coordinates"] for geometry, _ in shapes]
        rings = list(chain.from_iterable(coordinates))
        points = np.add(list(chain.from_iterable(rings)), (0.0, strip.top))
        edges = shapely.linearrings(points, indices=_numbered(rings))
        polygons[[int(region) - 1 for _, region in shapes]] = shapely.polygons(edges, indices=_numbered(coordinates))
    return polygons


def _numbered(groups: list[list[object]]) -> NDArray[np.intp]:
    """Return the number of the group of each item."""
    return np.repeat(np.arange(len(groups)), [len(group) for group in groups])


def _unite(names: NDArray[np.int64], values: NDArray[Any], pieces: NDArray[np.object_], simplified: bool) -> Outlines:
    """Unite the pieces `(n,)` of equal names. Return the label and the polygon of each name."""
    order = np.argsort(names, kind="stable")
    _, first, counts = np.unique(names[order], return_index=True, return_counts=True)
    polygons = pieces[order][first]
    several = counts > 1
    parts = np.repeat(several, counts)
    groups = np.repeat(np.arange(np.count_nonzero(several)), counts[several])
    together = shapely.multipolygons(pieces[order][parts], indices=groups)
    # Unions keep the points where strips met. A ring that starts in its extreme point starts at a corner, which
    # matters because the start of a ring is not removed. Simplified neighbours share these points.
    united = shapely.normalize(shapely.union_all(together[:, np.newaxis], axis=1))
    polygons[several] = united if simplified else shapely.simplify(united, 0)
    return values[order][first], polygons
