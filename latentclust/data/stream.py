"""A feed whose worker processes read samples and apply host views ahead of the training step."""

import os
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int64
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from latentclust.data.feed import Batch, EpochOrder, Feed
from latentclust.errors import Issue, LatentclustError
from latentclust.specs.data import ImageSource, MaskSource
from latentclust.specs.views import HostViewSpec

HostViews = Mapping[str, Sequence[HostViewSpec]]
"""Host steps by view name."""


class _Key(NamedTuple):
    """The epoch and the sample indices of a batch."""

    epoch: int
    indices: NDArray[np.int64]


class _Parcel(NamedTuple):
    """A batch on the host, or the issues of an error, because a DataLoader would re-raise it without them."""

    raw: Tensor
    indices: Tensor
    views: dict[str, Tensor]
    valid: Tensor | None = None
    issues: tuple[Issue, ...] = ()


class StreamFeed(Feed):
    """Batches read by worker processes, in pinned memory if the device is a GPU.

    Args:
        source: The samples; a copy is sent to each worker.
        order: Order of the samples.
        views: Host steps by view name, for images only.
        device: Device of the batches.
        workers: Number of worker processes, at most one for each usable core; 0 reads in this process.
        valid: Masks of valid pixels. None if all are valid.

    Raises:
        LatentclustError: If a data set of vectors has host views.
    """

    def __init__(
        self,
        source: ImageSource,
        order: EpochOrder,
        views: HostViews,
        device: torch.device,
        workers: int,
        valid: MaskSource | None = None,
    ) -> None:
        super().__init__(order)
        if views and source.dtype != np.uint8:
            where, what = f"views.{next(iter(views))}", f"requires images, got vectors of shape {source.shape}"
            raise LatentclustError.at(where, what, "Remove the view, or use a data set of images")
        self._dataset = _Batches(source, views, order.seed, valid)
        self._device = device
        self._workers = min(workers, usable_cores())
        self._due: tuple[EpochOrder, int, int] | None = None
        self._parcels: Iterator[_Parcel] = iter(())

    def read(self, index: Int64[Tensor, " n"]) -> Tensor:
        """Return the samples of any indices, read by this process."""
        raw = np.ascontiguousarray(self._dataset.source.read(index.cpu().numpy()))
        return self._moved(torch.from_numpy(raw))

    def _batch(self, epoch: int, position: int) -> Batch:
        if (self._order, epoch, position) != self._due:
            self._parcels = self._from(epoch, position)
        self._due = (self._order, *self._order.after(epoch, position))
        parcel = next(self._parcels)
        if parcel.issues:
            raise LatentclustError(*parcel.issues)
        views = {name: self._moved(view) for name, view in parcel.views.items()}
        valid = None if parcel.valid is None else self._moved(parcel.valid)
        return Batch(raw=self._moved(parcel.raw), index=self._moved(parcel.indices), views=views, valid=valid)

    def _from(self, epoch: int, position: int) -> Iterator[_Parcel]:
        """Return batches from a position on. The loader gets its own generator, so that it does not use torch's."""
        loader: DataLoader[_Parcel] = DataLoader(
            self._dataset,
            batch_size=None,
            sampler=_keys(self._order, epoch, position),
            num_workers=self._workers,
            pin_memory=self._device.type == "cuda",
            generator=torch.Generator(),
        )
        return iter(loader)

    def _moved(self, tensor: Tensor) -> Tensor:
        return tensor.to(self._device, non_blocking=True)


def read_with_views(source: ImageSource, views: HostViews, seed: int, epoch: int, indices: NDArray[np.int64]) -> Batch:
    """Return samples with their host views, on the CPU, read by this process.

    Args:
        source: The samples.
        views: Host steps by view name; views without host steps are ignored.
        seed: Seed of the views.
        epoch: Number of the draw: every one draws other views.
        indices: Samples to read.
    """
    steps = {name: tuple(specs) for name, specs in views.items() if specs}
    parcel = _Batches(source, steps, seed, None)[_Key(epoch, indices)]
    if parcel.issues:
        raise LatentclustError(*parcel.issues)
    return Batch(raw=parcel.raw, index=parcel.indices, views=parcel.views)


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _keys(order: EpochOrder, epoch: int, position: int) -> Iterator[_Key]:
    while True:
        for indices in order.batches(epoch)[position:]:
            yield _Key(epoch, indices)
        epoch, position = epoch + 1, 0


class _Batches(Dataset[_Parcel]):
    """A data set whose items are batches by key; it runs in the workers."""

    def __init__(self, source: ImageSource, views: HostViews, seed: int, valid: MaskSource | None) -> None:
        self.source = source
        self._valid = valid
        self._views = views
        self._seed = seed

    def __getitem__(self, key: _Key) -> _Parcel:
        indices = torch.from_numpy(key.indices)
        try:
            # A transposed array keeps its memory layout when read, and the last bits of a convolution depend on it.
            raw = np.ascontiguousarray(self.source.read(key.indices))
            views = {name: torch.from_numpy(self._view(name, raw, key)) for name in self._views}
            valid = None if self._valid is None else torch.from_numpy(self._valid.read(key.indices))
        except LatentclustError as error:
            return _Parcel(indices, indices, {}, issues=error.issues)
        return _Parcel(torch.from_numpy(raw), indices, views, valid)

    def _view(self, name: str, raw: NDArray[np.uint8], key: _Key) -> NDArray[np.uint8]:
        out = np.empty_like(raw)
        for target, image, index in zip(out, raw, key.indices, strict=True):
            seen = np.ascontiguousarray(image.transpose(1, 2, 0))
            for step, spec in enumerate(self._views[name]):
                seen = _checked(spec.apply_one(seen, _draw(self._seed, key.epoch, index, name, step)), seen, name)
            target[...] = seen.transpose(2, 0, 1)
        return out


def _draw(seed: int, epoch: int, index: Any, name: str, step: int) -> int:
    """Return the 32-bit seed of one step on one image; it differs by epoch, sample, view and step."""
    entropy = (seed, epoch, int(index), zlib.crc32(name.encode()), step)
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])


def _checked(after: NDArray[np.uint8], before: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    if after.shape != before.shape or after.dtype != np.uint8:
        what = f"must return a uint8 image {before.shape}, returned {after.dtype} {after.shape}"
        raise LatentclustError.at(f"views.{name}", what, "Use steps that keep the shape and the type of an image")
    return after
