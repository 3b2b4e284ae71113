"""Feeds of resident and streamed data sets, and sequential reading for inference."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from latentclust.data.feed import Batch, EpochOrder, Feed, to_float
from latentclust.data.sources import ArraySource
from latentclust.data.stream import HostViews, StreamFeed
from latentclust.specs.data import ImageSource, MaskSource
from latentclust.tensors import Images

Resident = Literal["auto"] | bool
"""Whether a data set is kept on the device: always, never, or if it fits the memory limit."""

PIXELS_AT_ONCE = 2**20
"""Largest number of pixels in a batch of label maps with several images; probabilities take 4 K bytes per pixel."""


class ResidentFeed(Feed):
    """Batches gathered on the device, where the complete data set is kept. The order is copied there once per epoch.

    Args:
        source: The samples, which are all read at once. torch raises its own error if the device has too little memory.
        order: Order of the samples.
        device: Device of the batches.
        valid: Masks of valid pixels. None if all are valid.
    """

    def __init__(
        self, source: ImageSource, order: EpochOrder, device: torch.device, valid: MaskSource | None = None
    ) -> None:
        super().__init__(order)
        everything = np.arange(len(source))
        self._samples = torch.from_numpy(source.read(everything)).to(device)
        self._valid = None if valid is None else torch.from_numpy(valid.read(everything)).to(device)
        self._dealt: tuple[EpochOrder, int, Tensor] | None = None

    def read(self, index: Int64[Tensor, " n"]) -> Tensor:
        """Return the samples of any indices, gathered on the device."""
        return self._samples.index_select(0, index)

    def _batch(self, epoch: int, position: int) -> Batch:
        index = self._deal(epoch)[position]
        valid = None if self._valid is None else self._valid.index_select(0, index)
        return Batch(raw=self._samples.index_select(0, index), index=index, views={}, valid=valid)

    def _deal(self, epoch: int) -> Tensor:
        if self._dealt is None or self._dealt[:2] != (self._order, epoch):
            batches = torch.from_numpy(self._order.batches(epoch)).to(self._samples.device)
            self._dealt = (self._order, epoch, batches)
        return self._dealt[2]


def open_feed(  # noqa: PLR0913 (the recipe's data and train tables, and the place of this process)
    source: ImageSource,
    views: HostViews,
    batch_size: int,
    seed: int,
    device: torch.device,
    *,
    resident: Resident,
    memory_limit: int,
    workers: int,
    rank: int = 0,
    world: int = 1,
    fixed: bool = False,
    valid: MaskSource | None = None,
) -> Feed:
    """Return the feed of a data set. Resident and streamed feeds return the same batches.

    A data set that would be resident but has host views is decoded once into host memory and streamed from there.

    Args:
        source: The samples.
        views: Host steps by view name; views without host steps are ignored.
        batch_size: Number of samples per batch on each rank.
        seed: Seed of the order and of the host views.
        device: Device of the batches.
        resident: Whether the data set is kept on the device.
        memory_limit: Largest size of a resident data set with `auto`, in bytes.
        workers: Number of processes that read a streamed data set.
        rank: Rank of this process.
        world: Number of processes.
        fixed: Whether each sample stays on one rank.
        valid: Masks of valid pixels. None if all are valid.

    Raises:
        LatentclustError: If the data set is smaller than a batch on each rank, or a data set of vectors has host views.
    """
    order = EpochOrder(len(source), batch_size, seed, rank, world, fixed)
    steps = {name: tuple(specs) for name, specs in views.items() if specs}
    keep = resident is True or (resident == "auto" and byte_size(source, valid) <= memory_limit)
    if keep and not steps:
        return ResidentFeed(source, order, device, valid)
    held = ArraySource(source.read(np.arange(len(source)))) if keep and not isinstance(source, ArraySource) else source
    return StreamFeed(held, order, steps, device, workers, valid)


def byte_size(source: ImageSource, valid: MaskSource | None = None) -> int:
    """Return the size of a data set in memory in bytes, with one byte per pixel of its masks."""
    masks = 0 if valid is None else np.prod(source.shape[-2:])
    return int(len(source) * (np.prod(source.shape) * source.dtype.itemsize + masks))


def map_batch(batch_size: int, height: int, width: int) -> int:
    """Return the number of images of `height` x `width` pixels per batch of label maps, from 1 to `batch_size`."""
    return max(1, min(batch_size, PIXELS_AT_ONCE // (height * width)))


def sequential(
    source: ImageSource, batch_size: int, device: torch.device
) -> Iterator[tuple[Images, Int64[Tensor, " b"]]]:
    """Yield all samples in order as float batches on the device, with their indices."""
    for start in range(0, len(source), batch_size):
        indices = np.arange(start, min(start + batch_size, len(source)), dtype=np.int64)
        raw = torch.from_numpy(source.read(indices)).to(device)
        yield to_float(raw), torch.from_numpy(indices).to(device)
