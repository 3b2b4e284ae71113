"""What a pixel clusterer is given: paths, a DataArray, one scene or several images."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.windows import Window

from latentclust.data.given_arrays import as_array
from latentclust.data.scaling import row_chunks
from latentclust.errors import InvalidArgumentError, Issue, LatentclustError
from latentclust.estimator.samples import CHANNELS

FORMS = "Pass a scene (c, h, w), images (n, c, h, w), an xarray DataArray, or the paths of rasters"

_SCENE, _IMAGES = 3, 4
"""Numbers of axes of one scene, and of several images."""

_STORED = {"bool": "uint8", "float16": "float32", "longdouble": "float64", "float128": "float64"}
"""Types of arrays that no raster has, and the types that hold their values."""


def as_paths(values: Any) -> list[str] | None:
    """Return the paths, patterns or addresses of rasters. None for anything else."""
    if isinstance(values, (str, Path)):
        return [str(values)]
    listed = isinstance(values, Sequence) and len(values) > 0
    return [str(one) for one in values] if listed and all(isinstance(one, (str, Path)) for one in values) else None


def is_dataarray(values: Any) -> bool:
    """Return whether values are an xarray DataArray."""
    xarray = sys.modules.get("xarray")
    return xarray is not None and isinstance(values, xarray.DataArray)


def as_images(values: Any, channels: str) -> tuple[NDArray[Any], bool]:
    """Return images `(n, c, h, w)`, and whether they are one scene.

    Args:
        values: A scene `(c, h, w)` or images `(n, c, h, w)`; with the channels last, `(h, w, c)` or `(n, h, w, c)`.
        channels: Position of the channels: `first` or `last`.

    Raises:
        InvalidArgumentError: If it is another form.
        LatentclustError: If it does not contain real numbers.
    """
    if channels not in CHANNELS:
        raise InvalidArgumentError(Issue("channels", f"unknown value {channels!r}", "Use 'first' or 'last'"))
    array = as_array(values, "X")
    if array.ndim not in (_SCENE, _IMAGES):
        raise InvalidArgumentError(Issue("X", f"has the shape {array.shape}", FORMS))
    if array.dtype.name in _STORED:
        array = array.astype(_STORED[array.dtype.name])
    if channels == "last":
        array = np.moveaxis(array, -1, -3)
    one = array.ndim == _SCENE
    return (array[np.newaxis] if one else array), one


@contextmanager
def scene_file(values: Any, channels: str) -> Iterator[Path]:
    """Write a DataArray or one scene `(c, h, w)` to a raster that exists until the block ends."""
    with TemporaryDirectory(prefix="latentclust-") as folder:
        path = Path(folder) / "scene.tif"
        if is_dataarray(values):
            from latentclust.labelling.windows.dataarray import ordered

            ordered(values).rio.to_raster(path, tiled=True)
        else:
            _write(path, as_images(values, channels)[0][0])
        try:
            yield path
        except LatentclustError as error:  # the user does not know the file
            texts = ((one.where, one.what, one.fix) for one in error.issues)
            issues = [Issue(*(text.replace(str(path), "X") for text in one)) for one in texts]
            raise InvalidArgumentError(*issues) from error


def _write(path: Path, scene: NDArray[Any]) -> None:
    """Write a scene `(c, h, w)`, some rows at a time."""
    bands, height, width = scene.shape
    north_up = Affine(1, 0, 0, 0, -1, height)  # without a transform, rasterio warns
    profile = {"driver": "GTiff", "dtype": scene.dtype.newbyteorder("=").name, "tiled": True, "bigtiff": "if_safer"}
    with rasterio.open(path, "w", count=bands, height=height, width=width, transform=north_up, **profile) as file:
        for rows in row_chunks(scene.transpose(1, 0, 2)):
            assert isinstance(rows, slice), "a scene has rows"
            part = np.ascontiguousarray(scene[:, rows])
            file.write(part, window=Window(0, rows.start, width, part.shape[1]))
