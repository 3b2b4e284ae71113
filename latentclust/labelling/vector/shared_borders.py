"""Simplify the borders between polygons once for both sides, strip by strip; Visvalingam and Whyatt 1993.

GEOS simplifies a complete coverage in memory. Here each strip of rows is a coverage whose outer edge stays, so that the
pieces of a region still meet where strips do.
"""

import numpy as np
import shapely
from jaxtyping import Bool
from numpy.typing import NDArray

from latentclust.labelling.vector.ground_area import Polygons
from latentclust.labelling.vector.uncompressed import UncompressedRaster


def simplify_shared_borders(
    pieces: Polygons, labels: UncompressedRaster, top: int, rows: int, tolerance: float
) -> Polygons:
    """Return the pieces `(n,)` of regions in a strip with fewer vertices on the borders between regions.

    Corners are removed in the order of the areas of the triangles that they form with their neighbours, up to an area
    of about `tolerance` squared. Points where at least three borders meet stay, and so do the borders with nodata, with
    the edge of the raster and with other strips. No two borders cross, and vertices of neighbours coincide.

    Args:
        pieces: Pieces of all regions in the strip, in columns and rows, with vertices at all corners.
        labels: The raster.
        top: First row of the strip.
        rows: Number of rows of the strip.
        tolerance: Side of a square with the area of the largest triangle that is removed, in pixels.
    """
    if not len(pieces):
        return pieces
    noded = _with_junctions(pieces, find_junctions(_padded(labels, top, rows)), top)
    simplified: Polygons = shapely.coverage_simplify(noded, tolerance, simplify_boundary=False)
    return simplified


def find_junctions(padded: NDArray[np.unsignedinteger]) -> Bool[np.ndarray, " h1 w1"]:
    """Return at which corners of pixels `(h + 1, w + 1)` at least three borders meet, given labels `(h + 2, w + 2)`."""
    edges = padded[:-1] != padded[1:], padded[:, :-1] != padded[:, 1:]
    meeting = edges[0][:, :-1].astype(np.int8) + edges[0][:, 1:] + edges[1][:-1] + edges[1][1:]
    found: NDArray[np.bool_] = meeting > 2
    return found


def _padded(labels: UncompressedRaster, top: int, rows: int) -> NDArray[np.unsignedinteger]:
    """Return the labels of a strip and of the pixels around it, `(rows + 2, width + 2)`; 0 outside the raster."""
    height, width = labels.extent
    first, last = max(0, top - 1), min(height, top + rows + 1)
    padded = np.zeros((rows + 2, width + 2), labels.dtype)
    padded[first - top + 1 : last - top + 1, 1:-1] = labels.read_rows(first, last - first)
    return padded


def _with_junctions(polygons: Polygons, junctions: NDArray[np.bool_], top: int) -> Polygons:
    """Insert a vertex into the edges of polygons, which are parallel to the axes, wherever they pass a junction."""
    kind, points, (rings, parts) = shapely.to_ragged_array(polygons)
    points = points.astype(np.int32)
    last = np.zeros(len(points), np.bool_)
    last[rings[1:] - 1] = True
    steps = np.diff(points, axis=0, append=points[-1:])
    steps[last] = 0
    lengths = np.maximum(1, np.abs(steps).sum(axis=1))
    starts = np.cumsum(lengths) - lengths
    along = np.arange(lengths.sum()) - np.repeat(starts, lengths)
    corners = np.repeat(points, lengths, axis=0) + np.repeat(np.sign(steps), lengths, axis=0) * along[:, np.newaxis]
    kept = (along == 0) | junctions[corners[:, 1] - top, corners[:, 0]]
    before = np.concatenate(([0], np.cumsum(kept)))
    bounds = before[np.concatenate((starts, [len(kept)]))][rings]
    noded: Polygons = shapely.from_ragged_array(kind, corners[kept].astype(np.float64), (bounds, parts))
    return noded
