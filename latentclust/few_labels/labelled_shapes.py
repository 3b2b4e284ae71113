"""The clusters of the pixels in labelled points and polygons, from the windows of scenes that these touch."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Int
from rasterio.io import DatasetReader
from scipy.sparse import coo_array, csr_array

from latentclust.data.rasters import BandReading
from latentclust.data.scenes.bands import match_bands
from latentclust.data.scenes.discover import check_given, find_scenes
from latentclust.data.scenes.opening import open_raster
from latentclust.errors import LatentclustError
from latentclust.evaluate.label_votes import LabelVotes, votes_of_counts
from latentclust.few_labels.label_shapes import LabelShapes
from latentclust.few_labels.shape_places import MAX_SQUARES, ShapePart, check_scene, parts_in_scene
from latentclust.labelling.area.polygon_tiles import TILE
from latentclust.labelling.label_settings import LabelSettings, make_settings
from latentclust.labelling.scenes.reader import band_reading
from latentclust.labelling.windows.array_labels import label_array
from latentclust.labelling.windows.strips import PixelBounds, overlapping_spans
from latentclust.labelling.windows.window_batches import RasterWindows
from latentclust.model.model import ClusteringModel
from latentclust.phases import SILENT, Phases
from latentclust.specs.data import VOID
from latentclust.specs.scenes import Scene


@dataclass(frozen=True, slots=True)
class LabelledShapes:
    """Labelled points and polygons with the clusters of their pixels.

    Attributes:
        counts: Number of pixels of each unit by cluster, sparse `(n, k)`, for units with labelled pixels.
        classes: Class of each of these units.
        notes: Sentences about units without labelled pixels, and about scenes.
    """

    counts: csr_array
    classes: tuple[str, ...]
    notes: tuple[str, ...]

    def votes(self) -> LabelVotes:
        """Return the labels as votes for classes of clusters."""
        return votes_of_counts(self.counts, self.classes)


def assign_shapes(
    model: ClusteringModel,
    where: str,
    shapes: LabelShapes,
    scenes: Iterable[str | Path],
    seed: int = 0,
    phases: Phases = SILENT,
) -> LabelledShapes:
    """Label the pixels in points and polygons as `label` does with its default options, and nothing else.

    Memory holds a square of `TILE` pixels of a scene with the windows that it needs, and a batch of shapes.

    Args:
        model: Model of label maps.
        where: Name of the model, for messages.
        shapes: Labelled points and polygons. Pixels count if their centre is inside; a polygon without any is the pixel
            that it lies in. In scenes that overlap, all pixels count.
        scenes: Rasters, folders, glob patterns, URLs, and text files that list them.
        seed: Random seed of an inference that samples.
        phases: Tells the progress.

    Raises:
        LatentclustError: If the model labels whole images, a scene cannot be read or does not match the model, the
            place of the shapes in it is unknown, or no shape has a labelled pixel.
    """
    if not model.per_pixel:
        what = f"assigns one cluster to each image, but {shapes.layer.path.name} has classes of places in scenes"
        raise LatentclustError.at(
            where, what, "Give a table with the columns path and class, such as --from labels.csv"
        )
    reading = band_reading(model, where)
    found = find_scenes(check_given(scenes), None, names=reading.names, where=("--scenes", "--bands"))
    tally = _Tally(len(shapes.classes), model.clusters)
    warnings: list[str] = []
    count = phases.begin("labelling the pixels in shapes", len(found), "scenes")
    for scene in found:
        warnings += _read_scene(model, reading, scene, shapes, tally, seed)
        count.add(1)
    return tally.result(shapes, warnings)


def _read_scene(
    model: ClusteringModel, reading: BandReading, scene: Scene, shapes: LabelShapes, tally: "_Tally", seed: int
) -> list[str]:
    """Add the pixels of a scene to a tally, and return the warnings about the scene."""
    with open_raster(scene) as file:
        check_scene(file, scene.name, shapes)
        match = match_bands(file, reading, scene.name, scene.requested)
        settings = make_settings(model, match.bands, seed=seed)
        labeller, first = _PartLabeller(settings, file, scene.name), 0
        for units in shapes.batches():
            parts, thinned = parts_in_scene(file, scene.name, shapes, units, first)
            for part, labels in labeller.labels(parts):
                tally.add(part, labels)
            tally.thinned += thinned
            first += len(units)
    return [f"{scene.name}: {warning}" for warning in match.warnings]


@final
class _PartLabeller:
    """Labels the pixels of parts of shapes in an open scene."""

    def __init__(self, settings: LabelSettings, file: DatasetReader, name: str) -> None:
        self._settings, self._name = settings, name
        self._source = RasterWindows(file, settings.bands, name)
        self._rows, self._columns = settings.grid.rows(file.height), settings.grid.columns(file.width)

    def labels(self, parts: Sequence[ShapePart]) -> Iterator[tuple[ShapePart, Int[np.ndarray, "h w"]]]:
        """Yield the parts, each with the clusters of the pixels of its bounds, counted from 0; `VOID` for nodata."""
        for _, square in groupby(sorted(parts, key=lambda part: part.square), key=lambda part: part.square):
            for bounds, group in self._together(list(square)):
                labels = self._label(bounds)
                for part in group:
                    top, left = part.bounds.top - bounds.top, part.bounds.left - bounds.left
                    yield part, labels[top : top + part.bounds.height, left : left + part.bounds.width]

    def _together(self, parts: list[ShapePart]) -> list[tuple[PixelBounds, list[ShapePart]]]:
        """Return the parts of a square in one group, or each alone if that reads fewer windows."""
        each = [part.bounds for part in parts]
        joined = PixelBounds(
            min(one.top for one in each),
            min(one.left for one in each),
            max(one.bottom for one in each),
            max(one.right for one in each),
        )
        if self._windows(joined) <= sum(self._windows(one) for one in each):
            return [(joined, parts)]
        return [(part.bounds, [part]) for part in parts]

    def _windows(self, bounds: PixelBounds) -> int:
        rows = overlapping_spans(self._rows, bounds.top, bounds.bottom)
        return len(rows) * len(overlapping_spans(self._columns, bounds.left, bounds.right))

    def _label(self, bounds: PixelBounds) -> Int[np.ndarray, "h w"]:
        rows = overlapping_spans(self._rows, bounds.top, bounds.bottom)
        columns = overlapping_spans(self._columns, bounds.left, bounds.right)
        return label_array(self._settings, self._source, rows, columns, bounds, self._name)


@final
class _Tally:
    """Counts of the pixels of units by cluster."""

    def __init__(self, units: int, clusters: int) -> None:
        self.thinned = 0
        self._shape = (units, clusters)
        self._reached = np.zeros(units, bool)
        self._cells: list[tuple[int, int, int]] = []

    def add(self, part: ShapePart, labels: Int[np.ndarray, "h w"]) -> None:
        """Count the pixels of a part."""
        inside = labels[part.inside()]
        self._reached[part.unit] |= bool(len(inside))
        clusters, counts = np.unique(inside[inside != VOID], return_counts=True)
        self._cells += [(part.unit, *cell) for cell in zip(clusters.tolist(), counts.tolist(), strict=True)]

    def result(self, shapes: LabelShapes, warnings: Sequence[str]) -> LabelledShapes:
        """Return the units with labelled pixels. Raise LatentclustError if there are none."""
        units, clusters, counts = np.array(self._cells, np.int64).reshape(-1, 3).T
        table = csr_array(coo_array((counts, (units, clusters)), self._shape))
        known = np.unique(units)
        outside = int(np.count_nonzero(~self._reached))
        nodata = len(self._reached) - outside - len(known)
        if not len(known):
            what = f"none of its {len(self._reached):,} points and polygons lies on valid pixels of the scenes: "
            what += f"{outside:,} outside, {nodata:,} on no data"
            raise LatentclustError.at(str(shapes.layer.path), what, "Check --scenes and the coordinate systems")
        counted = (
            ("labelled shapes outside the scenes, not counted", outside),
            ("labelled shapes on no data, not counted", nodata),
            ("features that are neither points nor polygons, not counted", shapes.other),
            (f"polygons of which {MAX_SQUARES} squares of {TILE} pixels were read", self.thinned),
        )
        notes = [f"{what}: {count:,}" for what, count in counted if count]
        return LabelledShapes(table[known], tuple(shapes.classes[at] for at in known.tolist()), (*notes, *warnings))
