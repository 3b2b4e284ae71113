"""Write a finished label raster as polygons in a GeoPackage: merge small regions, draw outlines, measure areas."""

import math
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True, slots=True)
class PolygonOptions:
    """The options of polygons.

    Attributes:
        min_area: Minimum area of a region, in square metres, or in pixels without a coordinate reference system.
            Smaller regions are merged into a neighbour.
        max_polygons: Maximum number of polygons of a scene. Exceeding it is an error, raised before any is drawn.
        simplify: Tolerance of the simplification of borders, in metres, or in pixels without a coordinate reference
            system. 0 keeps the edges of pixels.
    """

    min_area: float
    max_polygons: int
    simplify: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Return the options as a JSON-serializable dict. A simplification of 0 is left out, as in earlier versions."""
        return {name: value for name, value in asdict(self).items() if name != "simplify" or value}


def check_polygon_options(options: PolygonOptions) -> None:
    """Check the options of polygons before a run starts.

    Raises:
        LatentclustError: With all issues, if the area or the tolerance is negative or not finite, no polygon is
            allowed, or a library is missing.
    """
    issues = []
    for option, value, unit in (("--min-area", options.min_area, "m²"), ("--simplify", options.simplify, "metres")):
        if not 0 <= value < math.inf:
            what = f"must be finite and at least 0, got {value:g}"
            issues.append(Issue(option, what, f"Use 0 or more: {unit}, or pixels if scenes have no CRS"))
    if options.max_polygons < 1:
        issues.append(Issue("--max-polygons", f"must be at least 1, got {options.max_polygons}", "Use 1 or more"))
    raise_all(issues)
    check_extra("vector")


def write_polygons(
    labels: Path,
    target: Path,
    legend: Legend,
    options: PolygonOptions,
    should_stop: Callable[[], bool] = lambda: False,
) -> int:
    """Write the regions of a label raster as polygons with class, name and area, and return their number.

    Small regions are first merged into their largest neighbours, see `sieve`. A polygon is a 4-connected region, whose
    borders with other regions may be simplified, see `simplify_shared_borders`. Its area is planar in a projected CRS,
    ellipsoidal in a geographic one, and null otherwise. A raster without a transform, or with ground control points
    only, gets polygons in columns and rows, y downwards.

    Memory: strips of rows, and the pieces of regions that cross from one strip into the next. Temporary disk space in
    the folder of the target: the uncompressed raster and 26 bytes per region.

    Args:
        labels: A raster of uint8 or uint16. 0 is nodata and stays unchanged.
        target: The GeoPackage, under a temporary name. It is removed if anything fails.
        legend: Name and colour of every label.
        options: Minimum area, number of polygons and simplification. The area is rounded up to pixels. In a geographic
            CRS all pixels count as much as the one in the middle of the raster.
        should_stop: Returns True once the user asks to stop. Polled periodically.

    Raises:
        LatentclustError: If there are too many polygons, an option is invalid, a library is missing, the raster cannot
            be read, or a file cannot be written.
        InterruptedRunError: If the user asks to stop.
    """
    check_polygon_options(options)

    def check_stop() -> None:
        if should_stop():
            raise InterruptedRunError.at(str(target), "stopped", "Run the same command to resume")

    try:
        with write_errors(target), tempfile.TemporaryDirectory(prefix=".polygons-", dir=target.parent) as folder:
            with raster(labels) as file:
                ground = GroundArea.from_dataset(file)
                uncompressed = decompress_raster(file, Path(folder) / "labels", check_stop)
            sieve(uncompressed, area_in_pixels(options.min_area, ground.pixel_area), Path(folder))
            count = count_regions(uncompressed.strips())
            _check_count(count, options.max_polygons, target)
            remove_geopackage(target)
            layer = PolygonLayer(target, replace(ground, diagonal=options.simplify > 0), legend)
            tolerance = options.simplify / math.sqrt(ground.pixel_area or 1)
            for found, polygons in outlines(uncompressed, tolerance=tolerance):
                layer.add(found, polygons)
            layer.finish()
    except BaseException:
        remove_geopackage(target)
        raise
    return count


def _check_count(count: int, most: int, target: Path) -> None:
    """Raise LatentclustError if there are too many polygons."""
    if count > most:
        what = f"would contain {count:,} polygons, but --max-polygons is {most:,}"
        fix = "Merge more small regions with a larger --min-area, or raise --max-polygons"
        raise LatentclustError.at(str(target), what, fix)
