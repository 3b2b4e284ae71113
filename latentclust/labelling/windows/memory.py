"""Memory of a labelling run, and batches that fit a limit."""

from dataclasses import replace

import torch

from latentclust.assemble.memory import physical_memory
from latentclust.errors import LatentclustError
from latentclust.infer.posteriors import posterior_of
from latentclust.labelling.label_settings import LabelSettings
from latentclust.labelling.outputs.cog import BLOCK
from latentclust.labelling.windows.grid import window_count
from latentclust.labelling.windows.tensor_bytes import TensorBytes
from latentclust.tensors import Images, Mask

FLOAT = 4
MEGABYTE = 1_000_000

SPAN = 256
"""Memory of one row or column of windows in the list of a scene, in bytes."""

STRIP = 1000
"""Memory of one strip in the list of a scene, in bytes. A strip has at least one row of windows."""

COPIES = 3
"""Batches of windows in memory: one in use, one waiting, and one being read."""


def limit_batch(settings: LabelSettings, limit: int) -> LabelSettings:
    """Return the settings with a batch that fits into half of `limit` bytes, at most as large as before.

    The rest is for strips; `check_scene_memory` holds scenes against it.

    Raises:
        LatentclustError: If a single window needs more.
    """
    each = window_bytes(settings)
    if limit // 2 < each:
        what = f"{limit / MEGABYTE:,.0f} MB, and one window takes {each / MEGABYTE:,.0f} MB"
        raise LatentclustError.at(
            "--max-memory", f"{what}, and it may take half of it", "Raise it, or use a smaller --tile"
        )
    batch = min(settings.batch, limit // 2 // each)
    return replace(settings, batch=batch, strip_limit=limit - batch * each)


def check_scene_memory(settings: LabelSettings, extent: tuple[int, int], width: int, where: str) -> None:
    """Raise LatentclustError if a scene exceeds the memory that is left for it.

    Args:
        settings: Settings of the run. Without a limit, the limit is the memory of this machine.
        extent: Height and width of the scene in pixels.
        width: Number of columns that are labelled.
        where: Name of the scene.
    """
    needed, limit = scene_bytes(settings, extent, width), settings.strip_limit
    if needed <= (physical_memory() if limit is None else limit):
        return
    left, fix = "this machine has", "Use a smaller --tile, or label parts of it with --bbox"
    if limit is not None:
        left, fix = "--max-memory leaves", "Raise it, or use a smaller --tile"
    available = physical_memory() if limit is None else limit
    what = f"its strips take {needed / MEGABYTE:,.0f} MB, and {left} {available / MEGABYTE:,.0f}"
    raise LatentclustError.at(where, what, fix)


def scene_bytes(settings: LabelSettings, extent: tuple[int, int], width: int) -> int:
    """Return the bytes of a scene: its longest strip, and the lists of its windows and strips."""
    rows, columns = (
        window_count(whole, side, shared)
        for whole, side, shared in zip(extent, settings.grid.tile, settings.grid.overlap, strict=True)
    )
    return strip_bytes(settings, width) + SPAN * (rows + columns) + STRIP * rows


def strip_bytes(settings: LabelSettings, width: int) -> int:
    """Return the bytes of a strip `width` pixels wide: sums of a window and of shared rows, and finished rows."""
    planes, (height, side) = settings.model.clusters + 1, settings.grid.tile
    shared = max(0, settings.grid.overlap[0] - 2 * settings.grid.margin[0])
    sums = FLOAT * planes * (2 * height * side + 3 * shared * width)
    every = settings.model.clusters if "probabilities" in settings.strip_rasters else 0
    finished = 3 * height * width + every * width * (height + 2 * BLOCK)
    return sums + finished


def window_bytes(settings: LabelSettings) -> int:
    """Return the bytes of one window of a batch: its pixels, its probabilities, and the peak of what computes them."""
    height, width = settings.grid.tile
    pixels = height * width
    read = COPIES * pixels * (len(settings.bands.bands) + 1) + FLOAT * pixels * len(settings.bands.bands)
    return read + 2 * FLOAT * pixels * settings.model.clusters + _computing(settings)


@torch.no_grad()
def _computing(settings: LabelSettings) -> int:
    """Return the largest number of bytes of tensors that preprocessing, networks and inference have at once.

    It is measured for one window with a pixel without data, so that the weights of coupled neighbours count.
    """
    model, (height, width) = settings.model, settings.grid.tile
    rng = torch.Generator(model.device).manual_seed(0)
    raw = torch.rand(1, model.raw_shape[0], height, width, generator=rng, device=model.device)
    valid = torch.ones(1, height, width, dtype=torch.bool, device=model.device)
    valid[0, 0, 0] = False
    tensors = TensorBytes()
    with tensors:
        images = model.preprocess(Images(raw), rng)
        posterior_of(model.inference, model.model, images, model.state, rng, model.stride, Mask(valid))
    return tensors.peak
