"""Torch's own generators, which belong to the caller and to all threads of the process."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

import torch

CPU = torch.device("cpu")

_ONE_AT_A_TIME = RLock()
"""Lock of the generators. A thread that forks them waits for the others to restore them."""


@contextmanager
def fork_generators(device: torch.device) -> Iterator[None]:
    """Restore torch's own generators after the block: the CPU's and, on a GPU, the device's.

    Blocks of several threads run one after another, so that the numbers that each draws depend on its own seed alone.
    """
    with _ONE_AT_A_TIME, torch.random.fork_rng(devices=[device] if device.type == "cuda" else ()):
        yield


def seed_generators(device: torch.device, seed: int) -> None:
    """Seed torch's own generators of the CPU and of the device, and no other device's, as `torch.manual_seed` would."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
