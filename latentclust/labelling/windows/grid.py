"""The grid of windows that covers a scene: the pixels that each window reads and keeps, and their weights."""

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
"""Blending of neighbouring windows: Hann weights on probabilities, or a cut in the middle of the overlap."""

OVERLAP_DIVISOR = 4
"""Ratio of the window size to the overlap: the default if the receptive field is unbounded, otherwise the minimum."""

MARGIN_DIVISOR = 4
"""Ratio of the overlap to the margin at each end of a window, if the overlap is not at least twice the radius."""

BLEND_RAMP_PIXELS = 16
"""Pixels over which windows blend if the receptive field is finite."""

LARGEST_RADIUS = 128
"""Receptive-field radius in pixels above which a model counts as unbounded, unless larger windows are requested."""

IMAGE_NETWORKS = (EncoderMapNetwork, HeadsMapNetwork, TrunkMapNetwork)
"""Types of networks that read images."""


@dataclass(frozen=True, slots=True)
class Span:
    """The extent of a window along one axis, in pixels from the origin of the raster.

    Attributes:
        start: First pixel that is read.
        stop: Pixel after the last one that is read.
        first: First pixel that is kept.
        last: Pixel after the last one that is kept.
        weights: Weights `(last - first,)` of the kept pixels, in (0, 1].
    """

    start: int
    stop: int
    first: int
    last: int
    weights: NDArray[np.float32]

    @property
    def kept(self) -> slice:
        """Kept pixels, relative to the window."""
        return slice(self.first - self.start, self.last - self.start)


@dataclass(frozen=True, slots=True)
class Grid:
    """The positions of all windows of a scene; values for rows come before those for columns.

    Attributes:
        tile: Height and width of a window in pixels, multiples of `stride`.
        overlap: Pixels that neighbouring windows share, multiples of `stride`; at most half a window.
        margin: Pixels that are discarded at each end of a window, except at the ends of the scene.
        stride: Origins of windows are multiples of this number of pixels.
        blend: Blending of neighbouring windows.
        radius: Receptive-field radius of the model in pixels. None if it is unbounded, or too large for the windows.
    """

    tile: tuple[int, int]
    overlap: tuple[int, int]
    margin: tuple[int, int]
    stride: int
    blend: Blend
    radius: int | None

    def rows(self, height: int) -> list[Span]:
        """Return the spans that cover `height` pixels."""
        return spans(height, self.tile[0], self.overlap[0], self.margin[0], self.stride, self.blend)

    def columns(self, width: int) -> list[Span]:
        """Return the spans that cover `width` pixels."""
        return spans(width, self.tile[1], self.overlap[1], self.margin[1], self.stride, self.blend)


def make_grid(model: ClusteringModel, tile: int | None, overlap: int | None, blend: Blend) -> Grid:
    """Return the grid for a model.

    If the receptive field is finite, windows overlap by twice its radius and a ramp by default, and are as large as in
    training or larger, so that overlaps cost little. Otherwise they are as large as in training and share a quarter.

    Raises:
        LatentclustError: If the tile or the overlap is not a multiple of the model's stride, or the overlap is too
            large.
    """
    stride = int(
        np.lcm.reduce([1, *(net.stride for net in model.networks.values() if isinstance(net, IMAGE_NETWORKS))])
    )
    radius = receptive_field_radius(model, LARGEST_RADIUS if tile is None else tile // 4)
    sides = (tile, tile) if tile is not None else _sides(model, radius, stride, blend)
    shared = (overlap, overlap) if overlap is not None else _overlaps(sides, radius, stride, blend)
    for option, value in (("--tile", min(sides)), ("--overlap", min(shared))):
        if value % stride or value < 0 or (option == "--tile" and value < 1):
            what = f"must be a multiple of {stride} pixels for this model, got {value}"
            raise LatentclustError.at(option, what, f"Use {max(stride, value - value % stride)}")
    if any(2 * part > side for part, side in zip(shared, sides, strict=True)):
        what = f"must be at most half of the tile of {min(sides)} pixels, got {shared[0]}"
        raise LatentclustError.at("--overlap", what, f"Use at most {min(sides) // 2}, or a larger --tile")
    margin = (_margin(shared[0], radius), _margin(shared[1], radius))
    return Grid(sides, shared, margin, stride, blend, radius)


def _sides(model: ClusteringModel, radius: int | None, stride: int, blend: Blend) -> tuple[int, int]:
    """Return the size of windows: that of training, or more if the overlap would exceed a quarter of it."""
    least = max(stride, OVERLAP_DIVISOR * _overlap_for(radius, stride, blend)) if radius is not None else stride
    height, width = (max(least, side - side % stride) for side in model.raw_shape[1:])
    return height, width


def _overlaps(sides: tuple[int, int], radius: int | None, stride: int, blend: Blend) -> tuple[int, int]:
    """Return the overlap: twice the radius, and as much of a ramp as fits into half a window.

    If that does not fit, return a quarter of a window, and at least one stride if that fits.
    """
    most = _round_down(min(sides) // 2, stride)
    if radius is not None and 2 * radius <= most:
        shared = min(most, _overlap_for(radius, stride, blend))
        return shared, shared
    rows, columns = (
        max(_round_down(side // OVERLAP_DIVISOR, stride), stride if 2 * stride <= side else 0) for side in sides
    )
    return rows, columns


def _overlap_for(radius: int, stride: int, blend: Blend) -> int:
    """Return the overlap for a receptive-field radius, a multiple of `stride`."""
    ramp = BLEND_RAMP_PIXELS if blend == "hann" else 0
    return -(-(2 * radius + ramp) // stride) * stride


def _margin(overlap: int, radius: int | None) -> int:
    """Return the radius if the overlap contains it twice, and else a share of the overlap."""
    return radius if radius is not None and 2 * radius <= overlap else overlap // MARGIN_DIVISOR


def _round_down(pixels: int, stride: int) -> int:
    return pixels - pixels % stride


def window_count(whole: int, side: int, overlap: int) -> int:
    """Return the number of windows of `side` pixels that cover `whole` pixels, or one more."""
    return 1 if whole <= side else 1 - -(whole - side) // (side - overlap)


def spans(whole: int, side: int, overlap: int, margin: int, stride: int, blend: Blend) -> list[Span]:
    """Return windows of `side` pixels that cover `whole` pixels, in order; the last one ends at the end of the axis.

    Every pixel is kept at least once, and nothing is discarded at the two ends of the axis.
    """
    final = -(-(whole - side) // stride) * stride
    starts = [0] if whole <= side else [*range(0, whole - side, side - overlap), final]
    found: list[Span] = []
    shared: dict[tuple[int, bool, bool], NDArray[np.float32]] = {}
    for index, start in enumerate(starts):
        begins, ends = index == 0, index == len(starts) - 1
        stop = whole if ends else start + side
        if blend == "crop":
            first = 0 if begins else found[-1].last
            last, ramp = (stop if ends else stop - overlap // 2), 0
        else:
            # The last window ends with the axis, and may start well before its predecessor ends.
            first = 0 if begins else max(start + margin, found[-1].last - (overlap - 2 * margin))
            last, ramp = stop - (0 if ends else margin), overlap - 2 * margin
        # Windows of the same weights share one array, because a scene may have a million rows of them.
        key = (last - first, not begins, not ends)
        weights = shared[key] if key in shared else shared.setdefault(key, _hann(last - first, ramp, *key[1:]))
        found.append(Span(start, stop, first, last, weights))
    return found


def _hann(length: int, ramp: int, rises: bool, falls: bool) -> NDArray[np.float32]:
    """Return ones, with half a Hann window of `ramp` pixels at each end that has a neighbour."""
    weights = np.ones(length, np.float32)
    slope = np.sin(pi / 2 * (np.arange(ramp) + 0.5) / max(ramp, 1)) ** 2
    slope = slope[:length].astype(np.float32)
    if rises:
        weights[: len(slope)] *= slope
    if falls:
        weights[length - len(slope) :] *= slope[::-1]
    return weights
