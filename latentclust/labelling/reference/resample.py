"""A reference raster seen on the grid of a scene: as it is where the two agree, else through its nearest pixels."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT

from latentclust.data.rasters import Opened
from latentclust.errors import LatentclustError

TOLERANCE = 0.01
"""By how many pixels two grids may differ and be one, and how far a resampled pixel may be from where it should be."""


@dataclass(frozen=True, slots=True)
class Aligned:
    """A raster that has the scene's size, pixel upon pixel.

    Attributes:
        file: To be read by window.
        how: How it was brought there, a sentence.
    """

    file: Opened
    how: str


@contextmanager
def aligned(reference: DatasetReader, path: Path, scene: DatasetReader) -> Iterator[Aligned]:
    """A reference on the scene's grid; it is the reference that is resampled, never the prediction.

    Args:
        reference: Opened.
        path: Its file.
        scene: Opened.

    Raises:
        LatentclustError: Grids that differ, where one of them says no place on Earth.
    """
    same_size = reference.shape == scene.shape
    if _placed(reference) and _placed(scene):
        if same_size and reference.crs == scene.crs and _same_corners(reference, scene):
            yield Aligned(reference, "The reference lies on the scene's grid.")
            return
        with _resampled(reference, path, scene) as warped:
            grids = f"from {_grid(reference)} to {_grid(scene)}"
            yield Aligned(warped, f"The reference was resampled to the scene's grid by nearest neighbour, {grids}.")
    elif same_size and _unplaced_agree(reference, scene):
        yield Aligned(reference, "Compared pixel by pixel: not both rasters have a coordinate system.")
    else:
        what = f"is {_grid(reference)}, and the scene {_grid(scene)}: they cannot be laid upon one another"
        raise LatentclustError.at(str(path), what, "Give both a coordinate system and a transform, or the same grid")


def _resampled(reference: DatasetReader, path: Path, scene: DatasetReader) -> WarpedVRT:
    """The reference on the scene's grid; what it does not cover is masked by its nodata value, or else by alpha."""
    grid = {"crs": scene.crs, "transform": scene.transform, "height": scene.height, "width": scene.width}
    how = {"resampling": Resampling.nearest, "tolerance": TOLERANCE, "add_alpha": reference.nodata is None}
    try:
        return WarpedVRT(reference, **grid, **how)
    except Exception as error:  # GDAL's own errors have no public class
        what = f"cannot be brought to the scene's grid ({str(error).splitlines()[0]:.100})"
        raise LatentclustError.at(str(path), what, "Warp it there with gdalwarp") from error


def _placed(file: DatasetReader) -> bool:
    """Whether a coordinate system and a transform say where it lies; ground control points are not followed."""
    return bool(file.crs) and not file.transform.is_identity


def _same_corners(one: DatasetReader, other: DatasetReader) -> bool:
    """Whether the corners of two rasters of one size fall together."""
    corners = np.array([(x, y, 1) for x in (0, one.width) for y in (0, one.height)]).T
    to_pixels = np.linalg.solve(_matrix(other), _matrix(one))
    return float(np.abs(to_pixels @ corners - corners).max()) < TOLERANCE


def _matrix(file: DatasetReader) -> NDArray[np.float64]:
    """The transform from columns and rows, and 1, to coordinates."""
    return np.array(file.transform, np.float64).reshape(3, 3)


def _unplaced_agree(one: DatasetReader, other: DatasetReader) -> bool:
    """Whether two rasters of one size say nothing of their places that differs."""
    silent = one.transform.is_identity or other.transform.is_identity
    return silent or _same_corners(one, other)


def _grid(file: DatasetReader) -> str:
    """Size and coordinate system, in words."""
    if not file.crs:
        return f"{file.width}x{file.height} pixels without a coordinate system"
    authority = file.crs.to_authority()
    system = ":".join(authority) if authority else "a coordinate system of its own"
    return f"{file.width}x{file.height} pixels in {system}"
