"""One-hot categories, and labels drawn from a posterior, of images or of pixels."""

import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor


def one_hot(label: Int64[Tensor, "b *s"], clusters: int) -> Float32[Tensor, "b k *s"]:
    """Return labels as one-hot categories. The values are not read, so there is no wait for the device."""
    empty = torch.zeros(len(label), clusters, *label.shape[1:], device=label.device)
    return empty.scatter_(1, label[:, None], 1.0)


def draw(posterior: Float[Tensor, "b k *s"], rng: torch.Generator) -> Int64[Tensor, "b *s"]:
    """Draw labels from a posterior by inversion. torch.multinomial would wait for the device and refuse NaN."""
    point = torch.rand(len(posterior), 1, *posterior.shape[2:], generator=rng, device=rng.device)
    return (posterior.cumsum(dim=1) <= point).sum(dim=1).clamp(max=posterior.shape[1] - 1)
