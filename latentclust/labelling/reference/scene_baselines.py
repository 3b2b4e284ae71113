"""Classical clusterings of the pixels of a scene, scored for comparison with its labels."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from rasterio.io import DatasetReader

from latentclust.data.feed import to_float
from latentclust.data.rasters import BandReading, as_bytes, read_values
from latentclust.data.scenes.opening import decoding_errors
from latentclust.data.subset import spread_indices
from latentclust.errors import LatentclustError
from latentclust.evaluate.clustering import score_table
from latentclust.evaluate.segmentation import MAJORITY, ContingencyCounter, majority_table
from latentclust.labelling.reference.blocks import Block
from latentclust.labelling.reference.class_raster import Reference
from latentclust.labelling.scenes.reader import fill_nodata
from latentclust.model.map_baselines import fit_map_baseline
from latentclust.model.model import ClusteringModel
from latentclust.specs.data import VOID, SealedMaps
from latentclust.specs.evaluation import MapBaselineSpec
from latentclust.tensors import Images, Mask

FIT_BLOCKS = 256
"""Maximum number of blocks that a baseline is fitted to, evenly spread over those with valid pixels."""


@dataclass(frozen=True, slots=True)
class ScenePixels:
    """The images of a scene, read block by block as in training, in [0, 1].

    Attributes:
        file: The open scene.
        bands: Bands and value ranges that the model reads.
        name: Name of the scene, for messages.
        blocks: All blocks of the scene.
        device: Device of the images.
    """

    file: DatasetReader
    bands: BandReading
    name: str
    blocks: Sequence[Block]
    device: torch.device

    def read(self, index: int) -> tuple[Images, NDArray[np.bool_]]:
        """Return a block with its margin `(1, c, h, w)`, and whether each pixel is valid `(h, w)`.

        The block must have valid pixels. Nodata pixels have the values of the nearest valid pixel.
        """
        with decoding_errors(self.name):
            values, valid = read_values(self.file, self.bands, self.blocks[index].wide)
        image = fill_nodata(as_bytes(values, valid, self.bands.ranges), valid)
        return to_float(torch.from_numpy(image[np.newaxis]).to(self.device)), valid

    def inside(self, index: int, valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return `valid` with the margin set to False, because it belongs to other blocks."""
        within = np.zeros_like(valid)
        within[self.blocks[index].inside] = valid[self.blocks[index].inside]
        return within


@dataclass(frozen=True, slots=True)
class BaselineScores:
    """The scores of baselines.

    Attributes:
        scores: Scores by metric, for each baseline.
        warnings: One sentence for each baseline that could not cluster the scene.
    """

    scores: Mapping[str, Mapping[str, float]]
    warnings: tuple[str, ...]


def score_scene_baselines(
    model: ClusteringModel,
    pixels: ScenePixels,
    reference: Reference,
    valid_blocks: Sequence[int],
    counter: ContingencyCounter,
) -> BaselineScores:
    """Score each baseline with the model's number of clusters, and the majority class.

    Args:
        model: The model whose recipe names the baselines.
        pixels: Images of the scene.
        reference: Classes of the same blocks.
        valid_blocks: Numbers of the blocks with labels.
        counter: Counts of the model's own labels.
    """
    metrics, table = model.resolved.metrics, counter.table
    assert table is not None, "a reference was counted"
    scores: dict[str, Mapping[str, float]] = {}
    warnings = []
    for name, baseline in model.resolved.baselines.items():
        assert isinstance(baseline, MapBaselineSpec), "resolve checked what it clusters"
        try:
            found = ContingencyCounter(model.clusters, SealedMaps(reference.maps), len(reference.names))
            for index, labels in baseline_labels(model, pixels, valid_blocks, baseline):
                found.add(labels[np.newaxis], np.array([index]))
            scores[name] = found.scores(metrics).metrics or {}
        except LatentclustError as error:
            warnings.append(f"The baseline {name} was not run: {error}")
    return BaselineScores(scores | {MAJORITY: score_table(majority_table(table), metrics)}, tuple(warnings))


def baseline_labels(
    model: ClusteringModel, pixels: ScenePixels, valid_blocks: Sequence[int], baseline: MapBaselineSpec
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Fit a baseline to some blocks, then yield each block's number and clusters `(h, w)`, `VOID` for nodata.

    Raises:
        LatentclustError: If the baseline cannot cluster the scene, or the scene is damaged.
    """
    part = [valid_blocks[place] for place in spread_indices(len(valid_blocks), FIT_BLOCKS)]
    mapped = fit_map_baseline(model, baseline, _batches(pixels, part), len(part))
    for index in valid_blocks:
        images, valid = pixels.read(index)
        with torch.no_grad():
            labels = mapped(images)[0].cpu().numpy()
        yield index, np.where(valid, labels, VOID)[pixels.blocks[index].inside]


def _batches(pixels: ScenePixels, part: Sequence[int]) -> Iterator[tuple[Images, Mask]]:
    for index in part:
        images, valid = pixels.read(index)
        yield images, Mask(torch.from_numpy(pixels.inside(index, valid)[np.newaxis]))
