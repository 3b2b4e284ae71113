"""Pixels, area and share of each entry of a legend: from the table of areas, or counted in the raster."""

from typing import Any

import numpy as np
from rasterio.io import DatasetReader

from latentclust.errors import LatentclustError
from latentclust.labelling.measure.area_table import ValueArea, read_area_table
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.outputs.sidecars import sidecar_paths
from latentclust.viewer.map_state import MapState
from latentclust.viewer.session import Session

COUNTED_SIDE = 2048
"""Largest number of rows and columns that are counted."""


def legend_rows(state: MapState, session: Session, index: int, kind: str) -> dict[str, Any]:
    """Return the legend of a raster with the area and share of each value, as JSON-serializable dict.

    Raises:
        LatentclustError: If there is no legend, or the raster cannot be read.
    """
    current = state.legends.get(index, kind)
    areas, exact = _areas(state, session, index, kind, current.legend)
    rows = []
    for row in current.legend.as_json():
        found = areas.get(row["value"])
        known = {"pixels": found.pixels, "area_m2": found.area_m2, "share": found.share} if found else {}
        rows.append({**row, **known})
    return {"rows": rows, "exact": exact, "version": current.version, "from_model": current.from_model}


def _areas(
    state: MapState, session: Session, index: int, kind: str, legend: Legend
) -> tuple[dict[int, ValueArea], bool]:
    """Return the area of each value, and whether all pixels were counted."""
    raster = session.scenes[index].rasters.get(kind)
    if raster is None:
        return {}, True
    table = sidecar_paths(raster)[2]
    if session.has_file(table):
        try:
            return {area.value: area for area in read_area_table(table)}, True
        except LatentclustError:
            pass  # The counts below are what the damaged table would say.
    with state.pool.borrow(index, kind) as file:
        return count(file, legend)


def count(file: DatasetReader, legend: Legend) -> tuple[dict[int, ValueArea], bool]:
    """Count the pixels of each value, in every n-th row and column of a raster of more than 2048 x 2048 pixels."""
    step = max(1, -(-max(file.height, file.width) // COUNTED_SIDE))
    values = file.read(1, out_shape=(-(-file.height // step), -(-file.width // step)))
    counts = np.bincount(values.ravel(), minlength=len(legend.entries))
    total = int(counts[1 : len(legend.entries)].sum())
    found = {
        entry.value: ValueArea(
            entry.value,
            entry.name,
            int(counts[entry.value]) * step * step,
            None,
            counts[entry.value] / total if total else None,
        )
        for entry in legend.entries[1:]
    }
    return found, step == 1
