"""How far a model looks: what lies outside a window changes its labels so many pixels deep, and no deeper."""

import warnings

import torch
from torch import Tensor
from torch.backends import cudnn, mkldnn

from latentclust.infer.posteriors import posterior_of
from latentclust.model.model import ClusteringModel
from latentclust.specs.inference import ChainSpec
from latentclust.tensors import Images

FIRST_PROBE = 8
"""The least radius that is probed for, pixels; it is doubled until it suffices."""


@torch.no_grad()
def receptive_field_radius(model: ClusteringModel, largest: int) -> int | None:
    """The radius of a model's receptive field, pixels, or None where it is more than `largest` or has no bound.

    A window is surrounded by NaN, and NaN spreads through every layer to just those outputs that its pixels reach. A
    network that looks at the whole window (attention, global pooling, group norm) has no bound; nor has an inference
    that samples, for what it draws depends on the window.
    """
    if isinstance(model.inference, ChainSpec):
        return None
    reach = FIRST_PROBE
    while reach == FIRST_PROBE or reach // 2 <= largest:
        probed = -(-min(reach, largest + 1) // model.stride) * model.stride
        try:
            found = _depth(_probe(model, probed), probed)
        except (RuntimeError, ValueError, AssertionError, IndexError):
            return None  # a network that reads windows of one size alone, or an inference that refuses NaN
        if found is not None:
            return found if found <= largest else None
        reach *= 2
    return None


def _probe(model: ClusteringModel, reach: int) -> Tensor:
    """Which pixels of a square of side `4 reach`, all but the inner `2 reach` of it NaN, are NaN in the posterior."""
    rng = torch.Generator(model.device).manual_seed(0)
    side = 4 * reach
    raw = torch.rand(1, model.raw_shape[0], side, side, generator=rng, device=model.device)
    inner = slice(reach, 3 * reach)
    framed = torch.full_like(raw, torch.nan)
    framed[..., inner, inner] = raw[..., inner, inner]
    # Fast algorithms of convolution mix neighbouring outputs, and would spread NaN too far.
    with warnings.catch_warnings(action="ignore"), mkldnn.flags(enabled=False), cudnn.flags(enabled=False):
        images = model.preprocess(Images(framed), rng)
        found = posterior_of(model.inference, model.model, images, model.state, rng, model.stride)
    return found.probabilities[0].isnan().any(dim=0)


def _depth(reached: Tensor, reach: int) -> int | None:
    """How deep into the inner square the frame reaches; None where it reaches the centre, or is not NaN itself."""
    inner = reached[reach : 3 * reach, reach : 3 * reach]
    if int(reached.sum() - inner.sum()) < reached.numel() - inner.numel():
        return None
    side = len(inner)
    edge = torch.minimum(torch.arange(side), side - 1 - torch.arange(side))
    depth = torch.minimum(edge[:, None], edge[None]) + 1
    deepest = int(torch.where(inner, depth, 0).max())
    return deepest if deepest < reach else None
