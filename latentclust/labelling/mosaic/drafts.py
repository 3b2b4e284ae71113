"""The temporary rasters of a mosaic, written by rectangles, sieved, and converted to Cloud-Optimized GeoTIFFs."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import rasterio
from rasterio.io import DatasetWriter
from rasterio.windows import Window

from latentclust.labelling.mosaic import seams
from latentclust.labelling.mosaic.seams import MosaicTile
from latentclust.labelling.outputs.cog import convert_to_cog, create_draft, write_errors
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.scenes.georeference import Georeference
from latentclust.labelling.vector.ground_area import GroundArea, area_in_pixels
from latentclust.labelling.vector.sieve import sieve
from latentclust.labelling.vector.uncompressed import decompress_raster
from latentclust.labelling.windows.stitch import NO_DATA

UNKNOWN_CONFIDENCE = 1
"""Confidence of a label that the sieve gave to a pixel of a mosaic, whose probability is not known there: chance."""


@dataclass(slots=True)
class MosaicDrafts:
    """The temporary rasters of a mosaic.

    Attributes:
        where: Size and georeference.
        labels: Path of the labels.
        confidence: Path of the confidence. None without one.
        labelled: Number of pixels that are not nodata so far.
    """

    where: Georeference
    labels: Path
    confidence: Path | None
    labelled: int = 0
    _files: list[DatasetWriter] = field(default_factory=list)

    @classmethod
    @contextmanager
    def create(
        cls, folder: Path, where: Georeference, legend: Legend, with_confidence: bool
    ) -> Iterator["MosaicDrafts"]:
        """Create the rasters in a folder, all nodata, and open them until the end of the block."""
        confidence = folder / "confidence-draft.tif" if with_confidence else None
        drafts = cls(where, folder / "labels-draft.tif", confidence)
        with ExitStack() as stack, write_errors(folder):
            drafts._files.append(stack.enter_context(create_draft(drafts.labels, where, legend.dtype, legend.palette)))
            if confidence:
                drafts._files.append(stack.enter_context(create_draft(confidence, where, np.dtype(np.uint8))))
            yield drafts

    @property
    def pixels(self) -> int:
        """Number of all pixels."""
        return self.where.extent[0] * self.where.extent[1]

    def add(self, tile: MosaicTile) -> None:
        """Write a rectangle."""
        bounds = tile.bounds
        window = Window(bounds.left, bounds.top, bounds.width, bounds.height)
        for file, values in zip(self._files, (tile.labels, tile.confidence), strict=False):
            file.write(values, 1, window=window)
        self.labelled += int(np.count_nonzero(tile.labels != NO_DATA))

    def sieve(self, min_area: float | None, check_stop: Callable[[], None]) -> int:
        """Merge small regions, see `sieve`. Return the number of pixels that have changed.

        Args:
            min_area: Minimum area of a region, in square metres, or in pixels if areas are unknown. None keeps all.
            check_stop: Called periodically. Raises if the user asks to stop.
        """
        if min_area is None:
            return 0
        smallest = area_in_pixels(min_area, GroundArea.from_georeference(self.where).pixel_area)
        folder = self.labels.parent
        with write_errors(folder), tempfile.TemporaryDirectory(prefix="sieve-", dir=folder) as temporary:
            with rasterio.open(self.labels) as file:
                sieved = decompress_raster(file, Path(temporary) / "labels", check_stop)
            sieve(sieved, smallest, Path(temporary))
            return self._replace_labels(np.memmap(sieved.path, sieved.dtype, "r", shape=sieved.extent))

    def _replace_labels(self, sieved: "np.memmap[tuple[int, int], np.dtype[np.unsignedinteger]]") -> int:
        """Write the labels `(h, w)` that differ. Return their number."""
        count = 0
        with ExitStack() as stack:
            files = [stack.enter_context(rasterio.open(path, "r+")) for path in (self.labels, self.confidence) if path]
            for window in _windows(self.where.extent):
                labels = files[0].read(1, window=window)
                found = sieved[window.toslices()]
                changed = found != labels
                if not changed.any():
                    continue
                count += int(np.count_nonzero(changed))
                files[0].write(np.ascontiguousarray(found), 1, window=window)
                for file in files[1:]:
                    confidence = file.read(1, window=window)
                    file.write(np.where(changed, UNKNOWN_CONFIDENCE, confidence).astype(np.uint8), 1, window=window)
        return count

    def convert(self, labels: Path, confidence: Path) -> None:
        """Convert the closed rasters to Cloud-Optimized GeoTIFFs."""
        convert_to_cog(self.labels, labels, "MODE", self.where, self.labelled)
        if self.confidence:
            convert_to_cog(self.confidence, confidence, "AVERAGE", self.where, self.labelled)


def _windows(extent: tuple[int, int]) -> Iterator[Window]:
    """Yield windows of `seams.TILE` pixels a side that cover a raster."""
    height, width = extent
    for top in range(0, height, seams.TILE):
        for left in range(0, width, seams.TILE):
            yield Window(left, top, min(seams.TILE, width - left), min(seams.TILE, height - top))
