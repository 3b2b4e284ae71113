"""The gradient penalty against closed forms and finite differences, and at a flat critic."""

import pytest
import torch
from torch import Tensor, nn

from latentclust.bundled.losses.gradient_penalty import GradientPenalty


class Linear(nn.Module):
    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, sample: Tensor) -> Tensor:
        return sample.flatten(1) @ self.weight


class Quadratic(nn.Module):
    """Half of x'Ax plus b'x, whose gradient is (A + A')x/2 + b."""

    def __init__(self, matrix: Tensor, slope: Tensor) -> None:
        super().__init__()
        self.matrix = nn.Parameter(matrix)
        self.slope = nn.Parameter(slope)

    def forward(self, sample: Tensor) -> Tensor:
        flat = sample.flatten(1)
        return 0.5 * ((flat @ self.matrix) * flat).sum(dim=1) + flat @ self.slope


@pytest.mark.parametrize("center", [0.0, 1.0, 2.5])
@pytest.mark.parametrize("shape", [(5, 12), (5, 3, 2, 2)])
def test_of_a_linear_critic_is_the_weights_distance_from_the_centre(center, shape, normal):
    weight = normal(12)
    expected = (weight.double().norm() - center).square().item()
    penalty = GradientPenalty(center=center)(Linear(weight), normal(*shape))
    assert penalty.item() == pytest.approx(expected, rel=1e-5)


def test_moves_a_linear_critic_along_its_weight(normal):
    critic = Linear(normal(6))
    GradientPenalty()(critic, normal(4, 6)).backward()
    norm = critic.weight.detach().norm()
    torch.testing.assert_close(critic.weight.grad, 2 * (norm - 1) * critic.weight.detach() / norm)


def test_of_a_quadratic_critic_agrees_with_finite_differences(normal):
    critic, sample = Quadratic(normal(4, 4), normal(4)).double(), normal(7, 4).double()
    width = 1e-5
    steps = width * torch.eye(4, dtype=torch.float64)
    slopes = torch.stack([(critic(sample + step) - critic(sample - step)) / (2 * width) for step in steps], dim=1)
    expected = (slopes.norm(dim=1) - 1).square().mean().item()
    assert GradientPenalty()(critic.float(), sample).item() == pytest.approx(expected, rel=1e-4)


def test_its_gradient_in_the_critic_agrees_with_finite_differences(normal):
    matrix, slope, sample = normal(3, 3).double(), normal(3).double(), normal(5, 3).double()

    def value(matrix: Tensor) -> Tensor:
        gradient = sample @ (matrix + matrix.T) / 2 + slope
        return (gradient.norm(dim=1) - 1).square().mean()

    expected = torch.zeros(3, 3, dtype=torch.float64)
    width = 1e-5
    for row in range(3):
        for column in range(3):
            step = torch.zeros(3, 3, dtype=torch.float64)
            step[row, column] = width
            expected[row, column] = (value(matrix + step) - value(matrix - step)) / (2 * width)
    critic = Quadratic(matrix.float(), slope.float())
    GradientPenalty()(critic, sample.float()).backward()
    torch.testing.assert_close(critic.matrix.grad.double(), expected, rtol=1e-4, atol=1e-5)


def test_of_a_flat_critic_is_the_centre_squared_and_has_a_finite_gradient(normal):
    critic = Quadratic(torch.zeros(3, 3), torch.zeros(3))
    penalty = GradientPenalty(center=2.0)(critic, normal(5, 3))
    penalty.backward()
    assert penalty.item() == 4.0
    assert torch.equal(critic.matrix.grad, torch.zeros(3, 3))
    assert torch.equal(critic.slope.grad, torch.zeros(3))


def test_takes_the_sample_as_constant(normal):
    made = normal(5, 3).requires_grad_()
    critic = Quadratic(normal(3, 3), normal(3))
    GradientPenalty()(critic, 2 * made).backward()
    assert made.grad is None
    assert critic.matrix.grad is not None


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_gives_the_critic_float32_samples(dtype, normal):
    critic, sample = Linear(normal(6)), normal(4, 6).to(dtype)
    penalty = GradientPenalty()(critic, sample)
    assert penalty.dtype == torch.float32
    assert penalty.shape == ()
