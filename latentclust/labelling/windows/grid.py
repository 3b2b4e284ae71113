"""The grid of windows that covers one axis of a scene: what is read, what of it is kept, and with which weight."""

from dataclasses import dataclass
from math import pi
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from latentclust.errors import LatentclustError
from latentclust.labelling.windows.receptive_field import receptive_field_radius
from latentclust.model.model import ClusteringModel
from latentclust.networks.maps import EncoderMapNetwork, HeadsMapNetwork, TrunkMapNetwork

Blend = Literal["hann", "crop"]
"""How windows meet: by Hann weights on probabilities, or by a cut in the middle of their overlap."""

OVERLAP_DIVISOR = 4
"""Neighbouring windows share their side over this, unless said otherwise."""

MARGIN_DIVISOR = 4
"""Where the radius is not known, the overlap over this is discarded at each end; both sides make half of it."""

BLEND_RAMP_PIXELS = 16
"""Pixels over which windows of a finite receptive field blend."""

LARGEST_RADIUS = 128
"""A model that looks further, pixels, is treated as one without bound, unless larger windows are asked for."""

IMAGE_NETWORKS = (EncoderMapNetwork, HeadsMapNetwork, TrunkMapNetwork)
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
        margin: Pixels at each end of a window that are discarded, but not at an end of the scene.
        stride: What origins of windows are multiples of.
        blend: How windows meet.
        radius: How far the model looks, pixels; None where it has no bound that windows can keep.
    """

    tile: tuple[int, int]
    overlap: tuple[int, int]
    margin: tuple[int, int]
    stride: int
    blend: Blend
    radius: int | None

    def rows(self, height: int) -> list[Span]:
        """The spans that cover `height` pixels."""
        return spans(height, self.tile[0], self.overlap[0], self.margin[0], self.stride, self.blend)

    def columns(self, width: int) -> list[Span]:
        """The spans that cover `width` pixels."""
        return spans(width, self.tile[1], self.overlap[1], self.margin[1], self.stride, self.blend)


def make_grid(model: ClusteringModel, tile: int | None, overlap: int | None, blend: Blend) -> Grid:
    """The grid of a model.

    Where its receptive field is finite, windows overlap by twice its radius and a ramp, and are as large as in training
    or larger, so that overlaps cost little. Elsewhere they are as large as in training, and a quarter is shared.

    Raises:
        LatentclustError: A tile or an overlap that is no multiple of the model's stride, or too great an overlap.
    """
    stride = int(
        np.lcm.reduce([1, *(net.stride for net in model.networks.values() if isinstance(net, IMAGE_NETWORKS))])
    )
    radius = receptive_field_radius(model, LARGEST_RADIUS if tile is None else tile // 4)
    sides = (tile, tile) if tile is not None else _sides(model, radius, stride, blend)
    shared = (overlap, overlap) if overlap is not None else _overlaps(sides, radius, stride, blend)
    for option, value in (("--tile", min(sides)), ("--overlap", min(shared))):
        if value % stride or value < 0 or (option == "--tile" and value < 1):
            what = f"{value} pixels, and windows of this model begin at multiples of {stride}"
            raise LatentclustError.at(option, what, f"Use {max(stride, value - value % stride)}")
    if any(2 * part > side for part, side in zip(shared, sides, strict=True)):
        what = f"{shared[0]} pixels, more than half of windows of {min(sides)}"
        raise LatentclustError.at("--overlap", what, f"Use at most {min(sides) // 2}, or a larger --tile")
    margin = (_margin(shared[0], radius), _margin(shared[1], radius))
    return Grid(sides, shared, margin, stride, blend, radius)


def _sides(model: ClusteringModel, radius: int | None, stride: int, blend: Blend) -> tuple[int, int]:
    """The sides of windows: those of training, and larger where the overlap would be more than a quarter of them."""
    least = max(stride, OVERLAP_DIVISOR * _wanted(radius, stride, blend)) if radius is not None else stride
    height, width = (max(least, side - side % stride) for side in model.raw_shape[1:])
    return height, width


def _overlaps(sides: tuple[int, int], radius: int | None, stride: int, blend: Blend) -> tuple[int, int]:
    """Twice the radius, and as much of a ramp as fits half a window.

    Where they do not fit, the share of a window, and one stride where that fits.
    """
    most = _whole(min(sides) // 2, stride)
    if radius is not None and 2 * radius <= most:
        shared = min(most, _wanted(radius, stride, blend))
        return shared, shared
    rows, columns = (
        max(_whole(side // OVERLAP_DIVISOR, stride), stride if 2 * stride <= side else 0) for side in sides
    )
    return rows, columns


def _wanted(radius: int, stride: int, blend: Blend) -> int:
    """The overlap of windows of a model that looks `radius` pixels far, a multiple of `stride`."""
    ramp = BLEND_RAMP_PIXELS if blend == "hann" else 0
    return -(-(2 * radius + ramp) // stride) * stride


def _margin(overlap: int, radius: int | None) -> int:
    """The radius where the overlap holds it twice, else a share of the overlap."""
    return radius if radius is not None and 2 * radius <= overlap else overlap // MARGIN_DIVISOR


def _whole(pixels: int, stride: int) -> int:
    return pixels - pixels % stride


def spans(whole: int, side: int, overlap: int, margin: int, stride: int, blend: Blend) -> list[Span]:
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
            # The last window, which ends where the axis does, may begin well before the one above it ends.
            first = 0 if begins else max(start + margin, found[-1].last - (overlap - 2 * margin))
            last = stop - (0 if ends else margin)
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
