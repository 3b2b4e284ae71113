"""The peak of Python's memory during a call."""

import gc
import tracemalloc
from collections.abc import Callable


def peak_bytes(call: Callable[[], object], times: int = 2) -> int:
    """Return the largest number of bytes that a call has allocated at once: the smallest of several such peaks.

    Other threads, and finalizers of what earlier tests left, may allocate during one of the calls, but rarely in all.
    """
    return min(_peak(call) for _ in range(times))


def _peak(call: Callable[[], object]) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
