"""Checks that a part uses only the generator that it is given."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latentclust.testing.subject import require

Values = Sequence[Any]
"""Sequence of tensors, arrays or numbers."""


def repeats(compute: Callable[[], Values]) -> None:
    """Require that two computations are bitwise equal, and that they do not depend on or change the global generators.

    Args:
        compute: Function that computes the values from generators and seeds that it creates.
    """
    with _global_seed(1):
        first = compute()
    with _global_seed(2):
        again = compute()
    equal = len(first) == len(again) and all(map(bitwise_equal, first, again))
    require(equal, "computed twice from the same generator or seed, its results differ")


def bitwise_equal(one: Any, other: Any) -> bool:
    """Return whether two values are equal bit for bit. NaN equals NaN."""
    if isinstance(one, Tensor):
        return isinstance(other, Tensor) and _bits(one) == _bits(other)
    return bool(np.array_equal(np.asarray(one), np.asarray(other)))


def _bits(tensor: Tensor) -> tuple[Any, ...]:
    plain = tensor.detach().cpu().contiguous()
    return plain.dtype, plain.shape, plain.view(-1).view(torch.uint8).numpy().tobytes() if plain.numel() else b""


@contextmanager
def _global_seed(seed: int) -> Iterator[None]:
    """Seed the global generators, require that those of numpy and torch are not used, and restore them.

    Python's own generator may be used: beartype, which checks jaxtyping shapes, does so.
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
