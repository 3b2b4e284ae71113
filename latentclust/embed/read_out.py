"""The read-out: the model computes code, cluster and confidence of every image, and they are kept on disk."""

import time
from dataclasses import dataclass

import numpy as np
import torch

from latentclust.data.subset import SubsetSource
from latentclust.embed.row_file import RowFile
from latentclust.embed.work_folder import WorkFolder
from latentclust.infer.codes import Codes, codes_of
from latentclust.model.codes import represent_by
from latentclust.model.model import ClusteringModel
from latentclust.phases import Phases
from latentclust.specs.data import ImageSource

SECONDS = 5.0
"""Time between two commits, which a stop loses at most."""

BATCH = 500
"""Largest number of images that are read at once."""

READ, GENERATOR = "read", "generator"
"""Keys of the progress: number of images that are read out, and state of the generator of an inference that samples."""


@dataclass(frozen=True, slots=True)
class ReadOut:
    """The files of the rows of all images.

    Attributes:
        code: Codes, float32.
        features: Features, float32. None if they are not needed.
        cluster: Clusters, int64, counted from 0.
        confidence: Probabilities of the clusters, float32.
    """

    code: RowFile
    features: RowFile | None
    cluster: RowFile
    confidence: RowFile

    @property
    def files(self) -> list[RowFile]:
        """All files."""
        return [file for file in (self.code, self.features, self.cluster, self.confidence) if file is not None]

    def append(self, parts: list[Codes]) -> None:
        """Add the rows of batches."""
        self.code.append(torch.cat([part.code for part in parts]).numpy())
        self.cluster.append(torch.cat([part.posterior.labels for part in parts]).numpy()[:, None])
        self.confidence.append(torch.cat([part.posterior.confidence for part in parts]).numpy()[:, None])
        if self.features is not None:
            features = [part.features for part in parts if part.features is not None]
            self.features.append(torch.cat(features).numpy())


def read_out(
    model: ClusteringModel, source: ImageSource, folder: WorkFolder, seed: int, features: bool, phases: Phases
) -> ReadOut:
    """Compute the rows of all images, from where a stopped read-out ended.

    Args:
        model: A model of whole images.
        source: The images.
        folder: Folder of the files.
        seed: Random seed of an inference that samples.
        features: Whether features are computed.
        phases: Tells the progress.

    Raises:
        LatentclustError: If an image cannot be read, or a result is not finite.
    """
    done = int(folder.progress.get(READ, 0))
    found = _open(model, folder, features)
    for file in found.files:
        file.cut(done)
    represent = represent_by(model) if features else None
    size = min(BATCH, model.resolved.recipe.evaluate.batch_size)
    left = SubsetSource(source, np.arange(done, len(source)))
    batches, rng = model.batches(left, size, seed)
    start = rng.get_state()
    if GENERATOR in folder.progress:
        rng.set_state(torch.frombuffer(bytearray.fromhex(folder.progress[GENERATOR]), dtype=torch.uint8))
    count = phases.begin("reading out", len(source), "images")
    count.add(done)
    held: list[Codes] = []
    committed = time.monotonic()
    for codes in codes_of(model.inference, model.model, model.state, batches, rng, represent, count):
        held.append(codes)
        done += len(codes.posterior.probabilities)
        if time.monotonic() - committed > SECONDS or done == len(source):
            found.append(held)
            state = rng.get_state()
            # A generator that nothing draws from is not kept: that of another kind of device has no such state.
            drawn = {} if torch.equal(state, start) else {GENERATOR: state.numpy().tobytes().hex()}
            folder.commit(**{READ: done}, **drawn)
            held, committed = [], time.monotonic()
    return found


def _open(model: ClusteringModel, folder: WorkFolder, features: bool) -> ReadOut:
    """Return the files, whose widths are those of a read-out of one image of zeros."""
    zeros = torch.zeros(1, *model.raw_shape, device=model.device)
    rng = torch.Generator(model.device).manual_seed(0)
    represent = represent_by(model) if features else None
    batch = model.preprocess(zeros, rng)  # type: ignore[arg-type]
    (one,) = codes_of(model.inference, model.model, model.state, [batch], rng, represent)
    files = {"code": one.code.shape[1], "cluster": 1, "confidence": 1}
    opened = {
        name: RowFile(folder.path / name, width, np.int64 if name == "cluster" else np.float32)
        for name, width in files.items()
    }
    extra = None if one.features is None else RowFile(folder.path / "features", one.features.shape[1], np.float32)
    return ReadOut(opened["code"], extra, opened["cluster"], opened["confidence"])
