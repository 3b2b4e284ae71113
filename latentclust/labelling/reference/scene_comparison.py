"""A scene labelled and compared with a reference raster, over the pixels that are valid in both."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from latentclust.data.sources import decode_errors
from latentclust.errors import LatentclustError, RunFailedError
from latentclust.evaluate.segmentation import ContingencyCounter
from latentclust.labelling.label_report import LabelListener
from latentclust.labelling.label_scenes import label
from latentclust.labelling.reference.blocks import Block, blocks_of
from latentclust.labelling.reference.class_raster import Reference, check_reference, open_reference
from latentclust.labelling.reference.resample import aligned
from latentclust.labelling.reference.scene_agreement import Beside, PixelCounts, SceneAgreement, facts_of, protocol_of
from latentclust.labelling.reference.scene_baselines import ScenePixels, score_scene_baselines
from latentclust.labelling.scenes.bands import match_bands
from latentclust.labelling.scenes.reader import band_reading, open_raster
from latentclust.labelling.windows.stitch import NO_DATA
from latentclust.model.model import ClusteringModel
from latentclust.specs.data import VOID, SealedMaps


def compare_scene(
    model: ClusteringModel,
    scene: Path,
    reference: Path,
    *,
    nodata: int | None = None,
    out: Path | None = None,
    listener: LabelListener | None = None,
) -> SceneAgreement:
    """Labels a scene as `label` does and compares it with a raster of classes, block by block.

    Args:
        model: Of label maps; its recipe names metrics and baselines.
        scene: A raster.
        reference: A raster of one band of whole numbers; where it is no data it has no class. One on another grid than
            the scene's is resampled by nearest neighbour.
        nodata: A value of the reference that is no class, beside what the file says.
        out: The folder that keeps the label raster; it is not kept unless said.
        listener: Receives progress events.

    Raises:
        LatentclustError: A scene that does not suit the model, a reference that is none, or no pixel valid in both.
        RunFailedError: The scene could not be labelled.
        InterruptedRunError: Ctrl-C or SIGTERM during the labelling.
    """
    began = time.monotonic()
    bands = band_reading(model, "model")
    with open_raster(scene) as file, open_raster(reference) as other:
        bands = match_bands(file, bands, str(scene)).bands
        band, blocks = check_reference(other, reference), blocks_of(file.height, file.width)
        with aligned(other, reference, file) as found, _folder(out) as folder:
            known = open_reference(found, band, reference, nodata, blocks)
            labels = _labelled(model, scene, folder, listener)
            tally, occupied = _counted(model, labels, known, blocks)
            pixels = _pixel_counts(tally, known, file.height * file.width, reference)
            images = ScenePixels(file, bands, scene, blocks, model.device)
            beside = Beside(*score_scene_baselines(model, images, known, occupied, tally))
    protocol = protocol_of(model, scene, reference, pixels)
    facts = facts_of(model, protocol, tally.scores(model.resolved.metrics), known.names, beside)
    seconds = time.monotonic() - began
    return SceneAgreement(replace(facts, seconds=seconds), found.how, pixels, labels if out else None)


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    """Where the label raster goes."""
    if out is not None:
        yield out
        return
    with TemporaryDirectory(prefix="latentclust-") as folder:
        yield Path(folder)


def _labelled(model: ClusteringModel, scene: Path, folder: Path, listener: LabelListener | None) -> Path:
    """The label raster."""
    (outcome,) = label(model, scene, folder, listener=listener).scenes
    if outcome.status != "done":
        raise RunFailedError.at(str(scene), outcome.reason.rstrip("."), "Mend the scene, then run the command again")
    return folder / outcome.output


def _counted(
    model: ClusteringModel, labels: Path, known: Reference, blocks: Sequence[Block]
) -> tuple[ContingencyCounter, list[int]]:
    """Clusters against classes, and the blocks that hold labels."""
    tally = ContingencyCounter(model.clusters, SealedMaps(known.maps), len(known.names))
    occupied = []
    with open_raster(labels) as file:
        for index, block in enumerate(blocks):
            with decode_errors(labels):
                clusters = file.read(window=block.window).astype(np.int64)
            if np.any(clusters != NO_DATA):
                occupied.append(index)
                tally.add(np.where(clusters == NO_DATA, VOID, clusters - 1), np.array([index]))
    return tally, occupied


def _pixel_counts(tally: ContingencyCounter, known: Reference, scene: int, reference: Path) -> PixelCounts:
    """How many pixels were compared; raises LatentclustError where none was."""
    assert tally.table is not None, "a reference was counted"
    found = PixelCounts(scene, int(tally.occupancy.sum()), known.pixels, int(tally.table.sum()))
    if not found.compared:
        what = f"has no class at any of the {found.labelled:,} labelled pixels of the scene"
        raise LatentclustError.at(str(reference), what, "Check that the two overlap, and both their nodata values")
    return found
