"""The table of zones next to a label raster, `NAME-zones.csv`: areas and shares of clusters or classes in each zone."""

import csv
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.io import DatasetReader

from latentclust.data.scenes.opening import raster
from latentclust.data.sources import decode_errors
from latentclust.errors import LatentclustError
from latentclust.labelling.area.area_of_interest import AreaOfInterest
from latentclust.labelling.area.polygon_mask import EDGE_TOLERANCE, Polygons
from latentclust.labelling.measure.area_table import number
from latentclust.labelling.measure.zone_file import ZoneFile
from latentclust.labelling.outputs.cog import write_errors
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.outputs.sidecars import AnyPath
from latentclust.labelling.vector.ground_area import GroundArea
from latentclust.labelling.windows.strips import PixelBounds

ZONE_TABLE_SUFFIX = "-zones.csv"
"""End of the name of the table of zones that belongs to a label raster."""

COLUMNS = ("zone", "value", "name", "area_m2", "share", "labelled")

NAMES_SHOWN = 10
"""Maximum number of zones that a warning names."""


class UnplacedZonesError(LatentclustError):
    """Raised if the position of zones in a label raster cannot be determined."""


@dataclass(frozen=True, slots=True)
class ZoneAreas:
    """The areas of the values of a label raster in every zone.

    Attributes:
        areas: Area of each value in each zone `(n, values)`, in square metres, or in pixels if areas are unknown.
        known: Whether areas are known in square metres.
        inside: Whether each zone has an area in the raster `(n,)`.
        beyond: Whether a part of each zone in the raster lies beyond it `(n,)`.
    """

    areas: NDArray[np.float64]
    known: bool
    inside: NDArray[np.bool_]
    beyond: NDArray[np.bool_]


def zone_table_path(labels: AnyPath) -> AnyPath:
    """Return the path of the table of zones that belongs to a label raster: `NAME-zones.csv`."""
    return labels.with_name(f"{labels.stem}{ZONE_TABLE_SUFFIX}")


def measure_zones(
    labels: Path, zones: ZoneFile, values: int, name: str, check_stop: Callable[[], None] = lambda: None
) -> ZoneAreas:
    """Measure each value of a label raster in every zone. Pixels on edges count by the fraction that is covered.

    Zones are reprojected to the raster, with their edges bent. Features of one zone that overlap count twice. Memory
    holds a batch of features, a square of pixels, and the areas of every zone.

    Args:
        labels: Label raster.
        zones: Zones in any CRS. Without one they are in that of the raster.
        values: Number of values of the raster, including 0 for nodata.
        name: Name of the scene, for messages.
        check_stop: Called periodically. Raises if the user asks to stop.

    Raises:
        UnplacedZonesError: If the raster has no transform, or a zone cannot be placed in it.
        LatentclustError: If a file cannot be read.
    """
    from latentclust.labelling.measure.zone_coverage import LabelCoverage

    areas = np.zeros((len(zones.names), values), np.float64)
    beyond = np.zeros(len(zones.names), np.bool_)
    with raster(labels) as file:
        if file.transform.is_identity or file.gcps[0]:
            what = "has no transform, which the coordinates of --zones require"
            raise UnplacedZonesError.at(name, what, "Leave --zones out for this scene")
        coverage = LabelCoverage(file, values, check_stop)
        for zone, feature in zones.polygons():
            polygons = _placed(feature, file, name)
            if len(polygons):
                areas[zone] += coverage.areas(polygons)
                beyond[zone] |= _reaches_beyond(polygons, coverage.bounds)
        known = GroundArea.from_dataset(file).pixel_area is not None
    inside = areas.sum(axis=1) > 0
    return ZoneAreas(areas, known, inside, beyond & inside)


def _placed(zone: AreaOfInterest, file: DatasetReader, name: str) -> Polygons:
    try:
        return zone.to_pixels(file, name)
    except LatentclustError as error:
        raise UnplacedZonesError(*error.issues) from error


def _reaches_beyond(polygons: Polygons, bounds: PixelBounds) -> bool:
    west, north, east, south = shapely.total_bounds(polygons)
    first = min(west - bounds.left, north - bounds.top)
    last = max(east - bounds.right, south - bounds.bottom)
    return bool(first < -EDGE_TOLERANCE or last > EDGE_TOLERANCE)


def write_zone_table(found: ZoneAreas, names: Sequence[str], legend: Legend, target: Path) -> None:
    """Write the table of the zones in a raster: one row for each zone and value. Other zones have no rows.

    Raises:
        LatentclustError: If the file cannot be written.
    """
    with write_errors(target), target.open("w", encoding="utf-8", newline="") as file:
        writer = _writer(file)
        for zone in np.flatnonzero(found.inside).tolist():
            total, valid = float(found.areas[zone].sum()), float(found.areas[zone, 1:].sum())
            for entry in legend.entries[1:]:
                area = float(found.areas[zone, list(entry.clusters)].sum())
                sums = (area if found.known else math.nan, area / valid if valid else math.nan, valid / total)
                writer.writerow((names[zone], entry.value, entry.name, *_cells(*sums)))


def zone_warnings(found: ZoneAreas, zones: ZoneFile) -> tuple[str, ...]:
    """Return sentences about the zones that have no rows, are cut or have no labelled pixels."""
    empty = found.inside & (found.areas[:, 1:].sum(axis=1) == 0)
    told = (
        (~found.inside, "outside the scene and without rows in the table of zones"),
        (found.beyond, "partly outside the scene, so that areas are those of the part inside"),
        (empty, "without labelled pixels"),
    )
    lines = [f"{_listed(which, zones.names)} {what}" for which, what in told if which.any()]
    if zones.left_out:
        lines.append(f"{zones.left_out:,} features of {zones.features.path.name} have no polygons and are left out")
    return tuple(lines)


def _listed(which: NDArray[np.bool_], names: Sequence[str]) -> str:
    """Return the number of some zones and the names of the first ones."""
    found = np.flatnonzero(which)
    shown = ", ".join(names[zone] for zone in found[:NAMES_SHOWN].tolist())
    more = ", …" if len(found) > NAMES_SHOWN else ""
    return f"{len(found):,} of {len(names):,} zones ({shown}{more}) {'is' if len(found) == 1 else 'are'}"


@dataclass(frozen=True, slots=True)
class ZoneRow:
    """A row of a table of zones.

    Attributes:
        zone: Name of the zone.
        value: Value in the label raster.
        name: Name of the cluster or class.
        area: Area in square metres. NaN if it is unknown.
        share: Share of the labelled area of the zone. NaN if no pixel is labelled.
        labelled: Share of the area of the zone in the raster that is labelled.
    """

    zone: str
    value: int
    name: str
    area: float
    share: float
    labelled: float


def read_zone_table(path: Path) -> Iterator[ZoneRow]:
    """Yield the rows of a table of zones. Raise LatentclustError if it is damaged."""
    fix = "Run the label command with --overwrite, which writes it again"
    with decode_errors(path, fix), path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            zone, value, name, *numbers = (row[column] for column in COLUMNS)
            area, share, labelled = (float(cell) if cell else math.nan for cell in numbers)
            yield ZoneRow(zone, int(value), name, area, share, labelled)


def rewrite_zone_table(clusters: Path, target: Path, legend: Legend) -> None:
    """Write a table of zones and clusters again with the values and names of a legend, whose clusters are merged.

    Args:
        clusters: Table of clusters.
        target: Table to be written.
        legend: Legend of clusters or of classes.

    Raises:
        LatentclustError: If the table is damaged or the file cannot be written.
    """
    with write_errors(target), target.open("w", encoding="utf-8", newline="") as file:
        writer = _writer(file)
        for zone, group in groupby(read_zone_table(clusters), lambda row: row.zone):
            rows = {row.value: row for row in group}
            for entry in legend.entries[1:]:
                parts = [rows[cluster] for cluster in entry.clusters if cluster in rows]
                if len(parts) != len(entry.clusters):
                    what = f"has no row for cluster {entry.clusters[0]} in zone {zone!r}"
                    raise LatentclustError.at(str(clusters), what, "Run the label command with --overwrite")
                sums = (math.fsum(row.area for row in parts), math.fsum(row.share for row in parts), parts[0].labelled)
                writer.writerow((zone, entry.value, entry.name, *_cells(*sums)))


def _cells(area: float, share: float, labelled: float) -> list[str]:
    """Return the cells of numbers; empty ones for NaN."""
    cells = ((area, "3f"), (share, "6f"), (labelled, "6f"))
    return [number(None if math.isnan(value) else value, digits) for value, digits in cells]


def _writer(file: TextIO) -> Any:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    return writer
