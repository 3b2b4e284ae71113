"""The data of all brief trainings, opened once: features are computed once, and no label is kept."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import final

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray

from latentclust.assemble.experiment import Experiment, assemble, with_variant
from latentclust.cluster_number.settings import BriefTraining, Settings, subsample_indices
from latentclust.data.open_feed import sequential
from latentclust.data.roots import data_roots
from latentclust.data.subset import SubsetSource, spread_indices, subset
from latentclust.errors import LatentclustError
from latentclust.evaluate.label_free import MAX_SILHOUETTE, draw
from latentclust.model.model import ClusteringModel
from latentclust.phases import SILENT, Phases
from latentclust.runs.dataset_scores import label_maps
from latentclust.runs.feature_banks import with_banks
from latentclust.runs.kept_maps import with_kept_maps
from latentclust.specs.data import ImageSet
from latentclust.train.devices import first_device
from latentclust.train.fabric import make_fabric

MAX_IMAGES = 20_000
"""Maximum number of images whose clusters are compared."""

MAX_MAPS = 64
"""Maximum number of images whose pixels are compared."""

MAX_PIXELS = 20_000
"""Maximum number of pixels that are compared, as many of each image."""

KMEANS_PART = 0.8
"""Part of the points of k-means for its stability, if the subsamples are all images."""

Indices = NDArray[np.int64]


@final
@dataclass(frozen=True)
class BriefData:
    """The data of all brief trainings.

    Attributes:
        settings: Settings of the choice.
        experiment: Experiment with the first number of clusters and all images. Its data have no labels.
        compared: Images whose clusters are compared, ascending.
        pixels: For label maps, the image (as a position in `compared`), row and column of each pixel `(n, 3)` whose
            cluster is compared. Otherwise None.
        fabric: Device of the trainings.
    """

    settings: Settings
    experiment: Experiment
    compared: Indices
    pixels: Indices | None
    fabric: Fabric

    @property
    def images(self) -> Indices:
        """Image of each sample or pixel that is compared, `(n,)`."""
        return self.compared if self.pixels is None else self.compared[self.pixels[:, 0]]

    @property
    def kmeans_part(self) -> float:
        """Part of the points that each k-means of a stability reads."""
        return self.settings.subsample if self.settings.subsample < 1 else KMEANS_PART

    @property
    def seed(self) -> int:
        """Seed of the recipe."""
        return self.experiment.resolved.recipe.seed

    def prepared(self, phases: Phases = SILENT) -> "BriefData":
        """Return the data with stored features or preprocessed images, which are computed if they are missing."""
        device = first_device(self.settings.device, 1)
        own, _ = with_banks(self.experiment, self.experiment.data, device, lambda text: _tell(phases, text))
        return replace(self, experiment=with_kept_maps(own, own.data, device, phases, repeated=True)[0])

    def part(self, number: int) -> Indices:
        """Return the images of a subsample."""
        return subsample_indices(len(self.experiment.data.source), self.settings.subsample, self.seed, number)

    def experiment_of(self, training: BriefTraining) -> Experiment:
        """Return the experiment of a training, which reads its subsample.

        Raises:
            LatentclustError: If the subsample has fewer images than clusters.
        """
        indices, bank = self.part(training.part), self.experiment.bank
        rows = None if bank is None else SubsetSource(bank, indices)
        resolved = self.settings.resolved(training.clusters, training.seed)
        return with_variant(self.experiment, resolved, subset(self.experiment.data, indices), rows)

    def labels_by(self, model: ClusteringModel) -> NDArray[np.int64]:
        """Return the cluster of each sample or pixel that is compared, `(n,)`, 0-based."""
        part, recipe = subset(self.experiment.data, self.compared), model.resolved.recipe
        if self.pixels is None:
            found = model.posteriors(part.inputs, recipe.evaluate.batch_size, recipe.seed)
            return np.concatenate([posterior.labels.numpy() for posterior in found]).astype(np.int64)
        labels = np.empty(len(self.pixels), np.int64)
        for batch in label_maps(model, part):
            for image, map_ in zip(batch.indices, batch.labels, strict=True):
                chosen = self.pixels[:, 0] == image
                labels[chosen] = map_[self.pixels[chosen, 1], self.pixels[chosen, 2]]
        return labels

    @cached_property
    @torch.no_grad()
    def points(self) -> NDArray[np.float32]:
        """Points `(n, d)` of k-means: features if the recipe has any, or else stored values or pixels."""
        if self.pixels is not None:
            return self._pixel_values()
        chosen = self.compared[draw(len(self.compared), MAX_SILHOUETTE)]
        part = subset(self.experiment.data, chosen)
        source = part.source if self.experiment.features is None else part.inputs
        size = self.experiment.resolved.recipe.evaluate.batch_size
        batches = sequential(source, size, torch.device("cpu"))
        return np.concatenate([images.flatten(1).numpy() for images, _ in batches]).astype(np.float32)

    def _pixel_values(self) -> NDArray[np.float32]:
        assert self.pixels is not None
        chosen = self.pixels[draw(len(self.pixels), MAX_SILHOUETTE)]
        values = []
        for image, (stored, _) in enumerate(sequential(self._compared().source, 1, torch.device("cpu"))):
            _, rows, columns = chosen[chosen[:, 0] == image].T
            values.append(stored[0].numpy()[:, rows, columns].T)
        return np.concatenate(values).astype(np.float32)

    def _compared(self) -> ImageSet:
        return subset(self.experiment.data, self.compared)


def open_data(settings: Settings, phases: Phases = SILENT) -> BriefData:
    """Open the data of a recipe without its labels.

    Raises:
        LatentclustError: If the recipe is invalid with one of the numbers of clusters, the data are missing, or a
            subsample has fewer images than clusters.
    """
    resolved = [settings.resolved(clusters) for clusters in settings.clusters]
    opened = assemble(resolved[0], data_roots(), phases)
    experiment = replace(opened, data=replace(opened.data, labels=None, classes=()))
    count = round(settings.subsample * len(experiment.data.source))
    most = settings.clusters[-1]
    per_pixel = resolved[0].prior.per_pixel
    if most > count and not per_pixel:
        what = f"{most} clusters exceed the {count:,} images of a subsample"
        raise LatentclustError.at("--clusters", what, f"Use at most {count}")
    compared = draw(len(experiment.data.source), MAX_MAPS if per_pixel else MAX_IMAGES)
    pixels = _draw_pixels(subset(experiment.data, compared)) if per_pixel else None
    opened_data = BriefData(settings, experiment, compared, pixels, make_fabric(settings.device, 1))
    _check_points(opened_data, most)
    return opened_data


def _check_points(data: BriefData, most: int) -> None:
    """Raise LatentclustError if k-means of a part of the points has fewer points than clusters."""
    points = min(len(data.images), MAX_SILHOUETTE)
    count = round(data.kmeans_part * points)
    if most > count:
        what = f"{most} clusters exceed the {count:,} of {points:,} {'images' if data.pixels is None else 'pixels'}"
        raise LatentclustError.at("--clusters", f"{what} that k-means reads", f"Use at most {count}")


def _draw_pixels(part: ImageSet) -> Indices:
    """Return image, row and column of valid pixels, evenly spread over each image, `(n, 3)`."""
    height, width = part.source.shape[1:]
    quota, found = -(-MAX_PIXELS // len(part.source)), []
    for image in range(len(part.source)):
        valid = np.arange(height * width)
        if part.valid is not None:
            valid = np.flatnonzero(part.valid.read(np.array([image]))[0])
        rows, columns = np.unravel_index(
            valid[spread_indices(len(valid), quota)] if len(valid) else valid, (height, width)
        )
        found.append(np.stack((np.full(len(rows), image), rows, columns), axis=1))
    return np.concatenate(found).astype(np.int64)


def _tell(phases: Phases, text: str) -> None:
    phases.begin(text)
