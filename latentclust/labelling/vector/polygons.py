"""Polygons of a finished label raster: sieved, drawn in strips, and written as a GeoPackage."""

import math
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from latentclust.data.rasters import raster
from latentclust.errors import InterruptedRunError, Issue, LatentclustError, raise_all
from latentclust.labelling.outputs.cog import write_errors
from latentclust.labelling.outputs.extras import check_extra
from latentclust.labelling.vector.geopackage import Layer, discard
from latentclust.labelling.vector.ground_area import Ground
from latentclust.labelling.vector.outlines import outlines
from latentclust.labelling.vector.regions import count_regions
from latentclust.labelling.vector.sieve import sieve
from latentclust.labelling.vector.uncompressed import unpack


def check_vector(min_area: float, max_polygons: int) -> None:
    """What polygons need, before a run begins.

    Raises:
        LatentclustError: with every issue at once: an area below 0, no polygons at all, or a library that is missing.
    """
    issues = []
    if not 0 <= min_area < math.inf:
        what = f"{min_area:g} is no area"
        issues.append(Issue("--min-area", what, "Give 0 or more: m², or pixels without a coordinate system"))
    if max_polygons < 1:
        issues.append(Issue("--max-polygons", f"{max_polygons} allows no polygon", "Give 1 or more"))
    raise_all(issues)
    check_extra("vector")


def write_polygons(
    labels: Path,
    target: Path,
    names: Mapping[int, str],
    min_area: float,
    max_polygons: int,
    stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Writes the regions of a label raster as polygons with class, name and area; returns how many there are.

    Small regions are first merged into their largest neighbours, as `sieve` says. A polygon is a 4-connected region;
    its area is planar in a projected coordinate system, on the ellipsoid in a geographic one, and null in others. A
    raster without a transform, or with ground control points alone, gets polygons in columns and rows, y downwards.

    Memory: strips of rows, and the corners of the regions that cross from one into the next. Disk, beside the target
    while at work: the raster uncompressed, and 26 bytes a region.

    Args:
        labels: A raster of uint8 or uint16; 0 is no data, and stays so exactly.
        target: The GeoPackage, under a temporary name; it is removed where anything goes wrong.
        names: Of every label.
        min_area: Of the smallest region that is not merged: square metres, as many pixels as cover them; pixels where
            areas are not known. In a geographic system pixels are as large as the one in the middle of the raster.
        max_polygons: More are refused before any is drawn.
        stopping: Whether the user wants to stop; asked now and then.

    Raises:
        LatentclustError: Too many polygons, numbers that will not do, a library that is missing, a raster that cannot
            be read, or a file that cannot be written.
        InterruptedRunError: A stop was asked for.
    """
    check_vector(min_area, max_polygons)

    def asked() -> None:
        if stopping():
            raise InterruptedRunError.at(str(target), "stopped", "The same command goes on with it")

    try:
        with write_errors(target), tempfile.TemporaryDirectory(prefix=".polygons-", dir=target.parent) as folder:
            with raster(labels) as file:
                ground = Ground.of(file)
                unpacked = unpack(file, Path(folder) / "labels", asked)
            sieve(unpacked, pixels_of(min_area, ground.pixel), Path(folder))
            count = count_regions(unpacked.strips())
            if count > max_polygons:
                what = f"would hold {count:,} polygons, and --max-polygons is {max_polygons:,}"
                fix = "Merge more small regions with a larger --min-area, or raise --max-polygons"
                raise LatentclustError.at(str(target), what, fix)
            layer = Layer(target, ground, names)
            for found, polygons in outlines(unpacked):
                layer.add(found, polygons)
            layer.finish()
    except BaseException:
        discard(target)
        raise
    return count


def pixels_of(area: float, pixel: float | None) -> int:
    """How many pixels cover an area: square metres, of pixels of so many; pixels where that is None."""
    # Rounded, so that 0.3 m² of pixels of 0.1 m² are three pixels.
    return math.ceil(round(area / (pixel or 1), 6))
