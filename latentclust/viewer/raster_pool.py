"""Open rasters that requests share: each is used by one request at a time, and opened again if its file changes."""

import hashlib
import threading
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import final

import rasterio
from rasterio.errors import NodataShadowWarning, NotGeoreferencedWarning
from rasterio.io import DatasetReader
from starlette.exceptions import HTTPException

from latentclust.data.scenes.addresses import SYSTEMS
from latentclust.data.scenes.inputs import scene_from_file
from latentclust.data.scenes.opening import decoding_errors, open_dataset, timeouts
from latentclust.errors import LatentclustError
from latentclust.specs.scenes import Scene
from latentclust.viewer.responses import GoneError
from latentclust.viewer.session import ViewedScene

SCENE = "scene"
"""Kind of the scene itself. The others are the keys of `ViewedScene.rasters`."""

CACHE_BYTES = 256 << 20
"""Size of GDAL's block cache, which all requests share."""

KEPT = 6
"""Number of open files of each raster that are kept for the next requests."""

NO_LISTING = "GDAL_DISABLE_READDIR_ON_OPEN"

GDAL = {"GDAL_CACHEMAX": CACHE_BYTES, NO_LISTING: "TRUE", "VSI_CACHE": "TRUE"}
"""Settings of GDAL: no folder is listed to find the sidecars of a file, and data from a network are kept."""

ALONE = {NO_LISTING: "EMPTY_DIR"}
"""Settings of GDAL for untrusted files: their sidecars are not read, because overviews in them may name other files."""

NETWORKS = tuple(dict.fromkeys(f"/{system.split('/')[1]}/" for system in SYSTEMS.values()))
"""Beginnings of the addresses that GDAL asks a network for: /vsicurl/, /vsis3/ and others."""

ANEW = {"CPL_VSIL_CURL_NON_CACHED": ":".join(NETWORKS), "GDAL_HTTP_MAX_RETRY": 0}
"""Settings of GDAL that ask a network again, and forget what was known of a file, such as that there is none."""

NO_FILE = "does not exist in the file system"
"""What GDAL says even of an address whose server it could not ask."""


@final
class RasterPool:
    """The rasters of a session, addressed by the position of the scene and the kind of raster."""

    def __init__(self, scenes: Sequence[ViewedScene]) -> None:
        """Open nothing yet.

        Warnings of rasterio about the position and the nodata of rasters are switched off: filters of warnings are
        those of all threads, and cannot be set for a block.
        """
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        warnings.simplefilter("ignore", NodataShadowWarning)
        self._sources = [_sources(scene) for scene in scenes]
        self._free: dict[tuple[int, str, str], list[DatasetReader]] = defaultdict(list)
        self._lock = threading.Lock()

    def kinds(self, index: int) -> tuple[str, ...]:
        """Return the kinds of rasters of a scene. Raise an HTTP error 404 if there is no such scene."""
        if not 0 <= index < len(self._sources):
            raise HTTPException(404, f"There is no scene {index}.")
        return tuple(self._sources[index])

    def source(self, index: int, kind: str) -> Scene:
        """Return what a raster is opened from. Raise an HTTP error 404 if there is no such raster."""
        if kind not in self.kinds(index):
            raise HTTPException(404, f"Scene {index} has no raster {kind}.")
        return self._sources[index][kind]

    def version(self, index: int, kind: str) -> str:
        """Return a text that changes when the files of a raster change. Raise GoneError if one was deleted."""
        source = self.source(index, kind)
        if kind != SCENE and any(path.is_symlink() for path in source.files):
            what = "was replaced by a symbolic link"
            raise GoneError.at(source.short, what, "Put the file back, or close the viewer")
        try:
            states = [(stat.st_size, stat.st_mtime_ns, stat.st_ino) for stat in (path.stat() for path in source.files)]
        except OSError as error:
            what = f"cannot be read any more ({error.strerror or error})"
            raise GoneError.at(source.short, what, "Put the file back, or close the viewer") from None
        return hashlib.sha256(repr((kind, states)).encode()).hexdigest()[:12]

    @contextmanager
    def borrow(self, index: int, kind: str) -> Iterator[DatasetReader]:
        """Yield an open raster that no other request uses.

        Raises:
            GoneError: If the file was deleted or cannot be opened.
            LatentclustError: If it is damaged where the block reads it.
        """
        source = self.source(index, kind)
        key = (index, kind, self.version(index, kind))
        settings = GDAL | (ALONE if source.untrusted else {})
        with rasterio.Env(**settings, **timeouts()), decoding_errors(source.short):
            file = self._taken(key) or _open(source, kind)
            try:
                yield file
            except BaseException:
                file.close()
                raise
            self._give_back(key, file)

    def close(self) -> None:
        """Close all files that are not in use."""
        with self._lock:
            files = [file for kept in self._free.values() for file in kept]
            self._free.clear()
        for file in files:
            file.close()

    def _taken(self, key: tuple[int, str, str]) -> DatasetReader | None:
        """Return an open file of the current version, and close those of others."""
        with self._lock:
            old = [one for one in self._free if one[:2] == key[:2] and one != key]
            outdated = [file for one in old for file in self._free.pop(one)]
            kept = self._free[key]
            file = kept.pop() if kept else None
        for each in outdated:
            each.close()
        return file

    def _give_back(self, key: tuple[int, str, str], file: DatasetReader) -> None:
        with self._lock:
            kept = self._free[key]
            if len(kept) < KEPT:
                kept.append(file)
                return
        file.close()


def _sources(scene: ViewedScene) -> dict[str, Scene]:
    own = {SCENE: scene.scene} if scene.scene else {}
    return own | {kind: label_raster(path) for kind, path in scene.rasters.items()}


def label_raster(path: Path) -> Scene:
    """Return a label raster as a scene of a format that reads no other files: latentclust label writes GeoTIFFs."""
    return replace(scene_from_file(path), untrusted=True)


def _open(source: Scene, kind: str) -> DatasetReader:
    try:
        return open_dataset(source)
    except LatentclustError as error:
        if kind != SCENE:
            what = "is damaged, or not a GeoTIFF that latentclust label wrote"
            raise GoneError.at(source.short, what, "Label the scene again") from None
        if not is_on_network(source):
            raise GoneError(*error.issues) from None
    return _open_anew(source)


def is_on_network(source: Scene) -> bool:
    """Return whether a scene, or a part of it, is read from a network."""
    addresses = (source.source, *(part.source for part in source.parts))
    here = any(network in address for address in addresses for network in NETWORKS)
    return here or any(map(is_on_network, source.stack))


def _open_anew(source: Scene) -> DatasetReader:
    """Open a scene after GDAL has forgotten that it could not: a network may have failed for a moment."""
    try:
        with rasterio.Env(**ANEW):
            open_dataset(source).close()
        return open_dataset(source)
    except LatentclustError as error:
        what = "cannot be opened: its server does not answer, refuses, or has no such file"
        issues = (replace(each, what=what) if NO_FILE in each.what else each for each in error.issues)
        raise GoneError(*issues) from None
