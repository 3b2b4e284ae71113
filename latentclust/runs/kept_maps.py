"""Preprocessed label-map images that are kept in memory, so that each is preprocessed once."""

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from latentclust.assemble.experiment import Experiment
from latentclust.assemble.preprocess import Preprocess
from latentclust.data.open_feed import sequential
from latentclust.phases import SILENT, Phases
from latentclust.specs.data import ImageSet, ImageSource
from latentclust.train.allocator import keep_freed_memory

PIXELS_AT_ONCE = 2**17
"""Largest number of pixels that several images have which are preprocessed together, so that caches hold them."""


class KeptMaps(ImageSource):
    """Preprocessed images in memory.

    Args:
        array: Images `(n, c, h, w)` as the networks read them, float32.
    """

    preprocessed = True

    def __init__(self, array: NDArray[np.float32]) -> None:
        self.shape = array.shape[1:]
        self.dtype: np.dtype[Any] = array.dtype
        self._array = array

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._array)

    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return the images `(len(indices), c, h, w)`: the array itself if all are read in order, else a copy."""
        if np.array_equal(indices, np.arange(len(self))):
            return self._array
        samples: NDArray[Any] = self._array[indices]
        return samples


def with_kept_maps(
    experiment: Experiment,
    tested: ImageSet,
    device: torch.device,
    phases: Phases = SILENT,
    *,
    repeated: bool | None = None,
) -> tuple[Experiment, ImageSet]:
    """Return an experiment and its test data whose images are preprocessed already, if they are read repeatedly.

    Images are kept if the recipe has label maps, preprocessing steps and no views, `data.resident` is not false, and
    the preprocessed images fit into `data.memory_limit`. Otherwise the arguments are returned.

    Args:
        experiment: The experiment.
        tested: Data set that is scored. Another than that of the training is preprocessed when it is scored.
        device: Device that computes the images.
        phases: Tells the progress.
        repeated: Whether the images are read repeatedly. None: if the training alone does.
    """
    resolved, data = experiment.resolved, experiment.data
    table, train = resolved.recipe.data, resolved.recipe.train
    size = len(data.source) * int(np.prod(experiment.shape)) * np.dtype(np.float32).itemsize
    if repeated is None:
        repeated = train.rounds * train.batch_size * train.devices > len(data.source)
    readable = resolved.prior.per_pixel and resolved.preprocess and not resolved.views and experiment.bank is None
    if not (readable and repeated and table.resident and size <= table.memory_limit):
        return experiment, tested
    kept = replace(data, features=_keep(data.source, experiment.preprocess, experiment.shape, device, phases))
    return replace(experiment, data=kept, bank=kept.features), kept if tested is data else tested


@torch.no_grad()
def _keep(
    source: ImageSource, preprocess: Preprocess, shape: tuple[int, ...], device: torch.device, phases: Phases
) -> KeptMaps:
    keep_freed_memory()
    count = phases.begin("preprocessing", len(source), "images")
    found = np.empty((len(source), *shape), np.float32)
    rng = torch.Generator(device).manual_seed(0)  # no step of the preprocessing draws numbers
    for images, at in sequential(source, max(1, PIXELS_AT_ONCE // prod(shape[1:])), device):
        found[at.cpu().numpy()] = preprocess(images, rng).cpu().numpy()
        count.add(len(images))
    return KeptMaps(found)
