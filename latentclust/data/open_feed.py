"""The choice between a resident and a streamed set, and the plain reading of a set for inference."""

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
"""Whether a set lives on the device: always, never, or where it fits the memory limit."""

PIXELS_AT_ONCE = 2**20
"""Pixels in a batch of label maps, at most and unless one image has more: their probabilities take 4 K bytes each."""


class ResidentFeed(Feed):
    """Batches gathered on the device. Once an epoch its order is copied there."""

    def __init__(
        self, source: ImageSource, order: EpochOrder, device: torch.device, valid: MaskSource | None = None
    ) -> None:
        """Reads the whole source, and its masks; out of memory on the device is torch's own error."""
        super().__init__(order)
        everything = np.arange(len(source))
        self._samples = torch.from_numpy(source.read(everything)).to(device)
        self._valid = None if valid is None else torch.from_numpy(valid.read(everything)).to(device)
        self._dealt: tuple[int, Tensor] | None = None

    def read(self, index: Int64[Tensor, " n"]) -> Tensor:
        """The samples of any indices, gathered on the device."""
        return self._samples.index_select(0, index)

    def _batch(self, epoch: int, position: int) -> Batch:
        index = self._deal(epoch)[position]
        valid = None if self._valid is None else self._valid.index_select(0, index)
        return Batch(raw=self._samples.index_select(0, index), index=index, views={}, valid=valid)

    def _deal(self, epoch: int) -> Tensor:
        if self._dealt is None or self._dealt[0] != epoch:
            batches = torch.from_numpy(self._order.batches(epoch)).to(self._samples.device)
            self._dealt = (epoch, batches)
        return self._dealt[1]


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
    """The feed for a set. Which one is chosen changes no batch, only where it is made.

    A set that would be resident but has host views is decoded once into this process's memory and streamed from there.

    Args:
        source: The samples.
        views: Host views by name; one without steps is left out.
        batch_size: On each rank.
        seed: Of the order and of the host views.
        device: Where batches go.
        resident: Whether the set lives on the device.
        memory_limit: Bytes that a resident set may take under `auto`.
        workers: Processes that read a streamed set.
        rank: This process.
        world: How many processes there are.
        fixed: Whether each sample stays on one rank.
        valid: Which pixels count, where not all do.

    Raises:
        LatentclustError: The set is smaller than a batch on each rank, or host views on vectors.
    """
    order = EpochOrder(len(source), batch_size, seed, rank, world, fixed)
    steps = {name: tuple(specs) for name, specs in views.items() if specs}
    keep = resident is True or (resident == "auto" and byte_size(source, valid) <= memory_limit)
    if keep and not steps:
        return ResidentFeed(source, order, device, valid)
    held = ArraySource(source.read(np.arange(len(source)))) if keep and not isinstance(source, ArraySource) else source
    return StreamFeed(held, order, steps, device, workers, valid)


def byte_size(source: ImageSource, valid: MaskSource | None = None) -> int:
    """Bytes of the whole set in memory, with a byte for each pixel of its masks."""
    masks = 0 if valid is None else np.prod(source.shape[-2:])
    return int(len(source) * (np.prod(source.shape) * source.dtype.itemsize + masks))


def map_batch(batch_size: int, height: int, width: int) -> int:
    """The images of `height` x `width` pixels in a batch of label maps: at least one, at most `batch_size`."""
    return max(1, min(batch_size, PIXELS_AT_ONCE // (height * width)))


def sequential(
    source: ImageSource, batch_size: int, device: torch.device
) -> Iterator[tuple[Images, Int64[Tensor, " b"]]]:
    """All samples in order, none dropped, as float batches on the device, with their indices."""
    for start in range(0, len(source), batch_size):
        indices = np.arange(start, min(start + batch_size, len(source)), dtype=np.int64)
        raw = torch.from_numpy(source.read(indices)).to(device)
        yield to_float(raw), torch.from_numpy(indices).to(device)
