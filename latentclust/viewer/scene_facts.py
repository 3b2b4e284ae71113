"""What is known of the rasters of a session: position, bands and ranges, read once for each version of a file."""

import threading
from collections.abc import Callable, Collection
from functools import partial
from typing import Any, TypeVar, final

from rasterio.io import DatasetReader

from latentclust.errors import LatentclustError
from latentclust.viewer.placement import Placement, place
from latentclust.viewer.raster_pool import SCENE, RasterPool
from latentclust.viewer.session import LABELS
from latentclust.viewer.stretch import BandRange, band_ranges, has_overviews

Fact = TypeVar("Fact")


@final
class SceneFacts:
    """Facts of rasters by position of the scene, kind and version."""

    def __init__(self, pool: RasterPool, masked: Collection[int] = ()) -> None:
        """Read nothing yet.

        Args:
            pool: Open rasters.
            masked: Positions of the scenes of which only the label raster tells all pixels without data.
        """
        self._pool, self._masked = pool, masked
        self._kept: dict[tuple[str, int, str], tuple[str, Any]] = {}
        self._lock = threading.Lock()

    def placement(self, index: int, kind: str) -> Placement:
        """Return the position of a raster. One without any has that of its scene, if both are of equal size."""
        kinds = self._pool.kinds(index)
        like = self.placement(index, SCENE) if kind != SCENE and SCENE in kinds and self._opens(index) else None
        return self._once("placement", index, kind, lambda file: place(file, like))

    def ranges(self, index: int) -> tuple[BandRange, ...]:
        """Return the bands of a scene with their value ranges, of the labelled pixels if the scene is masked."""
        if mask := self.mask_version(index):
            try:
                return self._once("ranges", index, SCENE, partial(self._labelled_ranges, index), mask)
            except LatentclustError:
                pass  # of a damaged label raster: the scene is shown without a mask
        return self._once("ranges without mask", index, SCENE, band_ranges)

    def is_masked(self, index: int) -> bool:
        """Return whether a scene has pixels without data that only its label raster tells, which can be opened."""
        return bool(self.mask_version(index))

    def mask_version(self, index: int) -> str:
        """Return the version of the label raster that tells the pixels of a scene without data. Empty without one."""
        if index not in self._masked:
            return ""
        try:
            self.has_overviews(index, LABELS)
            return self._pool.version(index, LABELS)
        except LatentclustError:
            return ""

    def has_overviews(self, index: int, kind: str) -> bool:
        """Return whether a raster has overviews, the coarsest of which is small enough to be read whole."""
        return self._once("overviews", index, kind, has_overviews)

    def is_complex(self, index: int) -> bool:
        """Return whether a scene has complex values."""
        return self._once("complex", index, SCENE, lambda file: any(name.startswith("complex") for name in file.dtypes))

    def _labelled_ranges(self, index: int, file: DatasetReader) -> tuple[BandRange, ...]:
        with self._pool.borrow(index, LABELS) as labels:
            return band_ranges(file, labels)

    def _opens(self, index: int) -> bool:
        """Return whether a scene can be opened."""
        try:
            self._pool.version(index, SCENE)
            self.has_overviews(index, SCENE)
        except LatentclustError:
            return False
        return True

    def _once(
        self, name: str, index: int, kind: str, read: Callable[[DatasetReader], Fact], other_version: str = ""
    ) -> Fact:
        version, key = self._pool.version(index, kind) + other_version, (name, index, kind)
        with self._lock:
            kept = self._kept.get(key)
        if kept and kept[0] == version:
            found: Fact = kept[1]
            return found
        with self._pool.borrow(index, kind) as file:
            found = read(file)
        with self._lock:
            self._kept[key] = (version, found)
        return found
