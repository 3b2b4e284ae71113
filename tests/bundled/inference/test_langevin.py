"""Langevin dynamics on a linear-Gaussian generator, whose posterior is known."""

import pytest
import torch
from torch import Tensor

from latentclust.bundled.inference.langevin import CapturedLangevinSteps, JointDensity, LangevinSteps, langevin

CHAINS, STYLE, VALUES, NOISE = 20_000, 2, 5, 0.5
SURE = 5.0
"""Standard errors within which a Monte-Carlo estimate must lie."""


@pytest.fixture
def planted(linear_generator, rng) -> tuple[JointDensity, Tensor, Tensor, Tensor]:
    """The joint density of a linear generator, one image, and its posterior's mean and precision given cluster 1."""
    weight = torch.randn(3 + STYLE, VALUES, generator=rng)
    joint = JointDensity(linear_generator(weight), noise=NOISE, width=1.0)
    image = weight[1] + 0.7 * weight[3] - 0.4 * weight[4] + 0.1 * torch.randn(VALUES, generator=rng)
    slopes = weight[3:].double()
    precision = slopes @ slopes.T / NOISE**2 + torch.eye(STYLE, dtype=torch.float64)
    mean = torch.linalg.solve(precision, slopes @ (image - weight[1]).double() / NOISE**2)
    return joint, image, mean, precision


def sampled(joint: JointDensity, image: Tensor, steps: int, step_size: float, rng: torch.Generator) -> Tensor:
    category = torch.zeros(CHAINS, 3)
    category[:, 1] = 1
    start = torch.randn(CHAINS, STYLE, generator=rng)
    return langevin(joint, image.expand(CHAINS, -1), category, start, steps, step_size, rng)


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_the_chain_has_the_posteriors_mean_and_the_discretised_covariance(planted, rng, share):
    """Of `z' = z - d L (z - m) + sqrt(2 d) n` the stationary covariance C solves `C = (I - dL) C (I - dL) + 2 d I`."""
    joint, image, mean, precision = planted
    eigenvalues = torch.linalg.eigvalsh(precision)
    step_size = float(2 * share / eigenvalues.max())  # half of it is where the chain would diverge
    steps = int(12 / (step_size * eigenvalues.min()))  # the start is forgotten to exp(-12)
    found = sampled(joint, image, steps, step_size, rng).double()
    identity = torch.eye(STYLE, dtype=torch.float64)
    covariance = torch.linalg.inv(precision @ (identity - step_size / 2 * precision))
    error = (covariance.diag() / CHAINS).sqrt()
    assert ((found.mean(dim=0) - mean).abs() < SURE * error).all()
    # The variance of an estimated covariance is (C_ii C_jj + C_ij^2) / n.
    spread = ((covariance.diag().outer(covariance.diag()) + covariance.square()) / CHAINS).sqrt()
    assert ((found.T.cov() - covariance).abs() < SURE * spread).all()
    if share == 0.5:  # where the discretisation shows, the posterior's own covariance is ruled out
        assert ((found.T.cov() - torch.linalg.inv(precision)).abs() > SURE * spread).any()


def test_small_steps_tend_to_the_posterior_itself(planted, rng):
    joint, image, _, precision = planted
    eigenvalues = torch.linalg.eigvalsh(precision)
    step_size = float(0.05 / eigenvalues.max())
    found = sampled(joint, image, int(5 / (step_size * eigenvalues.min())), step_size, rng).double()
    covariance = torch.linalg.inv(precision)
    spread = ((covariance.diag().outer(covariance.diag()) + covariance.square()) / CHAINS).sqrt()
    assert ((found.T.cov() - covariance).abs() < SURE * spread + 0.03 * covariance.abs().max()).all()


def test_energies_are_those_of_the_densities(planted, rng):
    joint, image, _, _ = planted
    category, style = torch.eye(3), torch.randn(3, STYLE, generator=rng)
    drawn = joint.generator(joint.latent(category, style))
    expected = -torch.distributions.Normal(drawn, NOISE).log_prob(image).sum(dim=1)
    constant = VALUES * (torch.tensor(NOISE).log() + 0.5 * torch.log(torch.tensor(2 * torch.pi)))
    torch.testing.assert_close(joint.reconstruction_term(image.expand(3, -1), category, style), expected - constant)
    wide = JointDensity(joint.generator, noise=NOISE, width=3.0)
    torch.testing.assert_close(wide.prior_term(style), style.square().sum(dim=1) / 18)


def test_without_reach_styles_are_draws_of_the_prior(planted, rng):
    joint, image, _, _ = planted
    blind = JointDensity(joint.generator, noise=NOISE, width=2.0, reach=0.0)
    images, category = image.expand(4000, -1), torch.eye(3)[:1].expand(4000, -1)
    found = langevin(blind, images, category, torch.zeros(4000, 2), 5, 1.0, rng)
    assert found.std(dim=0).sub(2.0).abs().max() < SURE * 2 / (2 * 4000) ** 0.5
    assert found.mean(dim=0).abs().max() < SURE * 2 / 4000**0.5


def test_it_moves_no_weight_and_leaves_the_start_as_it_was(planted, rng):
    joint, image, _, _ = planted
    weight = joint.generator.weight
    before, start = weight.clone(), torch.zeros(3, STYLE)
    langevin(joint, image.expand(3, -1), torch.eye(3), start, 4, 0.01, rng)
    assert weight.grad is None
    assert torch.equal(weight, before)
    assert not start.any()


def test_the_numbers_of_a_walk_may_change_from_round_to_round(planted, rng):
    joint, image, _, _ = planted
    category, style = torch.eye(3), torch.randn(3, STYLE, generator=rng)
    chains = LangevinSteps(joint.generator, 1.0, ((3, VALUES), (3, 3), (3, STYLE), None), torch.device("cpu"))
    for noise, reach, step_size in ((0.5, 1.0, 0.01), (0.9, 0.3, 0.002)):
        now = JointDensity(joint.generator, noise, 1.0, reach)
        chains.begin(now, image.expand(3, -1), category, style, step_size)
        chains.step(torch.Generator().manual_seed(4))
        leaf = style.clone().requires_grad_()
        drawn = joint.generator(now.latent(category, leaf))
        log_joint = -(image - drawn).square().sum() / (2 * noise**2) - leaf.square().sum() / 2
        (slope,) = torch.autograd.grad(log_joint, leaf)
        normal = torch.randn(3, STYLE, generator=torch.Generator().manual_seed(4))
        torch.testing.assert_close(chains.style.detach(), style + step_size * slope + (2 * step_size) ** 0.5 * normal)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_captured_step_is_the_step_itself(planted):
    joint, image, _, _ = planted
    device = torch.device("cuda")
    generator, rng = joint.generator.to(device), torch.Generator(device)
    shapes = ((3, VALUES), (3, 3), (3, STYLE), None)
    captured, eager = CapturedLangevinSteps(generator, 1.0, shapes, rng), LangevinSteps(generator, 1.0, shapes, device)
    for noise in (0.5, 0.9):
        for chains in (captured, eager):
            now = JointDensity(generator, noise, 1.0)
            chains.begin(now, image.to(device).expand(3, -1), torch.eye(3), torch.zeros(3, STYLE), 0.01)
            rng.manual_seed(5)
            for _ in range(4):
                chains.step(rng)
        torch.testing.assert_close(captured.style, eager.style)
