"""Categories of samples or of pixels: from labels, and drawn from their posterior."""

import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor


def one_hot(label: Int64[Tensor, "b *s"], clusters: int) -> Float32[Tensor, "b k *s"]:
    """Labels as categories; without a look at their values, so that a device need not be waited for."""
    empty = torch.zeros(len(label), clusters, *label.shape[1:], device=label.device)
    return empty.scatter_(1, label[:, None], 1.0)


def draw(posterior: Float[Tensor, "b k *s"], rng: torch.Generator) -> Int64[Tensor, "b *s"]:
    """Clusters from their posterior, by inversion: torch's own sampler waits for the device and refuses NaN."""
    point = torch.rand(len(posterior), 1, *posterior.shape[2:], generator=rng, device=rng.device)
    return (posterior.cumsum(dim=1) <= point).sum(dim=1).clamp(max=posterior.shape[1] - 1)
