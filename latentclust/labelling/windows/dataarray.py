"""Labels of an xarray DataArray, computed chunk by chunk if it is lazy."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentclust.data.band_names import find_bands
from latentclust.data.rasters import BandReading
from latentclust.data.scenes.scale_tags import combined, scale_curves
from latentclust.errors import LatentclustError
from latentclust.labelling.label_settings import LabelSettings, make_settings
from latentclust.labelling.scenes.reader import band_reading
from latentclust.labelling.windows.array_labels import array_label_type, label_array
from latentclust.labelling.windows.grid import Span
from latentclust.labelling.windows.strips import PixelBounds, overlapping_spans
from latentclust.labelling.windows.window_batches import ArrayWindows
from latentclust.model.model import ClusteringModel
from latentclust.specs.data import VOID

if TYPE_CHECKING:
    from xarray import DataArray

ERROR_PLACE = "DataArray"


def predict_dataarray(model: ClusteringModel, scene: "DataArray", *, seed: int = 0) -> "DataArray":
    """Label each pixel of a scene as `latentclust.label` does with its default options, but count clusters from 0.

    Windows are those of the whole scene. Each chunk of a Dask array reads the windows that overlap it when it is
    computed, so labels do not depend on the chunks, unless the inference samples. Needs latentclust[xarray].

    Args:
        model: Model of label maps.
        scene: All bands except alpha, with the values of the raster files. Bands are found by the names in its
            attribute `long_name` or in the coordinate of the bands; without names, they have the order of the files.
            It has three dimensions in any order, of which rioxarray recognizes x and y. NaN, infinities, `rio.nodata`
            and `data.nodata` of the recipe are nodata. Integers that rioxarray masked, and so turned into floats, are
            accepted.
        seed: Random seed of an inference that samples.

    Returns:
        Clusters `(y, x)`, -1 for nodata, with the scene's coordinates and coordinate reference system; int16, or int32
        if there are more than 32,767. The array is lazy if the scene is.

    Raises:
        LatentclustError: If the model labels whole images, the bands or the data type differ from those of the
            training data, a dimension is unknown, or the extra is not installed.
    """
    scene = ordered(scene)
    bands = _scaled(scene, _matched(scene, band_reading(model, "model")))
    nodata = None if scene.rio.nodata is None else float(scene.rio.nodata)
    dtype = _stored_type(scene, bands)
    labeller = _ArrayLabeller(make_settings(model, bands, seed=seed), dtype, nodata)
    label = _label_numpy if scene.chunks is None else _label_dask
    return _to_dataarray(label(labeller, scene.data), scene)


@dataclass(frozen=True, slots=True)
class _ArrayLabeller:
    """Settings for labelling the parts of one array.

    Attributes:
        settings: Settings, with the grid of the whole scene.
        dtype: NumPy name of the data type in the source file.
        nodata: Value of nodata pixels, or None if there is no such value.
    """

    settings: LabelSettings
    dtype: str
    nodata: float | None

    def label(
        self, values: NDArray[Any], rows: Sequence[Span], columns: Sequence[Span], bounds: PixelBounds
    ) -> NDArray[np.signedinteger[Any]]:
        """Label the pixels within `bounds` from the `values` `(c, h, w)` that the windows read."""
        top, left = _read_range(rows).start, _read_range(columns).start
        source = ArrayWindows(values, self.settings.bands, self.dtype, self.nodata, None, top, left)
        return label_array(self.settings, source, rows, columns, bounds, ERROR_PLACE)


def _read_range(spans: Sequence[Span]) -> slice:
    return slice(min(span.start for span in spans), max(span.stop for span in spans))


def _import_extra() -> None:
    """Import rioxarray, which adds `DataArray.rio`. Raise LatentclustError if a library of the extra is missing."""
    try:
        import_module("rioxarray")
    except ImportError as error:
        what = f"needs xarray and rioxarray, which cannot be imported ({error})"
        raise LatentclustError.at(ERROR_PLACE, what, "Run `pip install 'latentclust[xarray]'`") from error


def ordered(scene: "DataArray") -> "DataArray":
    """Return the scene as bands, rows and columns.

    Raises:
        LatentclustError: If it has other dimensions, or the extra is not installed.
    """
    _import_extra()
    from rioxarray.exceptions import MissingSpatialDimensionError
    from xarray import DataArray

    if not isinstance(scene, DataArray):
        what = f"must be an xarray.DataArray, got {type(scene).__name__}"
        raise LatentclustError.at(ERROR_PLACE, what, "Convert it, or use ClusteringModel.predict")
    dimensions = f"its dimensions are {', '.join(map(str, scene.dims))}"
    try:
        spatial = (scene.rio.y_dim, scene.rio.x_dim)
    except MissingSpatialDimensionError as error:
        fix = "Name rows y and columns x, or specify them with rio.set_spatial_dims"
        raise LatentclustError.at(ERROR_PLACE, dimensions, fix) from error
    others = [name for name in scene.dims if name not in spatial]
    if len(others) != 1:
        fix = "Give one dimension of bands in addition to rows and columns; expand_dims adds one"
        raise LatentclustError.at(ERROR_PLACE, dimensions, fix)
    return scene.transpose(*others, *spatial)


def _matched(scene: "DataArray", bands: BandReading) -> BandReading:
    """Return the bands with their positions in a scene. Raise LatentclustError if it has another number of bands."""
    count, label = scene.shape[0], scene.attrs.get("long_name")
    coordinate = scene.coords.get(scene.dims[0], ())
    named = label if isinstance(label, (tuple, list)) and len(label) == count else coordinate
    found = find_bands(bands.names, [str(name.item() if hasattr(name, "item") else name or "") for name in named])
    places = tuple(at + 1 for at in found if at is not None)
    if bands.names and len(set(places)) == len(bands.names):
        return replace(bands, bands=places)
    if count not in bands.counts or max(bands.bands) > count:
        trained = " or ".join(map(str, bands.counts))
        what = f"has {count} band(s), and the model was trained on {trained}"
        raise LatentclustError.at(ERROR_PLACE, what, "Give all bands of the raster except alpha, in their order")
    return bands


def _scaled(scene: "DataArray", bands: BandReading) -> BandReading:
    """Return the bands with the curves that bring stored values to the scale of the training data.

    rioxarray has scale and offset in the attributes `scale_factor` and `add_offset`, or if bands differ, `scales` and
    `offsets`.
    """
    count = scene.shape[0]
    scales = scene.attrs.get("scales", [scene.attrs.get("scale_factor", 1.0)] * count)
    offsets = scene.attrs.get("offsets", [scene.attrs.get("add_offset", 0.0)] * count)
    found = tuple((float(scales[band - 1]), float(offsets[band - 1])) for band in bands.bands)
    return replace(bands, curves=combined(scale_curves(found, bands.scales, False)))


def _stored_type(scene: "DataArray", bands: BandReading) -> str:
    """Return the data type of the values in their file. Raise LatentclustError if the model cannot read the scene."""
    dtype = str(scene.dtype)
    stored = str(scene.encoding.get("dtype", dtype)) if scene.dtype.kind == "f" else dtype
    scaled = (scene.encoding.get("scale_factor", 1.0), scene.encoding.get("add_offset", 0.0)) != (1.0, 0.0)
    if dtype in bands.types:
        return dtype
    if stored in bands.types and not scaled:
        return stored
    what = f"holds values of type {dtype}, and the model was trained on {' and '.join(bands.types)}"
    raise LatentclustError.at(ERROR_PLACE, what, "Give the values as they are in the raster files, unscaled")


def _label_numpy(labeller: _ArrayLabeller, values: Any) -> Any:
    grid, (height, width) = labeller.settings.grid, values.shape[1:]
    bounds = PixelBounds(0, 0, height, width)
    return labeller.label(np.asarray(values), grid.rows(height), grid.columns(width), bounds)


def _label_dask(labeller: _ArrayLabeller, values: Any) -> Any:
    """Return a Dask array with the chunks of `values`. Each chunk reads the windows that overlap it."""
    import dask.array
    from dask import delayed

    grid, (height, width) = labeller.settings.grid, values.shape[1:]
    all_rows, all_columns = grid.rows(height), grid.columns(width)
    shared = delayed(labeller, pure=False, traverse=False)
    label_type = array_label_type(labeller.settings.model.clusters)

    def chunk(down: tuple[int, int], across: tuple[int, int]) -> Any:
        rows, columns = overlapping_spans(all_rows, *down), overlapping_spans(all_columns, *across)
        part = values[:, _read_range(rows), _read_range(columns)]
        bounds = PixelBounds(down[0], across[0], down[1], across[1])
        computed = shared.label(part, rows, columns, bounds)
        return dask.array.from_delayed(computed, (bounds.height, bounds.width), label_type)

    chunks_across = _chunk_bounds(values.chunks[2])
    return dask.array.block(
        [[chunk(down, across) for across in chunks_across] for down in _chunk_bounds(values.chunks[1])]
    )


def _chunk_bounds(sizes: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return, for each chunk, its first pixel and the pixel after its last."""
    ends = np.cumsum(sizes).tolist()
    return list(zip([0, *ends], ends, strict=False))


def _to_dataarray(labels: Any, scene: "DataArray") -> "DataArray":
    """Return labels with the coordinates of rows and columns and the coordinate reference system of the scene."""
    from xarray import DataArray

    coords = {name: each for name, each in scene.coords.items() if set(each.dims) <= set(scene.dims[1:])}
    attributes = {"long_name": f"cluster, counted from 0; {VOID} is nodata"}
    labelled = DataArray(labels, coords, scene.dims[1:], name="cluster", attrs=attributes)
    result: DataArray = labelled.rio.write_nodata(VOID)
    if scene.rio.crs is not None:
        result = result.rio.write_crs(scene.rio.crs, scene.rio.grid_mapping)
    return result
