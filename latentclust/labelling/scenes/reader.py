"""Read windows of scenes like those of the training data: scaled to bytes, with nodata filled."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window
from scipy.ndimage import distance_transform_edt

from latentclust.data.array_reading import ArrayReading
from latentclust.data.rasters import BYTES, REAL_TYPES, BandReading, Ranges, as_bytes, read_values
from latentclust.data.scenes.opening import decoding_errors
from latentclust.errors import LatentclustError
from latentclust.labelling.windows.grid import Span
from latentclust.model.model import ClusteringModel
from latentclust.specs.parts import SceneDatasetSpec

RETRAIN_FIX = "Retrain the model: files written by this version contain what is needed"


def band_reading(model: ClusteringModel, where: str) -> BandReading:
    """Return the bands and value ranges that a model reads. A model of image tiles reads all bands, as bytes.

    One of arrays with a value range reads values of this range, whatever their type.

    Raises:
        LatentclustError: If the model labels whole images, or its file does not contain the band reading of the
            training rasters.
    """
    if not model.per_pixel or len(model.raw_shape) != 3:
        what = "assigns one cluster to each image, and scenes are labelled pixel by pixel"
        raise LatentclustError.at(where, what, "Train a recipe of label maps, such as rmnp, or use latentclust predict")
    if model.bands is not None:
        return model.bands
    if isinstance(model.resolved.dataset, SceneDatasetSpec):
        what = (
            "was trained on rasters, and does not contain the bands that it reads and the values that become 0 and 255"
        )
        raise LatentclustError.at(where, what, RETRAIN_FIX)
    count = model.raw_shape[0]
    bands, scale = tuple(range(1, count + 1)), ArrayReading.of(model.resolved.dataset).range
    if scale is None or scale == BYTES:
        return BandReading(bands, (), (count,), ("uint8",))
    return BandReading(bands, (scale,) * count, (count,), REAL_TYPES)


def read_filled_window(
    file: DatasetReader, wanted: BandReading, row: Span, column: Span, name: str
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]] | None:
    """Read a window as bytes `(c, h, w)`, with its valid pixels `(h, w)`. Return None if no pixel is valid.

    Nodata pixels get the bytes of the nearest valid pixel.

    Args:
        file: Raster from `open_raster`.
        wanted: Band reading from `match_bands`.
        row: Row of the grid.
        column: Column of the grid.
        name: Name of the scene, for messages.

    Raises:
        LatentclustError: If the file is damaged in the window.
    """
    window = Window(column.start, row.start, column.stop - column.start, row.stop - row.start)
    with decoding_errors(name):
        values, valid = read_values(file, wanted, window)
    return fill_window(values, valid, wanted.ranges)


def fill_window(
    values: NDArray[Any], valid: NDArray[np.bool_], ranges: Ranges
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]] | None:
    """Return the values `(c, h, w)` of a window as filled bytes, and `valid` `(h, w)`; None if no pixel is valid.

    Nodata pixels get the bytes of the nearest valid pixel.
    """
    if not valid.any():
        return None
    image = as_bytes(values, valid, ranges)
    return (image if valid.all() else fill_nodata(image, valid)), valid


def fill_nodata(image: NDArray[np.uint8], valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return an image `(c, h, w)` whose pixels outside `valid` `(h, w)` are those of the nearest pixel inside."""
    nearest = distance_transform_edt(~valid, return_distances=False, return_indices=True)
    found: NDArray[np.uint8] = image[:, nearest[0], nearest[1]]
    return found
