"""Freed memory is kept for the next step where the C library is glibc."""

import ctypes
import platform
import resource

import pytest
import torch

from latentclust.train.allocator import keep_freed_memory


def test_nothing_changes_on_other_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert not keep_freed_memory()
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not keep_freed_memory(), "a C library without mallopt"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="requires glibc")
def test_a_block_that_is_allocated_again_needs_no_new_pages() -> None:
    assert keep_freed_memory()
    for _ in range(16):  # the first few leave gaps that are too small for the next
        torch.ones(2**22)  # 16 MiB
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(8):
        torch.ones(2**22)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    assert faults < 2**22 * 4 / 4096, "fewer than one block has pages"
