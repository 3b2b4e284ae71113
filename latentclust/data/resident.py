"""A whole data set on the device: a batch is one gather there, without a copy from the host or a synchronisation."""

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from latentclust.data.feed import Batch, EpochOrder, Feed
from latentclust.specs.data import ImageSource, MaskSource


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
