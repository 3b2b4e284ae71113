"""The equations of Xie et al. 2016 against loops in float64, and the gradients that the paper prints."""

from math import log

import pytest
import torch
from torch import Tensor

from latentclust_dec.assignment import divergence, log_kernel, target_distribution

ALPHAS = [0.5, 1.0, 3.0]


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def eq_1(points: Tensor, centroids: Tensor, alpha: float) -> Tensor:
    """Soft assignments, written out."""
    q = torch.zeros(len(points), len(centroids), dtype=torch.float64)
    for i, point in enumerate(points):
        for j, centroid in enumerate(centroids):
            q[i, j] = (1 + float((point - centroid) @ (point - centroid)) / alpha) ** (-(alpha + 1) / 2)
        q[i] /= q[i].sum()
    return q


def eq_3(q: Tensor) -> Tensor:
    """The target distribution, written out."""
    p = torch.zeros_like(q)
    for i in range(len(q)):
        for j in range(q.shape[1]):
            p[i, j] = q[i, j] ** 2 / sum(float(q[other, j]) for other in range(len(q)))
        p[i] /= p[i].sum()
    return p


def eq_2(p: Tensor, q: Tensor) -> float:
    """The divergence summed over samples, written out."""
    return sum(float(a * (a / b).log()) for a, b in zip(p.flatten(), q.flatten(), strict=True))


@pytest.mark.parametrize("alpha", ALPHAS)
def test_soft_assignments_are_eq_1(alpha: float) -> None:
    points, centroids = drawn(7, 3), drawn(4, 3, seed=1)
    torch.testing.assert_close(log_kernel(points, centroids, alpha).softmax(dim=1), eq_1(points, centroids, alpha))


def test_soft_assignments_of_known_distances() -> None:
    points, centroids = torch.zeros(1, 1), torch.tensor([[0.0], [1.0], [3.0]])
    expected = torch.tensor([[1.0, 0.5, 0.1]])  # 1 / (1 + d^2)
    torch.testing.assert_close(log_kernel(points, centroids, 1.0).exp(), expected)
    torch.testing.assert_close(log_kernel(points, centroids, 1.0).softmax(dim=1), expected / 1.6)


def test_many_degrees_of_freedom_come_to_a_gaussian() -> None:
    points, centroids = drawn(5, 2), drawn(3, 2, seed=1)
    gaussian = (-torch.cdist(points, centroids).square() / 2).softmax(dim=1)
    torch.testing.assert_close(log_kernel(points, centroids, 1e9).softmax(dim=1), gaussian, rtol=1e-6, atol=1e-8)


def test_soft_assignments_are_finite_however_far() -> None:
    far = log_kernel(torch.full((1, 2), 1e15), torch.zeros(3, 2), 1.0)
    torch.testing.assert_close(far.softmax(dim=1), torch.full((1, 3), 1 / 3))


def test_the_target_distribution_is_eq_3() -> None:
    q = eq_1(drawn(9, 3), drawn(4, 3, seed=1), 1.0)
    torch.testing.assert_close(target_distribution(q), eq_3(q))
    torch.testing.assert_close(target_distribution(q.float()), eq_3(q).float())


def test_the_target_distribution_of_known_assignments() -> None:
    q = torch.tensor([[0.8, 0.2], [0.2, 0.8]], dtype=torch.float64)  # both clusters of soft size 1
    sure = 0.64 / (0.64 + 0.04)
    torch.testing.assert_close(
        target_distribution(q), torch.tensor([[sure, 1 - sure], [1 - sure, sure]], dtype=torch.float64)
    )
    q = torch.tensor([[0.5, 0.5], [1.0, 0.0]], dtype=torch.float64)  # of sizes 1.5 and 0.5: the small one gains
    torch.testing.assert_close(target_distribution(q)[0], torch.tensor([0.25, 0.75], dtype=torch.float64))


def test_the_target_distribution_of_pixels_is_that_of_all_of_them() -> None:
    q = eq_1(drawn(24, 3), drawn(4, 3, seed=1), 1.0)
    maps = q.view(2, 3, 4, 4).permute(0, 3, 1, 2)
    torch.testing.assert_close(target_distribution(maps).permute(0, 2, 3, 1).reshape(24, 4), eq_3(q))


def test_certain_assignments_are_their_own_target() -> None:
    q = torch.eye(3).repeat(2, 1)
    torch.testing.assert_close(target_distribution(q), q)


def test_the_divergence_is_eq_2_over_the_samples() -> None:
    q = eq_1(drawn(9, 3), drawn(4, 3, seed=1), 1.0)
    p = eq_3(q)
    assert float(divergence(p, q.log())) == pytest.approx(eq_2(p, q) / 9, rel=1e-12)


def test_the_divergence_of_known_distributions() -> None:
    half, sure = torch.full((2, 2), 0.5), torch.eye(2)
    assert float(divergence(half, half.log())) == pytest.approx(0.0, abs=1e-7)
    assert float(divergence(sure, half.log())) == pytest.approx(log(2))


@pytest.mark.parametrize("alpha", ALPHAS)
def test_the_gradients_are_eq_4_and_eq_5(alpha: float) -> None:
    points, centroids = drawn(6, 3).requires_grad_(), drawn(4, 3, seed=1).requires_grad_()
    p = target_distribution(eq_1(points.detach(), drawn(4, 3, seed=2), alpha))
    log_q = log_kernel(points, centroids, alpha).log_softmax(dim=1)
    (divergence(p, log_q) * len(points)).backward()  # the paper's loss is a sum over samples
    of_points, of_centroids = torch.zeros_like(points), torch.zeros_like(centroids)
    q = eq_1(points.detach(), centroids.detach(), alpha)
    for i, point in enumerate(points.detach()):
        for j, centroid in enumerate(centroids.detach()):
            step = point - centroid
            pull = (alpha + 1) / alpha / (1 + float(step @ step) / alpha) * (p[i, j] - q[i, j]) * step
            of_points[i] += pull
            of_centroids[j] -= pull
    torch.testing.assert_close(points.grad, of_points)
    torch.testing.assert_close(centroids.grad, of_centroids)
