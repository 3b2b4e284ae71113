"""A scene opened, and read window by window as the model was trained: its scaling, and no pixel that is no data."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import DatasetReader
from rasterio.windows import Window
from scipy.ndimage import distance_transform_edt

from latentclust.data.rasters import CACHE_BYTES, BandReading, Ranges, as_bytes, read_window
from latentclust.data.sources import decode_errors
from latentclust.errors import LatentclustError
from latentclust.labelling.scenes.addresses import strip_credentials
from latentclust.labelling.scenes.inputs import Scene, scene_from_file
from latentclust.labelling.scenes.vrt import build_vrt
from latentclust.labelling.windows.grid import Span
from latentclust.model.model import ClusteringModel
from latentclust.specs.parts import SceneDatasetSpec

GDAL_TIMEOUTS = {
    "GDAL_HTTP_CONNECTTIMEOUT": 30,
    "GDAL_HTTP_LOW_SPEED_TIME": 30,
    "GDAL_HTTP_LOW_SPEED_LIMIT": 1,
    "GDAL_HTTP_MAX_RETRY": 3,
    "GDAL_HTTP_RETRY_DELAY": 1,
}
"""GDAL's settings for scenes that come over a network, where the environment has none of its own; seconds, bytes/s."""

RETRAIN_FIX = "Train the model anew: files written by this version hold what is needed"


def band_reading(model: ClusteringModel, where: str) -> BandReading:
    """How a model reads the bands of scenes; one trained on image tiles reads all bands, of bytes.

    Raises:
        LatentclustError: A model of whole images, or a file that does not say how its training rasters were read.
    """
    if not model.per_pixel or len(model.raw_shape) != 3:
        what = "this model gives each image one cluster, and scenes are labelled pixel by pixel"
        raise LatentclustError.at(where, what, "Train a recipe of label maps, such as rmnp, or use latentclust predict")
    if model.bands is not None:
        return model.bands
    if isinstance(model.resolved.dataset, SceneDatasetSpec):
        what = "it was trained on rasters, and does not say which bands it reads and which values become 0 and 255"
        raise LatentclustError.at(where, what, RETRAIN_FIX)
    count = model.raw_shape[0]
    return BandReading(tuple(range(1, count + 1)), (), (count,), ("uint8",))


@contextmanager
def open_raster(scene: Scene | Path) -> Iterator[DatasetReader]:
    """A scene, or a file, opened; what GDAL says on opening becomes a LatentclustError that names it."""
    scene = scene_from_file(scene) if isinstance(scene, Path) else scene
    if scene.error:
        raise LatentclustError(scene.error)
    patience = {name: value for name, value in GDAL_TIMEOUTS.items() if name not in os.environ}
    with warnings.catch_warnings(), rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES, **patience):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with decoding_errors(scene.name):
            file = rasterio.open(build_vrt(scene.parts, scene.name) if scene.parts else scene.source)
        with file:
            yield file


@contextmanager
def decoding_errors(name: str) -> Iterator[None]:
    """What a decoder raises becomes a LatentclustError about `name`, and loses users, passwords and queries of URLs."""
    try:
        with decode_errors(name):
            yield
    except LatentclustError as error:
        # The cause would show them.
        raise LatentclustError(*(replace(each, what=strip_credentials(each.what)) for each in error.issues)) from None


def read_filled_window(
    file: DatasetReader, wanted: BandReading, row: Span, column: Span, name: str
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]] | None:
    """A window `(c, h, w)` as bytes and where it is data `(h, w)`; None where it is nowhere data.

    Pixels that are no data hold the values of the nearest one that is.

    Args:
        file: From `opened`.
        wanted: From `fit_bands`.
        row: Of the grid.
        column: Of the grid.
        name: Of the scene, for messages.

    Raises:
        LatentclustError: A file that is damaged here.
    """
    window = Window(column.start, row.start, column.stop - column.start, row.stop - row.start)
    with decoding_errors(name):
        values, valid = read_window(file, wanted.bands, window)
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
    """An image `(c, h, w)` whose pixels outside `valid` `(h, w)` are those of the nearest pixel inside."""
    nearest = distance_transform_edt(~valid, return_distances=False, return_indices=True)
    found: NDArray[np.uint8] = image[:, nearest[0], nearest[1]]
    return found
