"""Rewrite finished label rasters without a model: with other colours, or with clusters merged into classes."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.shutil import copy
from rasterio.windows import Window

from latentclust.data.scenes.opening import open_raster
from latentclust.data.sources import decode_errors
from latentclust.errors import InterruptedRunError, LatentclustError
from latentclust.labelling.outputs.cog import COG_BLOCK, Palette, convert_to_cog, create_draft_raster, write_errors
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.outputs.sidecars import AnyPath
from latentclust.labelling.scenes.georeference import Georeference

RELABEL_FIX = "Label the scene again"
RERUN_FIX = "Run the same command again"

ShouldStop = Callable[[], bool]
"""Returns True once the user asks to stop."""


def _never() -> bool:
    return False


def classes_raster(labels: AnyPath) -> AnyPath:
    """Return the path of the raster of classes that belongs to a raster of clusters: `NAME-classes.tif`."""
    return labels.with_name(f"{labels.stem}-classes{labels.suffix}")


def count_clusters(labels: Path, clusters: int, should_stop: ShouldStop = _never) -> dict[int, int]:
    """Count the pixels of each cluster, and of nodata under 0. One row of blocks is in memory at a time.

    Args:
        labels: A raster of clusters, counted from 1.
        clusters: Number of clusters of the model.
        should_stop: Returns True once the user asks to stop.

    Raises:
        LatentclustError: If the raster cannot be read or contains values above the number of clusters.
        InterruptedRunError: If the user asks to stop.
    """
    counts = np.zeros(clusters + 1, np.int64)
    with open_raster(labels) as file:
        for rows in _rows(file, labels, clusters, should_stop):
            counts += np.bincount(rows.ravel(), minlength=clusters + 1)
    return {value: int(count) for value, count in enumerate(counts)}


def merged_counts(counts: Mapping[int, int], legend: Legend) -> dict[int, int]:
    """Return the pixel count of each value of a legend, given the pixel count of each cluster."""
    return {entry.value: sum(counts[cluster] for cluster in entry.clusters) for entry in legend.entries}


def merge_classes(labels: Path, draft: Path, target: Path, legend: Legend, should_stop: ShouldStop = _never) -> None:
    """Write the classes of a finished label raster as a Cloud-Optimized GeoTIFF with the same georeference.

    One row of blocks is in memory at a time.

    Args:
        labels: A raster of clusters with nodata value 0.
        draft: Path of a temporary file.
        target: Path of the raster to write.
        legend: Legend of the classes.
        should_stop: Returns True once the user asks to stop.

    Raises:
        LatentclustError: If the raster cannot be read, contains other values or cannot be written.
        InterruptedRunError: If the user asks to stop.
    """
    table = legend.lookup()
    labelled = 0
    with open_raster(labels) as file:
        where = Georeference.from_dataset(file)
        with create_draft_raster(draft, where, legend.dtype, legend.palette) as grown:
            for rows in _rows(file, labels, len(table) - 1, should_stop):
                classes = table[rows]
                labelled += int(np.count_nonzero(classes))
                grown.append(classes)
    convert_to_cog(draft, target, "MODE", where, labelled)


def recolour(labels: Path, draft: Path, target: Path, legend: Legend, labelled: int) -> None:
    """Write a finished label raster again with the colours of a legend. Everything else stays unchanged.

    Args:
        labels: A raster with a colour table.
        draft: Path of a temporary file with the suffix `.vrt`.
        target: Path of the Cloud-Optimized GeoTIFF to write.
        legend: Legend of the raster.
        labelled: Number of valid pixels of the raster.

    Raises:
        LatentclustError: If the raster cannot be read or written.
    """
    # GDAL would copy the old names into the sidecar of the new file.
    with rasterio.Env(GDAL_PAM_ENABLED="NO"):
        with open_raster(labels) as file:
            where = Georeference.from_dataset(file)
            with write_errors(draft):
                copy(file, draft, driver="VRT")
        _paint(draft, legend.palette)
        convert_to_cog(draft, target, "MODE", where, labelled)


def _paint(draft: Path, palette: Palette) -> None:
    """Replace the colour table of a virtual raster."""
    tree = Xml.parse(draft)
    table = tree.find("VRTRasterBand/ColorTable")
    assert table is not None, "label rasters have a colour table"
    table[:] = [
        Xml.Element("Entry", {f"c{band}": str(level) for band, level in enumerate(colour, start=1)})
        for _, colour in sorted(palette.items())
    ]
    tree.write(draft, encoding="utf-8")


def _rows(file: DatasetReader, path: Path, clusters: int, should_stop: ShouldStop) -> Iterator[NDArray[Any]]:
    """Yield the rows of a raster from top to bottom, `(n, width)` at a time."""
    for top in range(0, file.height, COG_BLOCK):
        if should_stop():
            raise InterruptedRunError.at(str(path), "stopped while it was read", RERUN_FIX)
        window = Window(0, top, file.width, min(COG_BLOCK, file.height - top))
        with decode_errors(path):
            rows = file.read(1, window=window)
        if rows.max() > clusters:
            what = f"contains the value {rows.max()}, but the model has {clusters} clusters"
            raise LatentclustError.at(str(path), what, RELABEL_FIX)
        yield rows
