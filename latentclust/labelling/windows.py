"""The grid of windows that covers one axis of a scene: what is read, what of it is kept, and with which weight."""

from dataclasses import dataclass
from math import pi
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from latentclust.errors import LatentclustError
from latentclust.map_networks import EncoderMapNetwork, HeadsMapNetwork, TrunkMapNetwork
from latentclust.model import ClusteringModel

Blend = Literal["hann", "crop"]
"""How windows meet: by Hann weights on probabilities, or by a cut in the middle of their overlap."""

OVERLAP_SHARE = 4
"""Neighbouring windows share their side over this, unless said otherwise."""

DISCARDED_SHARE = 4
"""At each end of a window the overlap over this is discarded, where windows blend; both sides make half of it."""

READERS = (EncoderMapNetwork, HeadsMapNetwork, TrunkMapNetwork)
"""The networks that read images."""


@dataclass(frozen=True, slots=True)
class Span:
    """What a window takes of one axis, in pixels from the raster's origin.

    Attributes:
        start: The first pixel read.
        stop: After the last pixel read.
        first: The first pixel kept.
        last: After the last pixel kept.
        weights: `(last - first,)`, of the kept pixels, in (0, 1].
    """

    start: int
    stop: int
    first: int
    last: int
    weights: NDArray[np.float32]

    @property
    def kept(self) -> slice:
        """The kept pixels, within the window."""
        return slice(self.first - self.start, self.last - self.start)


@dataclass(frozen=True, slots=True)
class Grid:
    """How scenes are cut into windows; rows before columns.

    Attributes:
        tile: Sides of a window, pixels; multiples of `stride`.
        overlap: Pixels that neighbouring windows share; multiples of `stride`, at most half a side.
        stride: What origins of windows are multiples of.
        blend: How windows meet.
    """

    tile: tuple[int, int]
    overlap: tuple[int, int]
    stride: int
    blend: Blend

    def rows(self, height: int) -> list[Span]:
        """The spans that cover `height` pixels."""
        return spans(height, self.tile[0], self.overlap[0], self.stride, self.blend)

    def columns(self, width: int) -> list[Span]:
        """The spans that cover `width` pixels."""
        return spans(width, self.tile[1], self.overlap[1], self.stride, self.blend)


def grid_of(model: ClusteringModel, tile: int | None, overlap: int | None, blend: Blend) -> Grid:
    """The grid of a model: its training tile and a quarter of it as overlap, unless said otherwise.

    Raises:
        LatentclustError: A tile or an overlap that is no multiple of the model's stride, or too great an overlap.
    """
    stride = int(np.lcm.reduce([1, *(net.stride for net in model.networks.values() if isinstance(net, READERS))]))
    trained = tuple(max(stride, side - side % stride) for side in model.raw_shape[1:])
    sides = (tile, tile) if tile is not None else (trained[0], trained[1])
    shared = (overlap, overlap) if overlap is not None else (_shared(sides[0], stride), _shared(sides[1], stride))
    for option, value in (("--tile", min(sides)), ("--overlap", min(shared))):
        if value % stride or value < 0 or (option == "--tile" and value < 1):
            what = f"{value} pixels, and windows of this model begin at multiples of {stride}"
            raise LatentclustError.at(option, what, f"Use {max(stride, value - value % stride)}")
    if any(2 * part > side for part, side in zip(shared, sides, strict=True)):
        what = f"{shared[0]} pixels, more than half of windows of {min(sides)}"
        raise LatentclustError.at("--overlap", what, f"Use at most {min(sides) // 2}, or a larger --tile")
    return Grid(sides, shared, stride, blend)


def spans(whole: int, side: int, overlap: int, stride: int, blend: Blend) -> list[Span]:
    """Windows of `side` pixels that cover `whole` pixels, in order; the last ends where the axis ends.

    Every pixel is kept at least once, and at the two ends of the axis nothing is discarded.
    """
    final = -(-(whole - side) // stride) * stride
    starts = [0] if whole <= side else [*range(0, whole - side, side - overlap), final]
    found: list[Span] = []
    for index, start in enumerate(starts):
        begins, ends = index == 0, index == len(starts) - 1
        stop = whole if ends else start + side
        if blend == "crop":
            first = 0 if begins else found[-1].last
            last = stop if ends else stop - overlap // 2
            weights = np.ones(last - first, np.float32)
        else:
            margin = overlap // DISCARDED_SHARE
            first, last = start + (0 if begins else margin), stop - (0 if ends else margin)
            weights = _hann(last - first, overlap - 2 * margin, not begins, not ends)
        found.append(Span(start, stop, first, last, weights))
    return found


def _hann(length: int, ramp: int, rises: bool, falls: bool) -> NDArray[np.float32]:
    """Ones, with half a Hann window of `ramp` pixels at either end that has a neighbour."""
    weights = np.ones(length, np.float32)
    slope = np.sin(pi / 2 * (np.arange(ramp) + 0.5) / max(ramp, 1)) ** 2
    slope = slope[:length].astype(np.float32)
    if rises:
        weights[: len(slope)] *= slope
    if falls:
        weights[length - len(slope) :] *= slope[::-1]
    return weights


def _shared(side: int, stride: int) -> int:
    """The overlap of windows of a side: the share of it, in whole strides, and one where there is room."""
    share = side // OVERLAP_SHARE
    return max(share - share % stride, stride if 2 * stride <= side else 0)
