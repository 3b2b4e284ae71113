"""Whether a part draws from the generator that it is given, and from no other."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latentclust.testing.subject import require

Values = Sequence[Any]
"""Tensors, arrays or numbers."""


def repeats(compute: Callable[[], Values]) -> None:
    """Requires the same bits of two computations, whatever the global generators hold, and that they hold it still.

    Args:
        compute: Computes anew, from generators and seeds that it makes itself.
    """
    with _global_seed(1):
        first = compute()
    with _global_seed(2):
        again = compute()
    alike = len(first) == len(again) and all(map(bitwise_equal, first, again))
    require(alike, "computed twice from the same generator or seed, it gives different bits")


def bitwise_equal(one: Any, other: Any) -> bool:
    """Whether two values are the same, bit for bit; NaN is like NaN."""
    if isinstance(one, Tensor):
        return isinstance(other, Tensor) and _bits(one) == _bits(other)
    return bool(np.array_equal(np.asarray(one), np.asarray(other)))


def _bits(tensor: Tensor) -> tuple[Any, ...]:
    plain = tensor.detach().cpu().contiguous()
    return plain.dtype, plain.shape, plain.view(-1).view(torch.uint8).numpy().tobytes() if plain.numel() else b""


@contextmanager
def _global_seed(seed: int) -> Iterator[None]:
    """Seeds the global generators, requires that nobody draws from numpy's and torch's, and puts them back.

    Python's own may be drawn from: beartype, which checks jaxtyping's shapes, does.
    """
    kept = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        before = _states()
        yield
        drawn = [name for name, state in _states().items() if state != before[name]]
        require(not drawn, f"it draws from the global generator of {' and '.join(drawn)}")
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])
        torch.set_rng_state(kept[2])


def _states() -> dict[str, bytes]:
    return {
        "numpy": repr(
            [part if not isinstance(part, np.ndarray) else part.tobytes() for part in np.random.get_state()]
        ).encode(),
        "torch": torch.get_rng_state().numpy().tobytes(),
    }
