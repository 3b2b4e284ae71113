"""A scene read window by window as the model was trained: its bands, its scaling, and no pixel that is no data."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import DatasetReader
from rasterio.windows import Window
from scipy.ndimage import distance_transform_edt

from latentclust.errors import LatentclustError
from latentclust.labelling.windows import Span
from latentclust.model import ClusteringModel
from latentclust.rasters import CACHE_BYTES, BandReading, as_bytes, bands_of, read_window
from latentclust.sources import reading
from latentclust.specs import SceneDatasetSpec

ANEW = "Train the model anew: files written by this version hold what is needed"


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
        raise LatentclustError.at(where, what, ANEW)
    count = model.raw_shape[0]
    return BandReading(tuple(range(1, count + 1)), (), (count,), ("uint8",))


@contextmanager
def opened(path: Path) -> Iterator[DatasetReader]:
    """A scene opened; only what its decoder raises on opening becomes a LatentclustError that names it."""
    with warnings.catch_warnings(), rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with reading(path):
            file = rasterio.open(path)
        with file:
            yield file


def check_bands(file: DatasetReader, wanted: BandReading, path: Path) -> None:
    """Raises LatentclustError where a scene has other bands or another type of values than the training data."""
    count = len(bands_of(file))
    if count not in wanted.counts:
        trained = " or ".join(str(each) for each in wanted.counts)
        what = f"has {count} band(s), and the model was trained on {trained}"
        raise LatentclustError.at(str(path), what, "Bring it to the bands of the training data, in their order")
    kinds = sorted({file.dtypes[band - 1] for band in wanted.bands} - set(wanted.types))
    if kinds:
        what = f"holds values of type {kinds[0]}, and the model was trained on {' and '.join(wanted.types)}"
        raise LatentclustError.at(str(path), what, "Convert it to the type and the scale of the training data")


def read_filled(
    file: DatasetReader, wanted: BandReading, row: Span, column: Span, path: Path
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]] | None:
    """A window `(c, h, w)` as bytes and where it is data `(h, w)`; None where it is nowhere data.

    Pixels that are no data hold the values of the nearest one that is.

    Raises:
        LatentclustError: A file that is damaged here.
    """
    window = Window(column.start, row.start, column.stop - column.start, row.stop - row.start)
    with reading(path):
        values, valid = read_window(file, wanted.bands, window)
    if not valid.any():
        return None
    image = as_bytes(values, valid, wanted.ranges)
    return (image if valid.all() else filled(image, valid)), valid


def filled(image: NDArray[np.uint8], valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """An image `(c, h, w)` whose pixels outside `valid` `(h, w)` are those of the nearest pixel inside."""
    nearest = distance_transform_edt(~valid, return_distances=False, return_indices=True)
    found: NDArray[np.uint8] = image[:, nearest[0], nearest[1]]
    return found
