"""What a run keeps in memory at once, and how a limit is kept."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor, nn

from latentclust.errors import LatentclustError
from latentclust.infer.posteriors import posterior_of
from latentclust.labelling.label_settings import Plan
from latentclust.labelling.outputs.cog import BLOCK
from latentclust.tensors import Images

FLOAT = 4
MEGABYTE = 1_000_000

COPIES = 3
"""Batches of windows as they were read: at work, waiting, and being read."""


SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\s*", re.IGNORECASE)

POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def bytes_of(size: str) -> int:
    """Bytes of a size such as `2GB`, `512 MB` or `1.5g`, in powers of 1,000; raises LatentclustError for another."""
    found = SIZE.fullmatch(size)
    if not found or not float(found[1]):
        raise LatentclustError.at("--max-memory", f"{size!r} is no size", "Give one such as 2GB or 512MB")
    return int(float(found[1]) * 1000 ** POWERS[found[2].lower()])


def within_memory(plan: Plan, limit: int) -> Plan:
    """The plan with as large a batch as half of `limit` bytes allows, and no larger than it was.

    The rest is for strips; `check_width` holds scenes against it.

    Raises:
        LatentclustError: A single window takes more.
    """
    each = window_bytes(plan)
    if limit // 2 < each:
        what = f"{limit / MEGABYTE:,.0f} MB, and one window takes {each / MEGABYTE:,.0f} MB"
        raise LatentclustError.at(
            "--max-memory", f"{what}, which may be half of it", "Raise it, or use a smaller --tile"
        )
    batch = min(plan.batch, limit // 2 // each)
    return replace(plan, batch=batch, strip_limit=limit - batch * each)


def check_width(plan: Plan, width: int, where: str) -> None:
    """Raises LatentclustError where the strips of a scene `width` pixels wide take more than is left for them."""
    needed = strip_bytes(plan, width)
    if plan.strip_limit is not None and needed > plan.strip_limit:
        what = (
            f"its strips take {needed / MEGABYTE:,.0f} MB, and --max-memory leaves {plan.strip_limit / MEGABYTE:,.0f}"
        )
        raise LatentclustError.at(where, what, "Raise it, or use a smaller --tile")


def strip_bytes(plan: Plan, width: int) -> int:
    """What a strip of a scene `width` pixels wide takes: a window's sums, those of shared rows, and finished rows."""
    planes, (height, side) = plan.model.clusters + 1, plan.grid.tile
    shared = max(0, plan.grid.overlap[0] - 2 * plan.grid.margin[0])
    sums = FLOAT * planes * (2 * height * side + 3 * shared * width)
    every = plan.model.clusters if "probabilities" in plan.rasters else 0
    finished = 3 * height * width + every * width * (height + 2 * BLOCK)
    return sums + finished


def window_bytes(plan: Plan) -> int:
    """What one window of a batch takes: as read, its probabilities, and the layer that takes most."""
    height, width = plan.grid.tile
    pixels = height * width
    read = COPIES * pixels * (len(plan.bands.bands) + 1) + FLOAT * pixels * len(plan.bands.bands)
    return read + 2 * FLOAT * pixels * plan.model.clusters + _largest_layer(plan)


@torch.no_grad()
def _largest_layer(plan: Plan) -> int:
    """Bytes of the inputs and outputs of the layer that has most, for one window."""
    model, (height, width) = plan.model, plan.grid.tile
    rng = torch.Generator(model.device).manual_seed(0)
    raw = torch.rand(1, model.raw_shape[0], height, width, generator=rng, device=model.device)
    with _sizes(list(model.networks.values())) as sizes:
        posterior_of(model.inference, model.model, model.preprocess(Images(raw), rng), model.state, rng, model.stride)
    return max(sizes, default=0)


@contextmanager
def _sizes(networks: list[nn.Module]) -> Iterator[list[int]]:
    """Hears the bytes that go in and out of every layer."""
    sizes: list[int] = []

    def hear(layer: nn.Module, given: tuple[object, ...], found: object) -> None:
        sizes.append(sum(each.nbytes for each in (*given, found) if isinstance(each, Tensor)))

    layers = [layer for network in networks for layer in network.modules() if not list(layer.children())]
    handles = [layer.register_forward_hook(hear) for layer in layers]
    try:
        yield sizes
    finally:
        for handle in handles:
            handle.remove()
