"""Soft assignments to centroids and their target distribution (Xie et al. 2016, section 3.1)."""

import torch
from torch import Tensor


def log_kernel(points: Tensor, centroids: Tensor, alpha: float) -> Tensor:
    """Return the log of the numerator of Eq. 1, `(1 + |z - mu|^2 / alpha)^(-(alpha + 1) / 2)`; its softmax is Eq. 1.

    Args:
        points: Embedded samples z, `(b, d)`.
        centroids: mu, `(k, d)`.
        alpha: Degrees of freedom of Student's t.

    Returns:
        `(b, k)`, at most 0.
    """
    squares = (points[:, None] - centroids).square().sum(dim=2)
    return -(alpha + 1) / 2 * (squares / alpha).log1p()


def target_distribution(assignments: Tensor) -> Tensor:
    """Return Eq. 3: squared assignments, divided by the soft size of each cluster, with rows that sum to one.

    Args:
        assignments: q of all samples, `(n, k)`, or of their pixels, `(n, k, h, w)`.

    Returns:
        p, of the same shape and type; computed in float64.
    """
    q = assignments.double()
    weight = q.square() / q.sum(dim=[axis for axis in range(q.ndim) if axis != 1], keepdim=True)
    return (weight / weight.sum(dim=1, keepdim=True)).to(assignments.dtype)


def divergence(target: Tensor, log_assignments: Tensor) -> Tensor:
    """Return Eq. 2 as a mean over samples: KL(p || q) in nats, from p and log q `(b, k, *s)`."""
    return (torch.xlogy(target, target) - target * log_assignments).sum(dim=1).mean()
