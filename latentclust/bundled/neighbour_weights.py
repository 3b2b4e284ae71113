"""Weights of pairs of neighbouring pixels, by the contrast between them (Boykov and Jolly 2001) and by nodata."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Float32
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class NeighbourWeights:
    """The weight of each pair of 4-connected neighbours, in [0, 1].

    Attributes:
        down: Weights of the pairs of a pixel and the one below it.
        right: Weights of the pairs of a pixel and the one to its right.
    """

    down: Float[Tensor, "b 1 h_1 w"]
    right: Float[Tensor, "b 1 h w_1"]

    def agreeing(self, category: Float[Tensor, "b k h w"]) -> Float[Tensor, "b k h w"]:
        """Return the sum of the weights of the neighbours of each pixel that have each category."""
        above = functional.pad(self.down * category[..., :-1, :], (0, 0, 1, 0))
        below = functional.pad(self.down * category[..., 1:, :], (0, 0, 0, 1))
        before = functional.pad(self.right * category[..., :-1], (1, 0))
        behind = functional.pad(self.right * category[..., 1:], (0, 1))
        return above + below + before + behind


def weights_of(
    read: Float[Tensor, "b c h w"] | None,
    precision: Float[Tensor, " c"] | None,
    contrast: float,
    valid: Bool[Tensor, "b h w"] | None,
) -> NeighbourWeights | None:
    """Return the weights `exp(-contrast d / 2)` of pairs of valid pixels, where `d = sum_c precision_c (x_c - y_c)^2`.

    Pairs with a pixel that is not valid have the weight 0. The weights depend on nothing but the two pixels, so that
    windows of any size have the same.

    Args:
        read: Values of the pixels. None for weights that do not depend on them.
        precision: Weights of the squared differences of channels, as `contrast_precision` returns them.
        contrast: Strength of the contrast. 0 for weights of 1.
        valid: Valid pixels. None if all are.

    Returns:
        The weights. None if all are 1.
    """
    found = None
    if read is not None and precision is not None and contrast:
        scale = (contrast / 2 * precision.to(read)).view(-1, 1, 1)
        distances = [(scale * each.square()).sum(dim=1, keepdim=True) for each in _differences(read)]
        found = NeighbourWeights((-distances[0]).exp(), (-distances[1]).exp())
    if valid is None or bool(valid.all()):
        return found
    both = [pair[:, None].to(torch.float32) for pair in _pairs(valid)]
    return NeighbourWeights(*both) if found is None else NeighbourWeights(found.down * both[0], found.right * both[1])


def contrast_precision(
    batches: Iterable[tuple[Float[Tensor, "b c h w"], Bool[Tensor, "b h w"]]],
) -> Float32[Tensor, " c"]:
    """Return the reciprocal of the mean squared difference of neighbours of each channel, divided by their number.

    With these weights the squared distance of valid neighbours has the mean 1, as in GrabCut (Rother, Kolmogorov and
    Blake 2004), whose `exp(-beta (x - y)^2)` with `beta = 1 / (2 <(x - y)^2>)` is the strength 1. Channels that are
    constant have the weight 0.

    Args:
        batches: Maps with their valid pixels. Pairs with a pixel that is not valid do not count.
    """
    total, count = torch.zeros((), dtype=torch.float64), 0
    for read, valid in batches:
        for difference, pair in zip(_differences(read.double()), _pairs(valid), strict=True):
            total = total.to(read.device) + (difference.square() * pair[:, None]).sum(dim=(0, 2, 3))
            count += int(pair.sum())
    varying = total > 0
    mean = torch.where(varying, total, 1.0) / max(count, 1)
    return torch.where(varying, 1 / (mean * varying.sum().clamp_min(1)), 0.0).float()


def _differences(read: Float[Tensor, "b c h w"]) -> tuple[Float[Tensor, "b c h_1 w"], Float[Tensor, "b c h w_1"]]:
    return read[..., 1:, :] - read[..., :-1, :], read[..., 1:] - read[..., :-1]


def _pairs(valid: Bool[Tensor, "b h w"]) -> tuple[Bool[Tensor, "b h_1 w"], Bool[Tensor, "b h w_1"]]:
    return valid[:, 1:] & valid[:, :-1], valid[..., 1:] & valid[..., :-1]
