"""Places of the pixels of one raster in another."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.warp import transform as transform_points

from latentclust.data.rasters import Opened

PLACES = 33
"""Number of rows and columns of the places of a raster that are looked up in another one."""


def is_placed(file: Opened) -> bool:
    """Return whether a raster has a CRS and a transform. Ground control points do not count."""
    return bool(file.crs) and not file.transform.is_identity


def grid_of(file: DatasetReader) -> dict[str, Any]:
    """Return CRS, transform, height and width of a raster, by which another one is resampled to its grid."""
    return {"crs": file.crs, "transform": file.transform, "height": file.height, "width": file.width}


def inner_places(
    file: DatasetReader, other: DatasetReader
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return columns and rows of places of a raster, spread from corner to corner, and which of them lie in another.

    Both rasters must be placed.
    """
    across, down = (np.linspace(0.5, size - 0.5, PLACES) for size in (file.width, file.height))
    columns, rows = (each.ravel() for each in np.meshgrid(across, down))
    x, y, _ = pixel_matrix(file) @ np.stack([columns, rows, np.ones_like(rows)])
    if other.crs != file.crs:
        x, y = (np.array(each) for each in transform_points(file.crs, other.crs, x, y)[:2])
    column, row, _ = np.linalg.solve(pixel_matrix(other), np.stack([x, y, np.ones_like(x)]))
    inside = (column >= 0) & (column <= other.width) & (row >= 0) & (row <= other.height)
    return columns, rows, np.asarray(inside)


def pixel_matrix(file: DatasetReader) -> NDArray[np.float64]:
    """Return the matrix from columns, rows and 1 to coordinates, `(3, 3)`."""
    return np.array(file.transform, np.float64).reshape(3, 3)
