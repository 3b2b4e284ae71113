"""Clusters of an xarray DataArray, computed chunk by chunk where it is lazy."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from latentclust.data.rasters import BandReading
from latentclust.errors import LatentclustError
from latentclust.labelling.scenes.reader import band_reading
from latentclust.labelling.windows.grid import Span, make_grid
from latentclust.labelling.windows.rectangle import RegionLabeller, stretch
from latentclust.model.model import ClusteringModel
from latentclust.specs.data import VOID

if TYPE_CHECKING:
    from xarray import DataArray

WHERE = "DataArray"


def predict_dataarray(model: ClusteringModel, scene: "DataArray", seed: int) -> "DataArray":
    """See `ClusteringModel.predict_dataarray`."""
    _import_extra()
    bands = band_reading(model, "model")
    ordered = _ordered(scene)
    grid = make_grid(model, None, None, "hann")
    nodata = None if ordered.rio.nodata is None else float(ordered.rio.nodata)
    labeller = RegionLabeller(model, bands, _type(ordered, bands), nodata, grid, seed)
    rows, columns = grid.rows(ordered.shape[1]), grid.columns(ordered.shape[2])
    compute = _eagerly if ordered.chunks is None else _lazily
    return _dressed(compute(labeller, ordered.data, rows, columns), ordered)


def _import_extra() -> None:
    """Raises LatentclustError where a library of the extra is missing; importing rioxarray adds `DataArray.rio`."""
    try:
        import_module("rioxarray")
    except ImportError as error:
        what = f"xarray and rioxarray are needed ({error})"
        raise LatentclustError.at(WHERE, what, "Run `pip install 'latentclust[xarray]'`") from error


def _ordered(scene: "DataArray") -> "DataArray":
    """The scene as bands, rows and columns; raises LatentclustError where it has other dimensions."""
    from rioxarray.exceptions import MissingSpatialDimensionError
    from xarray import DataArray

    if not isinstance(scene, DataArray):
        raise LatentclustError.at(WHERE, f"{type(scene).__name__} is given", "Give an xarray.DataArray, or use predict")
    said = f"its dimensions are {', '.join(map(str, scene.dims))}"
    try:
        place = (scene.rio.y_dim, scene.rio.x_dim)
    except MissingSpatialDimensionError as error:
        fix = "Name rows y and columns x, or say which they are with rio.set_spatial_dims"
        raise LatentclustError.at(WHERE, said, fix) from error
    others = [name for name in scene.dims if name not in place]
    if len(others) != 1:
        raise LatentclustError.at(WHERE, said, "Give one of bands beside rows and columns; expand_dims adds one")
    return scene.transpose(*others, *place)


def _type(scene: "DataArray", bands: BandReading) -> str:
    """The type of the values in their file; raises LatentclustError for bands or values that the model cannot read."""
    count = scene.shape[0]
    if count not in bands.counts:
        trained = " or ".join(map(str, bands.counts))
        what = f"has {count} band(s), and the model was trained on {trained}"
        raise LatentclustError.at(WHERE, what, "Give all bands of the raster but alpha, in their order")
    kind = str(scene.dtype)
    stored = str(scene.encoding.get("dtype", kind)) if scene.dtype.kind == "f" else kind
    scaled = (scene.encoding.get("scale_factor", 1.0), scene.encoding.get("add_offset", 0.0)) != (1.0, 0.0)
    if kind in bands.types:
        return kind
    if stored in bands.types and not scaled:
        return stored
    what = f"holds values of type {kind}, and the model was trained on {' and '.join(bands.types)}"
    raise LatentclustError.at(WHERE, what, "Give the values as they are in the raster files, unscaled")


def _eagerly(labeller: RegionLabeller, values: Any, rows: list[Span], columns: list[Span]) -> Any:
    height, width = values.shape[1:]
    return labeller.label(np.asarray(values), stretch(rows, 0, height), stretch(columns, 0, width))


def _lazily(labeller: RegionLabeller, values: Any, rows: list[Span], columns: list[Span]) -> Any:
    """A Dask array with the chunks of `values`; each reads the windows that reach into it."""
    import dask.array
    from dask import delayed

    shared = delayed(labeller, pure=False, traverse=False)

    def chunk(down: tuple[int, int], right: tuple[int, int]) -> Any:
        tall, wide = stretch(rows, *down), stretch(columns, *right)
        part = values[:, tall.start : tall.stop, wide.start : wide.stop]
        shape = (down[1] - down[0], right[1] - right[0])
        return dask.array.from_delayed(shared.label(part, tall, wide), shape, labeller.label_type)

    across = _bounds(values.chunks[2])
    return dask.array.block([[chunk(down, right) for right in across] for down in _bounds(values.chunks[1])])


def _bounds(sizes: tuple[int, ...]) -> list[tuple[int, int]]:
    """The first pixel of each chunk, and the one after its last."""
    ends = np.cumsum(sizes).tolist()
    return list(zip([0, *ends], ends, strict=False))


def _dressed(labels: Any, scene: "DataArray") -> "DataArray":
    """Labels with the coordinates of rows and columns, and with the coordinate system."""
    from xarray import DataArray

    coords = {name: each for name, each in scene.coords.items() if set(each.dims) <= set(scene.dims[1:])}
    attributes = {"long_name": f"cluster, counted from 0; {VOID} is no data"}
    labelled = DataArray(labels, coords, scene.dims[1:], name="cluster", attrs=attributes)
    found: DataArray = labelled.rio.write_nodata(VOID)
    if scene.rio.crs is not None:
        found = found.rio.write_crs(scene.rio.crs, scene.rio.grid_mapping)
    return found
