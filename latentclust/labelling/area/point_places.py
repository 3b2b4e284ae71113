"""The places of points in a raster."""

import numpy as np
from rasterio.crs import CRS
from rasterio.io import DatasetReader

from latentclust.labelling.area.crs_transform import CrsTransform, UndefinedTransformError, apply_affine
from latentclust.labelling.area.polygon_mask import Points


def points_to_pixels(points: Points, crs: CRS | None, file: DatasetReader) -> Points:
    """Return columns and rows of points; NaN for those without a place in the CRS of the raster.

    Args:
        points: Points `(n, 2)`.
        crs: Their coordinate reference system. None means that of the raster.
        file: Open raster with a transform.
    """
    if crs is None or file.crs is None:
        return apply_affine(points, ~file.transform)
    transform = CrsTransform.into_raster(file, crs)
    centre = transform.to_coordinates(np.array([(file.width / 2, file.height / 2)]))
    try:
        placed = transform.to_raster(points)
    except UndefinedTransformError:
        placed = np.concatenate([_placed(transform, point) for point in points[:, np.newaxis]])
    return transform.to_pixels(transform.nearest_wrap(placed, np.broadcast_to(centre, placed.shape)))


def _placed(transform: CrsTransform, point: Points) -> Points:
    """Return one point in the coordinates of the raster, or NaN if it has no place there."""
    try:
        return transform.to_raster(point)
    except UndefinedTransformError:
        return np.full((1, 2), np.nan)
