"""A reference raster on the grid of a scene: unchanged if the grids agree, otherwise resampled."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rasterio.enums import Resampling
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT

from latentclust.data.rasters import Opened
from latentclust.data.scenes.grids import grid_of, is_placed, pixel_matrix
from latentclust.errors import LatentclustError

TOLERANCE = 0.01
"""Maximum difference in pixels between equal grids, and maximum position error of resampled pixels."""


@dataclass(frozen=True, slots=True)
class AlignedRaster:
    """A raster whose pixels coincide with those of the scene.

    Attributes:
        file: The open raster.
        description: Description of the alignment, one sentence.
    """

    file: Opened
    description: str


@contextmanager
def align_to_scene(
    reference: DatasetReader, path: Path, scene: DatasetReader, words: tuple[str, str] = ("reference", "scene")
) -> Iterator[AlignedRaster]:
    """Yield a reference on the scene's grid. Only the reference is resampled, never the prediction.

    Args:
        reference: The open reference.
        path: Path of the reference.
        scene: The open scene.
        words: What messages call the two rasters.

    Raises:
        LatentclustError: If the grids differ and one of them has no CRS or transform.
    """
    same_size = reference.shape == scene.shape
    what, base = words
    if is_placed(reference) and is_placed(scene):
        if same_size and reference.crs == scene.crs and _same_corners(reference, scene):
            yield AlignedRaster(reference, f"The {what} lies on the {base}'s grid.")
            return
        with _resampled(reference, path, scene, base) as warped:
            grids = f"from {_grid(reference)} to {_grid(scene)}"
            yield AlignedRaster(warped, f"The {what} was resampled to the {base}'s grid by nearest neighbour, {grids}.")
    elif same_size and _unplaced_agree(reference, scene):
        yield AlignedRaster(reference, "Compared pixel by pixel: not both rasters have a coordinate system.")
    else:
        problem = f"has {_grid(reference)}, but the {base} has {_grid(scene)}: their pixels cannot be matched"
        raise LatentclustError.at(
            str(path), problem, "Use two rasters with a CRS and a transform, or with the same grid"
        )


def _resampled(reference: DatasetReader, path: Path, scene: DatasetReader, base: str) -> WarpedVRT:
    """Resample the reference. Pixels that it does not cover are masked by its nodata value, or else by alpha."""
    how = {"resampling": Resampling.nearest, "tolerance": TOLERANCE, "add_alpha": reference.nodata is None}
    try:
        return WarpedVRT(reference, **grid_of(scene), **how)
    except Exception as error:  # rasterio has no public class for GDAL's errors
        what = f"cannot be resampled to the {base}'s grid ({str(error).splitlines()[0]:.100})"
        raise LatentclustError.at(str(path), what, "Warp it there with gdalwarp") from error


def _same_corners(one: DatasetReader, other: DatasetReader) -> bool:
    """Return whether the corners of two rasters of equal size coincide."""
    corners = np.array([(x, y, 1) for x in (0, one.width) for y in (0, one.height)]).T
    to_pixels = np.linalg.solve(pixel_matrix(other), pixel_matrix(one))
    return float(np.abs(to_pixels @ corners - corners).max()) < TOLERANCE


def _unplaced_agree(one: DatasetReader, other: DatasetReader) -> bool:
    """Return whether the transforms of two rasters of equal size agree or one is missing."""
    missing = one.transform.is_identity or other.transform.is_identity
    return missing or _same_corners(one, other)


def _grid(file: DatasetReader) -> str:
    """Return a description of the size and the CRS."""
    if not file.crs:
        return f"{file.width}x{file.height} pixels without a coordinate system"
    authority = file.crs.to_authority()
    system = ":".join(authority) if authority else "a coordinate system of its own"
    return f"{file.width}x{file.height} pixels in {system}"
