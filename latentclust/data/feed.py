"""Endless shuffled batches whose order is a function of the seed, the epoch and the rank alone."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int64, UInt8
from torch import Tensor

from latentclust.data.sources import UINT8_MAX
from latentclust.errors import LatentclustError
from latentclust.tensors import Images


@dataclass(frozen=True, slots=True)
class Batch:
    """What a training step is given; there are no labels in it.

    Attributes:
        raw: The samples on the device: uint8 images or float32 vectors.
        index: Where they stand in the data set.
        views: What the host views made of these images, by view name.
        valid: Which pixels count; None where all do.
    """

    raw: UInt8[Tensor, "b c h w"] | Float32[Tensor, "b d"]
    index: Int64[Tensor, " b"]
    views: Mapping[str, UInt8[Tensor, "b c h w"]]
    valid: Bool[Tensor, "b h w"] | None = None


def to_float(raw: UInt8[Tensor, "b c h w"] | Float32[Tensor, "b d"]) -> Images:
    """Raw samples as networks read them: float32, images in [0, 1]."""
    return Images(raw.to(torch.float32) / UINT8_MAX if raw.dtype == torch.uint8 else raw)


@dataclass(frozen=True, slots=True)
class EpochOrder:
    """Which samples make which batch: each epoch one permutation of the set, dealt to the ranks in turn.

    Attributes:
        samples: Size of the set.
        batch_size: Samples a batch on each rank; an epoch's last, incomplete batch is dropped.
        seed: Of all the permutations; not negative.
        rank: This process.
        world: How many processes there are.
        fixed: Whether a sample is always dealt to one rank, that of its index modulo `world`, as chains ask.

    Raises:
        LatentclustError: The set is too small for one batch on each rank.
    """

    samples: int
    batch_size: int
    seed: int
    rank: int = 0
    world: int = 1
    fixed: bool = False

    def __post_init__(self) -> None:
        """Refuses an epoch without a batch."""
        if not len(self):
            what = f"{self.batch_size} on each of {self.world} processes is more than the {self.samples} samples"
            raise LatentclustError.at("train.batch_size", what, f"Set at most {self.samples // self.world}")

    def __len__(self) -> int:
        """Batches an epoch."""
        return self.samples // self.world // self.batch_size

    def batches(self, epoch: int) -> Int64[np.ndarray, "batches b"]:
        """This rank's samples in the order of an epoch, a batch a row."""
        permutation = np.random.default_rng((self.seed, epoch)).permutation(self.samples)
        own = permutation % self.world == self.rank if self.fixed else np.s_[self.rank :: self.world]
        mine = permutation[own][: len(self) * self.batch_size]
        return mine.reshape(len(self), self.batch_size).astype(np.int64)

    def after(self, epoch: int, position: int) -> tuple[int, int]:
        """The epoch and position of the batch that follows."""
        return (epoch, position + 1) if position + 1 < len(self) else (epoch + 1, 0)


class Feed(ABC):
    """An endless supply of batches that can be left and taken up again at any batch."""

    def __init__(self, order: EpochOrder) -> None:
        self._order = order
        self._epoch = 0
        self._position = 0

    def __len__(self) -> int:
        """Batches an epoch."""
        return len(self._order)

    def next(self) -> Batch:
        """The batch whose turn it is."""
        batch = self._batch(self._epoch, self._position)
        self._epoch, self._position = self._order.after(self._epoch, self._position)
        return batch

    def state(self) -> dict[str, int]:
        """Epoch and position of the batch that `next` will return."""
        return {"epoch": self._epoch, "position": self._position}

    def restore(self, state: Mapping[str, int]) -> None:
        """Goes to where `state` was taken; raises LatentclustError where an epoch has no such batch."""
        epoch, position = state["epoch"], state["position"]
        if epoch < 0 or not 0 <= position < len(self):
            what = f"batch {position} of epoch {epoch}, where an epoch has {len(self)} batches"
            raise LatentclustError.at("resume", what, "Resume with the batch size, data and devices of the first run")
        self._epoch, self._position = epoch, position

    @abstractmethod
    def read(self, index: Int64[Tensor, " n"]) -> Tensor:
        """The samples of any indices, as stored, on the device."""

    @abstractmethod
    def _batch(self, epoch: int, position: int) -> Batch:
        """The batch at a place; called in order but for `restore`."""
