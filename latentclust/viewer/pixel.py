"""What is known about one pixel: its cluster, class, confidence, probabilities and the values of its bands."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.warp import transform as transform_points
from rasterio.windows import Window
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from latentclust.errors import LatentclustError
from latentclust.labelling.windows.stitch import NO_DATA, STEPS
from latentclust.viewer.legends import LEGEND_KINDS
from latentclust.viewer.map_state import MapState, map_state_of
from latentclust.viewer.placement import GEOGRAPHIC, Placement, applied
from latentclust.viewer.raster_pool import SCENE
from latentclust.viewer.responses import message_of
from latentclust.viewer.security import NO_STORE

Pixel = tuple[int, int]
"""Row and column, counted from 0."""


def pixel(request: Request) -> Response:
    """Return what is known at a longitude and latitude of the map as JSON."""
    state, index = map_state_of(request), request.path_params["index"]
    try:
        place = float(request.query_params["lon"]), float(request.query_params["lat"])
        if not all(map(math.isfinite, place)):
            raise ValueError
    except (KeyError, ValueError):
        raise LatentclustError.at("pixel", "needs lon and lat", "Click on the map") from None
    found: dict[str, Any] = {"problems": []}
    for kind in state.pool.kinds(index):
        try:
            found |= _facts(state, index, kind, place)
        except LatentclustError as error:
            found["problems"].append(f"{kind}: {message_of(error)}")
    return JSONResponse(found, headers=NO_STORE)


def pixel_at(where: Placement, lon: float, lat: float) -> Pixel | None:
    """Return the pixel of a raster at a longitude and latitude of the map, or None outside the raster."""
    xs, ys = transform_points(GEOGRAPHIC, where.crs, [lon], [lat])
    if not (math.isfinite(xs[0]) and math.isfinite(ys[0])):
        return None
    column, row = (math.floor(value) for value in applied(~where.transform, xs[0], ys[0]))
    height, width = where.size
    return (row, column) if 0 <= row < height and 0 <= column < width else None


def _facts(state: MapState, index: int, kind: str, place: tuple[float, float]) -> dict[str, Any]:
    """Return what one raster says about a place."""
    where = state.facts.placement(index, kind)
    at = pixel_at(where, *place)
    if at is None:
        return {}
    with state.pool.borrow(index, kind) as file:
        values = _values(file, at)
    if kind == SCENE:
        ranges = state.facts.ranges(index)
        bands = [{"name": band.name, "value": _plain(values[band.number - 1])} for band in ranges]
        return {"bands": bands, **_position(where, at)}
    value = int(np.ma.filled(values, NO_DATA)[0])
    if kind in LEGEND_KINDS:
        return {kind: _entry(state, index, kind, value), **_position(where, at)}
    if kind == "confidence":
        return {"confidence": _probability(value, _clusters(state, index))}
    return {"probabilities": [_share(int(each)) for each in np.ma.filled(values, NO_DATA)]}


def _position(where: Placement, at: Pixel) -> dict[str, Any]:
    """Return row and column, counted from 1, and the coordinates of the centre of a pixel in the CRS of its raster."""
    row, column = at
    found: dict[str, Any] = {"row": row + 1, "column": column + 1}
    if where.on_earth:
        found["coordinates"] = [float(f"{value:.10g}") for value in applied(where.transform, column + 0.5, row + 0.5)]
    return found


def _values(file: DatasetReader, at: Pixel) -> "np.ma.MaskedArray[Any, np.dtype[Any]]":
    """Return the values `(c,)` of all bands at a pixel. Nodata is masked."""
    row, column = at
    values: np.ma.MaskedArray[Any, np.dtype[Any]] = file.read(window=Window(column, row, 1, 1), masked=True)
    return values[:, 0, 0]


def _plain(value: Any) -> float | int | None:
    """Return a value for JSON: None for nodata and for values that JSON does not have."""
    if np.ma.is_masked(value) or not np.isfinite(value):
        return None
    number: NDArray[Any] = np.asarray(value).real
    return int(number) if number.dtype.kind in "ui" else float(number)


def _entry(state: MapState, index: int, kind: str, value: int) -> dict[str, Any] | None:
    """Return the entry of the legend for a value, or None for nodata."""
    if value == NO_DATA:
        return None
    entries = state.legends.get(index, kind).legend.entries
    if value >= len(entries):
        return {"value": value, "name": f"value {value}, which is not in the legend", "colour": "#808080"}
    return {"value": value, "name": entries[value].name, "colour": entries[value].hex}


def _clusters(state: MapState, index: int) -> int:
    """Return the number of clusters, or 0 if it is unknown."""
    try:
        return len(state.legends.get(index, "labels").legend.entries) - 1
    except LatentclustError:
        return 0


def _probability(value: int, clusters: int) -> float | None:
    """Return the probability of the chosen cluster that a byte of a confidence raster encodes, or None for nodata."""
    share = _share(value)
    chance = 1 / clusters if clusters > 1 else 0.0
    return None if share is None else round(chance + share * (1 - chance), 4)


def _share(value: int) -> float | None:
    """Return the share that a byte from 1 to 255 encodes, or None for nodata."""
    return None if value == NO_DATA else round((value - 1) / STEPS, 4)
