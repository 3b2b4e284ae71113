"""Write a finished label raster as polygons in a GeoPackage: merge small regions, draw outlines, measure areas."""

import math
import tempfile
from collections.abc import Callable
from pathlib import Path

from latentclust.data.scenes.opening import raster
from latentclust.errors import InterruptedRunError, Issue, LatentclustError, raise_all
from latentclust.labelling.outputs.cog import write_errors
from latentclust.labelling.outputs.extras import check_extra
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.vector.geopackage import PolygonLayer, remove_geopackage
from latentclust.labelling.vector.ground_area import GroundArea, area_in_pixels
from latentclust.labelling.vector.outlines import outlines
from latentclust.labelling.vector.regions import count_regions
from latentclust.labelling.vector.sieve import sieve
from latentclust.labelling.vector.uncompressed import decompress_raster


def check_polygon_options(min_area: float, max_polygons: int) -> None:
    """Check the options of polygons before a run starts.

    Raises:
        LatentclustError: With all issues, if the area is negative or not finite, no polygon is allowed, or a library is
            missing.
    """
    issues = []
    if not 0 <= min_area < math.inf:
        what = f"must be a finite area of at least 0, got {min_area:g}"
        issues.append(Issue("--min-area", what, "Use 0 or more: m², or pixels if scenes have no CRS"))
    if max_polygons < 1:
        issues.append(Issue("--max-polygons", f"must be at least 1, got {max_polygons}", "Use 1 or more"))
    raise_all(issues)
    check_extra("vector")


def write_polygons(
    labels: Path,
    target: Path,
    legend: Legend,
    min_area: float,
    max_polygons: int,
    should_stop: Callable[[], bool] = lambda: False,
) -> int:
    """Write the regions of a label raster as polygons with class, name and area, and return their number.

    Small regions are first merged into their largest neighbours, see `sieve`. A polygon is a 4-connected region. Its
    area is planar in a projected CRS, ellipsoidal in a geographic one, and null otherwise. A raster without a
    transform, or with ground control points only, gets polygons in columns and rows, y downwards.

    Memory: strips of rows, and the pieces of regions that cross from one strip into the next. Temporary disk space in
    the folder of the target: the uncompressed raster and 26 bytes per region.

    Args:
        labels: A raster of uint8 or uint16. 0 is nodata and stays unchanged.
        target: The GeoPackage, under a temporary name. It is removed if anything fails.
        legend: Name and colour of every label.
        min_area: Area of the smallest region that is not merged, in square metres, rounded up to pixels; in pixels if
            areas are unknown. In a geographic CRS all pixels count as much as the one in the middle of the raster.
        max_polygons: Maximum number of polygons. Exceeding it is an error that is raised before any is drawn.
        should_stop: Returns True once the user asks to stop. Polled periodically.

    Raises:
        LatentclustError: If there are too many polygons, an option is invalid, a library is missing, the raster cannot
            be read, or a file cannot be written.
        InterruptedRunError: If the user asks to stop.
    """
    check_polygon_options(min_area, max_polygons)

    def check_stop() -> None:
        if should_stop():
            raise InterruptedRunError.at(str(target), "stopped", "Run the same command to resume")

    try:
        with write_errors(target), tempfile.TemporaryDirectory(prefix=".polygons-", dir=target.parent) as folder:
            with raster(labels) as file:
                ground = GroundArea.from_dataset(file)
                uncompressed = decompress_raster(file, Path(folder) / "labels", check_stop)
            sieve(uncompressed, area_in_pixels(min_area, ground.pixel_area), Path(folder))
            count = count_regions(uncompressed.strips())
            if count > max_polygons:
                what = f"would contain {count:,} polygons, but --max-polygons is {max_polygons:,}"
                fix = "Merge more small regions with a larger --min-area, or raise --max-polygons"
                raise LatentclustError.at(str(target), what, fix)
            remove_geopackage(target)
            layer = PolygonLayer(target, ground, legend)
            for found, polygons in outlines(uncompressed):
                layer.add(found, polygons)
            layer.finish()
    except BaseException:
        remove_geopackage(target)
        raise
    return count
