"""Plain clusterings of the pixels of a scene, to stand beside its label raster."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rasterio.io import DatasetReader

from latentclust.data.feed import to_float
from latentclust.data.rasters import BandReading, as_bytes, read_window
from latentclust.data.sources import decode_errors
from latentclust.errors import LatentclustError
from latentclust.evaluate.clustering import score_table
from latentclust.evaluate.segmentation import MAJORITY, ContingencyCounter, majority_table
from latentclust.labelling.reference.blocks import Block
from latentclust.labelling.reference.class_raster import Reference
from latentclust.labelling.scenes.reader import fill_nodata
from latentclust.model.model import ClusteringModel
from latentclust.specs.data import VOID, SealedMaps
from latentclust.specs.parts import MapBaselineSpec
from latentclust.tensors import Images, Mask

FITTED_TO = 256
"""Blocks, evenly spread over those with data, whose pixels a baseline is fitted to."""


@dataclass(frozen=True, slots=True)
class ScenePixels:
    """A scene read block by block as the model was trained, in [0, 1].

    Attributes:
        file: The scene, opened.
        bands: How the model reads it.
        path: Its file.
        blocks: All of its blocks.
        device: Where the images go.
    """

    file: DatasetReader
    bands: BandReading
    path: Path
    blocks: Sequence[Block]
    device: torch.device

    def read(self, index: int) -> tuple[Images, NDArray[np.bool_]]:
        """A block that holds data, with its margin, `(1, c, h, w)`, and where it is data `(h, w)`.

        What is no data holds the values of the nearest pixel that is.
        """
        with decode_errors(self.path):
            values, valid = read_window(self.file, self.bands.bands, self.blocks[index].wide)
        image = fill_nodata(as_bytes(values, valid, self.bands.ranges), valid)
        return to_float(torch.from_numpy(image[np.newaxis]).to(self.device)), valid

    def inside(self, index: int, valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """`valid` without the margin, which belongs to other blocks."""
        within = np.zeros_like(valid)
        within[self.blocks[index].inside] = valid[self.blocks[index].inside]
        return within


def score_scene_baselines(
    model: ClusteringModel,
    pixels: ScenePixels,
    reference: Reference,
    occupied: Sequence[int],
    tally: ContingencyCounter,
) -> tuple[dict[str, Mapping[str, float]], tuple[str, ...]]:
    """Each baseline's scores with the model's number of clusters, and a sentence for each that refused the data.

    Args:
        model: Its recipe names the baselines; the last is the majority class's.
        pixels: Of the scene.
        reference: On the same blocks.
        occupied: The blocks that hold data.
        tally: Of the model's own labels.
    """
    metrics, table = model.resolved.metrics, tally.table
    assert table is not None, "a reference was counted"
    scores: dict[str, Mapping[str, float]] = {}
    warnings = []
    for name, baseline in model.resolved.baselines.items():
        assert isinstance(baseline, MapBaselineSpec), "resolve checked what it clusters"
        try:
            found = ContingencyCounter(model.clusters, SealedMaps(reference.maps), len(reference.names))
            for index, labels in baseline_labels(model, pixels, occupied, baseline):
                found.add(labels[np.newaxis], np.array([index]))
            scores[name] = found.scores(metrics).metrics or {}
        except LatentclustError as error:
            warnings.append(f"The baseline {name} was not run: {error}")
    return scores | {MAJORITY: score_table(majority_table(table), metrics)}, tuple(warnings)


def baseline_labels(
    model: ClusteringModel, pixels: ScenePixels, occupied: Sequence[int], baseline: MapBaselineSpec
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """A baseline fitted to a part of the blocks; then each block and its clusters `(h, w)`, `VOID` for no data.

    Raises:
        LatentclustError: The baseline cannot cluster the scene, or the scene is damaged.
    """
    spread = np.linspace(0, len(occupied) - 1, min(len(occupied), FITTED_TO)).round().astype(np.int64)
    part = [occupied[place] for place in np.unique(spread)]
    with torch.no_grad():
        mapped = baseline.fit(_batches(pixels, part), len(part), model.clusters, model.resolved.recipe.seed)
    for index in occupied:
        images, valid = pixels.read(index)
        with torch.no_grad():
            labels = mapped(images)[0].cpu().numpy()
        yield index, np.where(valid, labels, VOID)[pixels.blocks[index].inside]


def _batches(pixels: ScenePixels, part: Sequence[int]) -> Iterator[tuple[Images, Mask]]:
    for index in part:
        images, valid = pixels.read(index)
        yield images, Mask(torch.from_numpy(pixels.inside(index, valid)[np.newaxis]))
