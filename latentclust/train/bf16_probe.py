"""Whether this CPU computes in bf16 faster than in fp32."""

import time
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

GAIN = 1.25
"""Smallest ratio of the times of fp32 and bf16. Native bf16 reaches about 2, emulated bf16 at most 1."""

REPEATS = 7
"""Number of interleaved timings of each precision, of which the fastest counts, so that other processes do not."""


@cache
def bf16_is_faster() -> bool:
    """Return whether bf16 is at least `GAIN` times as fast as fp32 on this CPU.

    oneDNN must support bf16. Then the forward and backward passes of one convolution and one linear layer are timed in
    both precisions, in about 0.1 s. No random number is drawn.
    """
    has_onednn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if not (has_onednn and torch.ops.mkldnn._is_mkldnn_bf16_supported()):
        return False
    probes = {dtype: _Probe(dtype) for dtype in (torch.float32, torch.bfloat16)}
    seconds: dict[torch.dtype, list[float]] = {dtype: [] for dtype in probes}
    for _ in range(REPEATS):
        for dtype, probe in probes.items():
            seconds[dtype].append(probe.time())
    return min(seconds[torch.float32]) >= GAIN * min(seconds[torch.bfloat16])


class _Probe:
    """A convolution and a linear layer of the size of those of DCGAN on MNIST, with 8 images."""

    def __init__(self, dtype: torch.dtype) -> None:
        self._maps = self._ones((8, 64, 14, 14), dtype)
        self._kernels = self._ones((128, 64, 4, 4), dtype)
        self._weights = self._ones((1024, 128 * 7 * 7), dtype)

    def time(self) -> float:
        """Return the CPU seconds of the forward and backward passes."""
        start = time.process_time()
        features = functional.conv2d(self._maps, self._kernels, stride=2, padding=1)
        total = functional.linear(features.flatten(1), self._weights).sum()
        torch.autograd.grad(total, (self._maps, self._kernels, self._weights))
        return time.process_time() - start

    @staticmethod
    def _ones(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        return torch.ones(shape, dtype=dtype, requires_grad=True)
