"""Open scenes and read their windows like those of the training data: scaled to bytes, with nodata filled."""

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
"""GDAL settings for scenes on a network, if the environment does not set them; in seconds and bytes per second."""

RETRAIN_FIX = "Retrain the model: files written by this version contain what is needed"


def band_reading(model: ClusteringModel, where: str) -> BandReading:
    """Return the bands and value ranges that a model reads. A model of image tiles reads all bands, as bytes.

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
    return BandReading(tuple(range(1, count + 1)), (), (count,), ("uint8",))


@contextmanager
def open_raster(scene: Scene | Path) -> Iterator[DatasetReader]:
    """Open a scene or a file. Errors of GDAL become a LatentclustError that names the scene."""
    scene = scene_from_file(scene) if isinstance(scene, Path) else scene
    if scene.error:
        raise LatentclustError(scene.error)
    timeouts = {name: value for name, value in GDAL_TIMEOUTS.items() if name not in os.environ}
    with warnings.catch_warnings(), rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES, **timeouts):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with decoding_errors(scene.name):
            file = rasterio.open(build_vrt(scene.parts, scene.name) if scene.parts else scene.source)
        with file:
            yield file


@contextmanager
def decoding_errors(name: str) -> Iterator[None]:
    """Convert errors of decoders to a LatentclustError about `name`, without credentials and queries of URLs."""
    try:
        with decode_errors(name):
            yield
    except LatentclustError as error:
        # The cause would show the credentials.
        raise LatentclustError(*(replace(each, what=strip_credentials(each.what)) for each in error.issues)) from None


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
    """Return an image `(c, h, w)` whose pixels outside `valid` `(h, w)` are those of the nearest pixel inside."""
    nearest = distance_transform_edt(~valid, return_distances=False, return_indices=True)
    found: NDArray[np.uint8] = image[:, nearest[0], nearest[1]]
    return found
