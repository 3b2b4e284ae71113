"""Evenly spread samples of a set that is read in batches, in bounded memory."""

from collections.abc import Iterable

import torch
from torch import Tensor


def thinned(batches: Iterable[tuple[Tensor, ...]], most: int) -> tuple[Tensor, ...]:
    """Return every nth sample of all batches, with the least n, a power of 2, that leaves at most `most`.

    Args:
        batches: Tensors of the samples of a batch, `(b, *)` each; of all batches, as many.
        most: Largest number of samples that are returned.
    """
    kept: list[tuple[Tensor, ...]] = []
    step, position = 1, 0
    for batch in batches:
        first = -position % step
        kept.append(tuple(tensor[first::step] for tensor in batch))
        position += len(batch[0])
        while sum(len(part[0]) for part in kept) > most:
            kept, step = [tuple(tensor[::2] for tensor in _joined(kept))], 2 * step
    return _joined(kept)


def _joined(parts: list[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    return tuple(torch.cat(tensors) for tensors in zip(*parts, strict=True))
