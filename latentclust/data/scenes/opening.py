"""Open scenes, with errors that name them and show no secrets."""

import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import rasterio
from rasterio.enums import Interleaving
from rasterio.errors import NodataShadowWarning, NotGeoreferencedWarning
from rasterio.io import DatasetReader

from latentclust.data.rasters import CACHE_BYTES
from latentclust.data.scenes.addresses import strip_credentials
from latentclust.data.scenes.containers import members
from latentclust.data.scenes.folders import require_regular
from latentclust.data.scenes.inputs import scene_from_file
from latentclust.data.scenes.mask_vrt import masked_vrt
from latentclust.data.scenes.requested import requested_bands
from latentclust.data.scenes.stack_vrt import stacked_vrt
from latentclust.data.scenes.vrt import build_vrt, open_file, scaled_vrt
from latentclust.data.sources import decode_errors
from latentclust.errors import LatentclustError
from latentclust.specs.scenes import Scene, SceneMask

GDAL_TIMEOUTS = {
    "GDAL_HTTP_CONNECTTIMEOUT": 30,
    "GDAL_HTTP_LOW_SPEED_TIME": 30,
    "GDAL_HTTP_LOW_SPEED_LIMIT": 1,
    "GDAL_HTTP_MAX_RETRY": 3,
    "GDAL_HTTP_RETRY_DELAY": 1,
}
"""GDAL settings for scenes on a network, if the environment does not set them; in seconds and bytes per second."""

BYTES = {"uint8": 1, "int8": 1, "uint16": 2, "int16": 2, "uint32": 4, "int32": 4, "float32": 4, "uint64": 8}
"""Size of a value by the name of its type. Others have at most 16 bytes."""


@contextmanager
def open_raster(scene: Scene | Path) -> Iterator[DatasetReader]:
    """Open a scene or a file. Errors of GDAL become a LatentclustError that names the scene."""
    scene = scene_from_file(scene) if isinstance(scene, Path) else scene
    with warnings.catch_warnings(), rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES, **timeouts()):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        warnings.simplefilter("ignore", NodataShadowWarning)  # `read_window` reads nodata values and alpha channels.
        with open_dataset(scene) as file:
            yield file


def timeouts() -> dict[str, int]:
    """Return the `GDAL_TIMEOUTS` that the environment does not set."""
    return {name: value for name, value in GDAL_TIMEOUTS.items() if name not in os.environ}


def open_dataset(scene: Scene) -> DatasetReader:
    """Return the raster of a scene, open until the caller closes it. `open_raster` sets GDAL up for it.

    Raises:
        LatentclustError: If the scene cannot be opened, or its blocks are too large.
    """
    if scene.error:
        raise LatentclustError(scene.error)
    file = _opened(scene)
    try:
        _check_blocks(file, scene.name)
    except BaseException:
        file.close()
        raise
    return file


def _check_blocks(file: DatasetReader, name: str) -> None:
    """Raise LatentclustError if a block is much larger than the raster, and so large that no cache holds it."""
    together = file.count if file.interleaving == Interleaving.pixel else 1
    for (height, width), kind in zip(file.block_shapes, file.dtypes, strict=True):
        size = height * width * together * BYTES.get(kind, 16)
        if size > CACHE_BYTES and height * width > 2 * file.height * file.width:
            what = f"holds {file.width} x {file.height} pixels in blocks of {width} x {height}"
            fix = "Write it again with smaller blocks: gdal_translate -co TILED=YES"
            raise LatentclustError.at(name, f"{what}, each of {size / 1e6:,.0f} MB", fix)


def _opened(scene: Scene) -> DatasetReader:
    """Return the raster of a scene, whose parts or named members are joined, with its mask as an alpha channel."""
    with decoding_errors(scene.name):
        for path in scene.files:
            require_regular(path)
        file = _file_of(scene)
        try:
            joined = members(file, scene.bands, scene.name)
        except BaseException:
            file.close()
            raise
        if joined:
            file.close()
            file = rasterio.open(build_vrt(joined, scene.name))
        if scene.scales:
            with file:
                file = rasterio.open(scaled_vrt(file, scene.scales, scene.name))
        return file if scene.mask is None else _masked(file, scene, scene.mask)


def _masked(file: DatasetReader, scene: Scene, mask: SceneMask) -> DatasetReader:
    with file:
        return rasterio.open(masked_vrt(file, mask, scene.name, scene.untrusted))


def _file_of(scene: Scene) -> DatasetReader:
    if scene.stack:
        return _stacked(scene)
    if scene.parts:
        return rasterio.open(build_vrt(scene.parts, scene.name, scene.untrusted))
    return open_file(scene.source, scene.name, scene.untrusted)


def _stacked(scene: Scene) -> DatasetReader:
    """Return the raster of a stack. Names of bands select those of each date."""
    with ExitStack() as stack:
        members = [replace(member, untrusted=scene.untrusted) for member in scene.stack]
        files = [stack.enter_context(_opened(member)) for member in members]
        pairs = zip(files, members, strict=True)
        bands = [requested_bands(file, each.requested, each.name) if each.requested else () for file, each in pairs]
        return rasterio.open(stacked_vrt(files, bands, scene.dates, scene.name))


@contextmanager
def raster(scene: Scene | Path) -> Iterator[DatasetReader]:
    """Open a scene or a file for reading. A decoder's exception in the block, too, is raised as a LatentclustError."""
    scene = scene_from_file(scene) if isinstance(scene, Path) else scene
    with open_raster(scene) as file, decoding_errors(scene.name):
        yield file


@contextmanager
def decoding_errors(name: str) -> Iterator[None]:
    """Convert errors of decoders to a LatentclustError about `name`, without credentials and queries of URLs."""
    try:
        with decode_errors(name):
            yield
    except LatentclustError as error:
        # The cause would show the credentials.
        shown = (replace(each, what=strip_credentials(each.what)) for each in error.issues)
        raise type(error)(*shown) from None
