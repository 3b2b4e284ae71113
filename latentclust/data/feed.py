"""Endless shuffled batches in an order that depends on the seed, the epoch and the rank alone."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int64, UInt8
from torch import Tensor

from latentclust.data.sources import UINT8_MAX
from latentclust.errors import LatentclustError
from latentclust.tensors import Images

BANK_RANK = 3
"""Axes of a batch of rows of a feature bank: samples, the image and its views, values."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The samples of one training step with their indices. It contains no labels.

    Attributes:
        raw: Samples on the device: uint8 images, float32 vectors, or rows of a feature bank, `(1 + v, d)` with v views.
        index: Indices of the samples in the data set.
        views: Images after the host steps of each view that has any, by view name.
        valid: Valid pixels. None if all are valid.
    """

    raw: UInt8[Tensor, "b c h w"] | Float32[Tensor, "b *v d"]
    index: Int64[Tensor, " b"]
    views: Mapping[str, UInt8[Tensor, "b c h w"]]
    valid: Bool[Tensor, "b h w"] | None = None


def to_float(raw: UInt8[Tensor, "b c h w"] | Float32[Tensor, "b *v d"]) -> Images:
    """Return raw samples as float32, images in [0, 1]. Of rows with views, these are the features of the images."""
    if raw.dtype == torch.uint8:
        return Images(raw.to(torch.float32) / UINT8_MAX)
    return Images(raw[:, 0] if raw.dim() == BANK_RANK else raw)


@dataclass(frozen=True, slots=True)
class EpochOrder:
    """The order of samples: one permutation of the data set per epoch, distributed over the ranks.

    Attributes:
        samples: Number of samples in the data set.
        batch_size: Number of samples per batch on each rank. The last, incomplete batch of an epoch is dropped.
        seed: Seed of the permutations, not negative.
        rank: Rank of this process.
        world: Number of processes.
        fixed: Whether a sample always goes to the same rank, its index modulo `world`, as chains require.

    Raises:
        LatentclustError: If the data set is too small for one batch on each rank.
    """

    samples: int
    batch_size: int
    seed: int
    rank: int = 0
    world: int = 1
    fixed: bool = False

    def __post_init__(self) -> None:
        """Raise LatentclustError if an epoch has no batch."""
        if not len(self):
            what = f"{self.batch_size} on each of {self.world} processes exceeds the {self.samples} samples"
            raise LatentclustError.at("train.batch_size", what, f"Set at most {self.samples // self.world}")

    def __len__(self) -> int:
        """Return the number of batches per epoch."""
        return self.samples // self.world // self.batch_size

    def batches(self, epoch: int) -> Int64[np.ndarray, "batches b"]:
        """Return this rank's sample indices in the order of an epoch, one row per batch."""
        permutation = np.random.default_rng((self.seed, epoch)).permutation(self.samples)
        own = permutation % self.world == self.rank if self.fixed else np.s_[self.rank :: self.world]
        mine = permutation[own][: len(self) * self.batch_size]
        return mine.reshape(len(self), self.batch_size).astype(np.int64)

    def after(self, epoch: int, position: int) -> tuple[int, int]:
        """Return the epoch and position of the next batch."""
        return (epoch, position + 1) if position + 1 < len(self) else (epoch + 1, 0)


class Feed(ABC):
    """An endless supply of batches that can be resumed at any batch."""

    def __init__(self, order: EpochOrder) -> None:
        self._order = order
        self._epoch = 0
        self._position = 0

    def __len__(self) -> int:
        """Return the number of batches per epoch."""
        return len(self._order)

    @property
    def samples(self) -> int:
        """Number of samples in the training set."""
        return self._order.samples

    def set_batch_size(self, batch_size: int) -> None:
        """Continue with batches of another size from the next epoch on. Nothing changes if the size is the same."""
        if batch_size == self._order.batch_size:
            return
        self._order = replace(self._order, batch_size=batch_size)
        self._epoch, self._position = self._epoch + (self._position > 0), 0

    def next(self) -> Batch:
        """Return the next batch."""
        batch = self._batch(self._epoch, self._position)
        self._epoch, self._position = self._order.after(self._epoch, self._position)
        return batch

    def state(self) -> dict[str, int]:
        """Return the epoch and position of the batch that `next` will return."""
        return {"epoch": self._epoch, "position": self._position}

    def restore(self, state: Mapping[str, int]) -> None:
        """Continue from a state that `state` returned. Raise LatentclustError if an epoch has no such batch."""
        epoch, position = state["epoch"], state["position"]
        if epoch < 0 or not 0 <= position < len(self):
            what = f"the checkpoint is at batch {position} of epoch {epoch}, but an epoch has {len(self)} batches"
            raise LatentclustError.at("resume", what, "Resume with the batch size, data and devices of the first run")
        self._epoch, self._position = epoch, position

    @abstractmethod
    def read(self, index: Int64[Tensor, " n"]) -> Tensor:
        """Return the samples of any indices, as stored, on the device."""

    @abstractmethod
    def _batch(self, epoch: int, position: int) -> Batch:
        """Return a batch. Calls are in order except after `restore`."""
