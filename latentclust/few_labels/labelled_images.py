"""The clusters of labelled images, and a digest of each by which it is recognized."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from latentclust.data.subset import SubsetSource
from latentclust.errors import LatentclustError
from latentclust.evaluate.label_votes import LabelVotes, votes_of_clusters
from latentclust.few_labels.label_table import LabelTable
from latentclust.infer.image_inputs import Inputs, Reading, open_inputs
from latentclust.model.model import ClusteringModel
from latentclust.model.naming_record import DIGEST_DIGITS
from latentclust.phases import SILENT, Phases
from latentclust.specs.data import ImageSource


@dataclass(frozen=True, slots=True)
class LabelledImages:
    """Labelled images with the clusters that a model assigns.

    Attributes:
        clusters: Cluster of each image, counted from 0.
        classes: Class of each image.
        digests: Beginning of the SHA-256 of each image as the model reads it.
        count: Number of clusters of the model.
        notes: Sentences about what the files contain and is not read.
    """

    clusters: Int[np.ndarray, " n"]
    classes: tuple[str, ...]
    digests: tuple[str, ...]
    count: int
    notes: tuple[str, ...]

    def votes(self) -> LabelVotes:
        """Return the labels as votes for classes of clusters."""
        return votes_of_clusters(self.clusters, self.classes, self.count)


def assign_images(
    model: ClusteringModel, where: str, table: LabelTable, seed: int = 0, phases: Phases = SILENT
) -> LabelledImages:
    """Assign labelled images to the clusters of a model. Images of another size are resized if training images were.

    Args:
        model: Model of whole images or of vectors.
        where: Name of the model, for messages.
        table: Labels.
        seed: Random seed of an inference that samples.
        phases: Tells the progress.

    Raises:
        LatentclustError: If the model labels pixels, or an image cannot be read or does not suit the model.
    """
    if model.per_pixel:
        what = f"labels pixels, but {table.path.name} has classes of whole images"
        raise LatentclustError.at(
            where,
            what,
            "Use points or polygons in scenes: clusters name --from areas.gpkg --scenes SCENES, and accuracy",
        )
    files = list(dict.fromkeys(row.path for row in table.rows))
    phases.begin("opening the labelled images")
    inputs = open_inputs(files, model.raw_shape, Reading.of(model.resolved.dataset))
    source = _labelled(table, inputs)
    digests = _digests(source)
    size = model.resolved.recipe.evaluate.batch_size
    clusters = model.predict(source, size, seed, phases=phases).labels.numpy().astype(np.int64)
    names = tuple(row.name for row in table.rows)
    notes = (*inputs.notes, *_repeats(table))
    return LabelledImages(clusters, names, digests, model.clusters, notes)


def _labelled(table: LabelTable, inputs: Inputs) -> ImageSource:
    """Return the labelled samples. Raise LatentclustError if an array file has fewer samples than a row says."""
    place = {(path, row): at for at, (path, row) in enumerate(zip(inputs.paths, inputs.rows.tolist(), strict=True))}
    wanted = []
    for row in table.rows:
        at = place.get((str(row.path.expanduser()), row.index))
        if at is None:
            count = inputs.paths.count(str(row.path))
            what = f"names the row {row.index} of {row.path.name}, which has {count:,} rows, counted from 0"
            raise LatentclustError.at(f"{table.path}, line {row.line}", what, "Correct the column index")
        wanted.append(at)
    return SubsetSource(inputs.source, np.array(wanted, np.int64))


def _digests(source: ImageSource) -> tuple[str, ...]:
    return tuple(_digest(source.read(np.array([at]))[0]) for at in range(len(source)))


def _digest(sample: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(sample).tobytes()).hexdigest()[:DIGEST_DIGITS]


def _repeats(table: LabelTable) -> tuple[str, ...]:
    if not table.repeated:
        return ()
    return (f"{table.repeated:,} row{'' if table.repeated == 1 else 's'} of {table.path.name} repeated another one",)
