"""The table of areas next to a label raster, `NAME-areas.csv`: pixels, area and share of each cluster or class."""

import csv
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from latentclust.data.scenes.opening import raster
from latentclust.data.sources import decode_errors
from latentclust.files import write_atomic
from latentclust.labelling.measure.area_tally import AreaTally
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.outputs.sidecars import sidecar_paths
from latentclust.labelling.reference.blocks import split_into_blocks
from latentclust.labelling.vector.ground_area import GroundArea

COLUMNS = ("value", "name", "pixels", "area_m2", "share")


@dataclass(frozen=True, slots=True)
class ValueArea:
    """The area of a cluster or class.

    Attributes:
        value: Value in the label raster.
        name: Name of the cluster or class.
        pixels: Number of pixels.
        area_m2: Area in square metres. None if it is unknown.
        share: Share of the area of all labelled pixels, from 0 to 1. None if no pixel is labelled.
    """

    value: int
    name: str
    pixels: int
    area_m2: float | None
    share: float | None

    def row(self) -> dict[str, Any]:
        """Return the area as a JSON-serializable dict."""
        return asdict(self)


def write_area_table(labels: Path, legend: Legend, counts: Mapping[int, int]) -> None:
    """Write the table of areas of a finished label raster next to it.

    Areas are planar in a projected CRS, on the ellipsoid in a geographic one, and empty otherwise. Shares are then
    those of pixels.

    Args:
        labels: Label raster. It is read block by block if its CRS is geographic.
        legend: Legend of the raster.
        counts: Number of pixels of each value.

    Raises:
        LatentclustError: If the raster cannot be read, or the table cannot be written.
    """
    write_atomic(sidecar_paths(labels)[2], area_table_text(labels, legend, counts))


def area_table_text(labels: Path, legend: Legend, counts: Mapping[int, int]) -> str:
    """Return the text of the table of areas, see `write_area_table`. Raise LatentclustError as it does."""
    areas = _areas(labels, counts)
    rows = [(entry.value, entry.name, counts.get(entry.value, 0), areas[entry.value]) for entry in legend.entries[1:]]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for found in with_shares(rows):
        writer.writerow((found.value, found.name, found.pixels, number(found.area_m2, "3f"), number(found.share, "6f")))
    return text.getvalue()


def _areas(labels: Path, counts: Mapping[int, int]) -> dict[int, float | None]:
    """Return the area of each value in square metres, None if it is unknown."""
    with raster(labels) as file:
        ground = GroundArea.from_dataset(file)
        if ground.equal_area is None:
            each = ground.pixel_area
            return {value: None if each is None else count * each for value, count in counts.items()}
        tally = AreaTally(len(counts), ground)
        for block in split_into_blocks(file.height, file.width):
            window = block.window
            tally.add(file.read(1, window=window), window.row_off, window.col_off)
    return dict(enumerate(tally.areas.tolist()))


def with_shares(rows: Iterable[tuple[int, str, int, float | None]]) -> list[ValueArea]:
    """Return areas with their shares, given value, name, pixels and area. Unknown areas have shares of pixels."""
    found = list(rows)
    weights = np.array([pixels if area is None else area for _, _, pixels, area in found], float)
    total = float(weights.sum())
    shares = [weight / total if total else None for weight in weights.tolist()]
    return [ValueArea(*row, share) for row, share in zip(found, shares, strict=True)]


def read_area_table(path: Path) -> list[ValueArea]:
    """Read a table that `write_area_table` wrote. Raise LatentclustError if it is damaged."""
    fix = "Remove it and run the same command again, which writes it"
    with decode_errors(path, fix), path.open(encoding="utf-8", newline="") as file:
        cells = [[row[name] for name in COLUMNS] for row in csv.DictReader(file)]
        return [
            ValueArea(int(value), name, int(pixels), _parsed(area), _parsed(share))
            for value, name, pixels, area, share in cells
        ]


def total_areas(tables: Iterable[list[ValueArea]]) -> list[ValueArea]:
    """Add up the tables of several rasters of one model. The area is unknown if it is unknown in one of them.

    A value that has several names, because clusters were renamed between two rasters, has the one of the last table.
    """
    totals: dict[int, tuple[str, int, float]] = {}
    for each in chain.from_iterable(tables):
        _, pixels, area = totals.get(each.value, ("", 0, 0.0))
        more = math.nan if each.area_m2 is None else each.area_m2
        totals[each.value] = (each.name, pixels + each.pixels, area + more)
    known = not any(math.isnan(area) for _, _, area in totals.values())
    return with_shares((value, name, pixels, area if known else None) for value, (name, pixels, area) in totals.items())


def number(value: float | None, digits: str) -> str:
    """Return a number as text with a fixed number of decimals, such as `3f`; empty for None."""
    return "" if value is None else f"{value:.{digits}}"


def _parsed(cell: str) -> float | None:
    return float(cell) if cell else None
