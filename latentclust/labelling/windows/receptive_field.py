"""The receptive-field radius of a model: how deep pixels outside a window change the labels inside it."""

import warnings

import torch
from torch import Tensor
from torch.backends import cudnn, mkldnn

from latentclust.infer.posteriors import posterior_of
from latentclust.model.model import ClusteringModel
from latentclust.specs.inference import ChainSpec
from latentclust.tensors import Images

FIRST_PROBE = 8
"""First radius in pixels that is probed. It is doubled until it suffices."""


@torch.no_grad()
def receptive_field_radius(model: ClusteringModel, largest: int) -> int | None:
    """Return the receptive-field radius of a model in pixels, or None if it exceeds `largest` or is unbounded.

    The function surrounds a window with NaN, which spreads through every layer to exactly the outputs that depend on
    it. A network that reads the whole window at once (attention, global pooling, group norm) is unbounded; so is an
    inference that samples, because its samples depend on the window.
    """
    if isinstance(model.inference, ChainSpec):
        return None
    reach = FIRST_PROBE
    while reach == FIRST_PROBE or reach // 2 <= largest:
        probed = -(-min(reach, largest + 1) // model.stride) * model.stride
        try:
            found = _depth(_probe(model, probed), probed)
        except (RuntimeError, ValueError, AssertionError, IndexError):
            return None  # The network reads windows of one size only, or the inference rejects NaN.
        if found is not None:
            return found if found <= largest else None
        reach *= 2
    return None


def _probe(model: ClusteringModel, reach: int) -> Tensor:
    """Return the pixels with a NaN posterior of a square of side `4 reach` that is NaN outside its inner `2 reach`."""
    rng = torch.Generator(model.device).manual_seed(0)
    side = 4 * reach
    raw = torch.rand(1, model.raw_shape[0], side, side, generator=rng, device=model.device)
    inner = slice(reach, 3 * reach)
    framed = torch.full_like(raw, torch.nan)
    framed[..., inner, inner] = raw[..., inner, inner]
    # Fast convolution algorithms mix neighbouring outputs and would spread NaN too far.
    with warnings.catch_warnings(action="ignore"), mkldnn.flags(enabled=False), cudnn.flags(enabled=False):
        images = model.preprocess(Images(framed), rng)
        found = posterior_of(model.inference, model.model, images, model.state, rng, model.stride)
    return found.probabilities[0].isnan().any(dim=0)


def _depth(reached: Tensor, reach: int) -> int | None:
    """Return how deep NaN reaches into the inner square; None if it reaches the centre or does not fill the frame."""
    inner = reached[reach : 3 * reach, reach : 3 * reach]
    if int(reached.sum() - inner.sum()) < reached.numel() - inner.numel():
        return None
    side = len(inner)
    edge = torch.minimum(torch.arange(side), side - 1 - torch.arange(side))
    depth = torch.minimum(edge[:, None], edge[None]) + 1
    deepest = int(torch.where(inner, depth, 0).max())
    return deepest if deepest < reach else None
