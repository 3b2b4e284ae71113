"""A data set read, and put through its host views, by worker processes ahead of the training step."""

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
from latentclust.specs.parts import HostViewSpec

HostViews = Mapping[str, Sequence[HostViewSpec]]
"""By view name, the steps that make it of an image."""


class _Key(NamedTuple):
    """A batch to be made."""

    epoch: int
    indices: NDArray[np.int64]


class _Parcel(NamedTuple):
    """A batch on the host, or what was wrong: a loader would rebuild a raised error without its issues."""

    raw: Tensor
    indices: Tensor
    views: dict[str, Tensor]
    valid: Tensor | None = None
    issues: tuple[Issue, ...] = ()


class StreamFeed(Feed):
    """Batches made by workers, in pinned memory where the device is a GPU.

    Args:
        source: The samples; sent to each worker.
        order: Which of them make which batch.
        views: Steps on single images; images only.
        device: Where batches go.
        workers: Processes that read; 0 reads in this one.
        valid: Which pixels count, where not all do.

    Raises:
        LatentclustError: Views of a set of vectors.
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
            where, what = f"views.{next(iter(views))}", f"works on images; the samples are vectors of {source.shape}"
            raise LatentclustError.at(where, what, "Remove the view, or choose a data set of images")
        self._dataset = _Batches(source, views, order.seed, valid)
        self._device = device
        self._workers = workers
        self._due: tuple[int, int] | None = None
        self._parcels: Iterator[_Parcel] = iter(())

    def read(self, index: Int64[Tensor, " n"]) -> Tensor:
        """The samples of any indices, read by this process, which waits for them."""
        raw = np.ascontiguousarray(self._dataset.source.read(index.cpu().numpy()))
        return self._moved(torch.from_numpy(raw))

    def _batch(self, epoch: int, position: int) -> Batch:
        if (epoch, position) != self._due:
            self._parcels = self._from(epoch, position)
        self._due = self._order.after(epoch, position)
        parcel = next(self._parcels)
        if parcel.issues:
            raise LatentclustError(*parcel.issues)
        views = {name: self._moved(view) for name, view in parcel.views.items()}
        valid = None if parcel.valid is None else self._moved(parcel.valid)
        return Batch(raw=self._moved(parcel.raw), index=self._moved(parcel.indices), views=views, valid=valid)

    def _from(self, epoch: int, position: int) -> Iterator[_Parcel]:
        """A loader of batches from a place on. Its own generator keeps it from drawing on torch's global one."""
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


def _keys(order: EpochOrder, epoch: int, position: int) -> Iterator[_Key]:
    while True:
        for indices in order.batches(epoch)[position:]:
            yield _Key(epoch, indices)
        epoch, position = epoch + 1, 0


class _Batches(Dataset[_Parcel]):
    """Makes the batch of a key; runs in the workers."""

    def __init__(self, source: ImageSource, views: HostViews, seed: int, valid: MaskSource | None) -> None:
        self.source = source
        self._valid = valid
        self._views = views
        self._seed = seed

    def __getitem__(self, key: _Key) -> _Parcel:
        indices = torch.from_numpy(key.indices)
        try:
            # An array that was transposed stays so when read, and a convolution's last bits depend on it.
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
    """The 32-bit seed of one step on one image: another for each epoch, sample, view and step."""
    entropy = (seed, epoch, int(index), zlib.crc32(name.encode()), step)
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])


def _checked(after: NDArray[np.uint8], before: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    if after.shape != before.shape or after.dtype != np.uint8:
        what = f"made {after.dtype} {after.shape} of a uint8 image {before.shape}"
        raise LatentclustError.at(f"views.{name}", what, "Choose steps that keep an image's shape and type")
    return after
