"""The grid of a mosaic: that of the first scene, extended to all of them, and the place of each scene in it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.io import DatasetReader
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform as transform_points
from rasterio.windows import Window

from latentclust.data.scenes.opening import raster
from latentclust.errors import LatentclustError
from latentclust.labelling.reference.resample import TOLERANCE
from latentclust.labelling.scenes.georeference import Georeference, shifted_transform
from latentclust.labelling.windows.stitch import NO_DATA
from latentclust.labelling.windows.strips import PixelBounds

POINTS_PER_SIDE = 21
"""Points of each row and column of a lattice, because sides bend in another coordinate reference system."""

SMALL_MOSAIC, MAX_EMPTY = 10**8, 100
"""Number of pixels above which a mosaic may have at most this many times the pixels of its scenes."""

LEAVE_OUT = "Leave the scene out, or label it without --mosaic"


@dataclass(frozen=True, slots=True)
class PlacedScene:
    """A labelled scene in the grid of a mosaic.

    Attributes:
        labels: Label raster.
        confidence: Raster of its confidence. None without one.
        bounds: Pixels of the mosaic that the scene can cover.
        resampled: Whether its pixels differ from those of the mosaic, so that nearest pixels are taken.
    """

    labels: Path
    confidence: Path | None
    bounds: PixelBounds
    resampled: bool

    def moved(self, top: int, left: int) -> "PlacedScene":
        """Return the scene in a grid that starts at another row and column."""
        old = self.bounds
        bounds = PixelBounds(old.top - top, old.left - left, old.bottom - top, old.right - left)
        return replace(self, bounds=bounds)


@dataclass(frozen=True, slots=True)
class MosaicGrid:
    """The grid of a mosaic.

    Attributes:
        where: Size and georeference.
        scenes: Scenes, in the order of the inputs.
    """

    where: Georeference
    scenes: tuple[PlacedScene, ...]

    @contextmanager
    def open(self, scene: PlacedScene, path: Path) -> Iterator[DatasetReader | WarpedVRT]:
        """Open one of the rasters of a scene, resampled to the grid if necessary."""
        with raster(path) as file:
            if not scene.resampled:
                yield file
                return
            (height, width), where = self.where.extent, self.where
            shape = {"crs": where.crs, "transform": where.transform, "height": height, "width": width}
            how = {"resampling": Resampling.nearest, "tolerance": TOLERANCE, "src_nodata": NO_DATA, "nodata": NO_DATA}
            with WarpedVRT(file, **shape, **how) as warped:
                yield warped

    def window(self, scene: PlacedScene, part: PixelBounds) -> Window:
        """Return the window of an opened raster of a scene that covers a part of the mosaic."""
        top, left = (0, 0) if scene.resampled else (scene.bounds.top, scene.bounds.left)
        return Window(part.left - left, part.top - top, part.width, part.height)


def plan_mosaic(scenes: Sequence[tuple[Path, Path | None]]) -> MosaicGrid:
    """Place scenes, given as rasters of labels and of confidence, in the grid of the first one.

    A scene whose pixels coincide with those of the grid within a hundredth of a pixel is copied. Others are resampled
    to it by nearest neighbour.

    Raises:
        LatentclustError: If a scene has no place in the grid, or the scenes are very far apart.
    """
    places = []
    for labels, _ in scenes:
        with raster(labels) as file:
            places.append(Georeference.from_dataset(file))
    return place_scenes(scenes, places)


def place_scenes(scenes: Sequence[tuple[Path, Path | None]], places: Sequence[Georeference]) -> MosaicGrid:
    """Place scenes as `plan_mosaic` does, whose sizes and georeferences are known. Nothing is opened."""
    first = places[0]
    found = []
    for (labels, confidence), where in zip(scenes, places, strict=True):
        if where.transform is None or where.points:
            raise LatentclustError.at(labels.name, "has no transform, and so no place in a mosaic", LEAVE_OUT)
        bounds, resampled = _place(where, first, labels)
        found.append(PlacedScene(labels, confidence, bounds, resampled))
    top, left = min(each.bounds.top for each in found), min(each.bounds.left for each in found)
    bottom, right = max(each.bounds.bottom for each in found), max(each.bounds.right for each in found)
    extent = (bottom - top, right - left)
    _check_size(extent, found)
    assert first.transform is not None, "all scenes have a transform"
    grid = Georeference(extent, shifted_transform(first.transform, top, left), first.crs, (), None)
    return MosaicGrid(grid, tuple(each.moved(top, left) for each in found))


def _place(where: Georeference, grid: Georeference, labels: Path) -> tuple[PixelBounds, bool]:
    """Return the pixels of the grid that a scene can cover, and whether it must be resampled."""
    assert where.transform is not None
    assert grid.transform is not None
    height, width = where.extent
    if where.crs == grid.crs:
        corners = np.array([(0, 0), (width, 0), (0, height), (width, height)], np.float64)
        placed = _apply(~grid.transform, _apply(where.transform, corners))
        left, top = np.rint(placed[0]).astype(int).tolist()
        if np.abs(placed - corners - (left, top)).max() < TOLERANCE:
            return PixelBounds(top, left, top + height, left + width), False
        if where.crs is not None:
            return _bounds(placed, 0), True
    if where.crs is None or grid.crs is None:
        what = "has another grid than the first scene, and one of the two has no coordinate reference system"
        raise LatentclustError.at(labels.name, what, LEAVE_OUT)
    points = _apply(where.transform, _lattice(height, width))
    return _bounds(_apply(~grid.transform, _reprojected(points, where, grid, labels)), 1), True


def _apply(transform: Affine, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return transformed points `(n, 2)`."""
    x, y = points.T
    to = transform
    return np.stack((to.a * x + to.b * y + to.c, to.d * x + to.e * y + to.f), axis=1)


def _lattice(height: int, width: int) -> NDArray[np.float64]:
    """Return columns and rows of points all over a raster `(n, 2)`: a pole inside it is not on its outline."""
    rows, columns = np.linspace(0, height, POINTS_PER_SIDE), np.linspace(0, width, POINTS_PER_SIDE)
    return np.stack([each.ravel() for each in np.meshgrid(columns, rows)], axis=1)


def _reprojected(
    points: NDArray[np.float64], where: Georeference, grid: Georeference, labels: Path
) -> NDArray[np.float64]:
    """Return points `(n, 2)` in the coordinate reference system of the grid."""
    try:
        found = np.stack(transform_points(where.crs, grid.crs, *points.T.tolist()), axis=1)
    except Exception as error:  # rasterio has no public class for GDAL's errors
        raise _no_place(labels, str(error).splitlines()[0]) from error
    if not np.isfinite(found).all():
        raise _no_place(labels, "a part of it is not in that system")
    return found


def _no_place(labels: Path, why: str) -> LatentclustError:
    what = f"cannot be placed in the coordinate reference system of the first scene ({why})"
    return LatentclustError.at(labels.name, what, LEAVE_OUT)


def _bounds(points: NDArray[np.float64], margin: int) -> PixelBounds:
    """Return the pixels around points `(n, 2)`, columns and rows, with `margin` more on each side."""
    left, top = (np.floor(points.min(axis=0)).astype(int) - margin).tolist()
    right, bottom = (np.ceil(points.max(axis=0)).astype(int) + margin).tolist()
    return PixelBounds(top, left, bottom, right)


def _check_size(extent: tuple[int, int], scenes: Sequence[PlacedScene]) -> None:
    """Raise LatentclustError if a mosaic would be large and almost empty."""
    pixels, covered = extent[0] * extent[1], sum(each.bounds.height * each.bounds.width for each in scenes)
    if pixels > max(SMALL_MOSAIC, MAX_EMPTY * covered):
        what = f"would have {extent[1]:,} x {extent[0]:,} pixels, of which scenes cover at most {covered / pixels:.2%}"
        raise LatentclustError.at("--mosaic", what, "Label scenes that are far apart into folders of their own")
