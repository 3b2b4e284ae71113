"""The engine against loops written by hand from the papers: the same parameters after the same rounds.

Only two conventions are shared with the engine: what a round's random numbers follow from, and the order in which they
are drawn (views, then quantities in the order in which the player's losses ask for them).
"""

from collections.abc import Callable
from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from latentclust.assemble.experiment import Experiment
from latentclust.tensors import Code, Latent
from latentclust.train.loop import Training

SIGMA = 0.1
PENALTY = 10.0


class Draws:
    """The random numbers of a round, and the batches of the epochs, by numpy and torch alone."""

    def __init__(self, experiment: Experiment) -> None:
        recipe = experiment.resolved.recipe
        self.seed, self.batch = recipe.seed, recipe.train.batch_size
        self.samples = torch.from_numpy(experiment.data.source.read(np.arange(len(experiment.data.source))))
        self.clusters, self.style = experiment.resolved.prior.clusters, experiment.resolved.prior.style_dim
        self.rng = torch.Generator()
        self.queue: list[np.ndarray] = []
        self.epoch = 0

    def round(self, number: int) -> None:
        entropy = np.random.SeedSequence((self.seed, 0, number)).generate_state(1, np.uint64)
        self.rng.manual_seed(int(entropy[0]) >> 1)

    def images(self) -> Tensor:
        if not self.queue:
            order = np.random.default_rng((self.seed, self.epoch)).permutation(len(self.samples))
            whole = len(order) // self.batch * self.batch
            self.queue, self.epoch = list(order[:whole].reshape(-1, self.batch)), self.epoch + 1
        batch = self.samples[torch.from_numpy(self.queue.pop(0))]
        return batch.float() / 255 if batch.dtype == torch.uint8 else batch

    def latent(self) -> tuple[Tensor, Tensor]:
        """zc one-hot and uniform, zn from N(0, sigma^2)."""
        chosen = torch.randint(self.clusters, (self.batch, 1), generator=self.rng).flatten()
        style = SIGMA * torch.randn(self.batch, self.style, generator=self.rng)
        return functional.one_hot(chosen, self.clusters).float(), style

    def share(self, dimensions: int) -> Tensor:
        """Epsilon of the gradient penalty."""
        return torch.rand((self.batch, *(1,) * (dimensions - 1)), generator=self.rng)


def copies(experiment: Experiment) -> dict[str, nn.Module]:
    networks = deepcopy(experiment.networks)
    for network in networks.values():
        network.train()
    return networks


def adam(*networks: nn.Module) -> torch.optim.Adam:
    return torch.optim.Adam([p for network in networks for p in network.parameters()], lr=1e-3, betas=(0.5, 0.9))


def penalty(critic: nn.Module, real: Tensor, fake: Tensor, share: Tensor) -> Tensor:
    """Gulrajani et al. 2017, Eq. 3: (|grad C(x^)| - 1)^2 at x^ = eps x + (1 - eps) x~."""
    between = (share * real + (1 - share) * fake).detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).pow(2).mean()


def move(optimizer: torch.optim.Optimizer, objective: Tensor) -> None:
    """One step: every gradient is taken, only the optimizer's parameters move."""
    optimizer.zero_grad()
    objective.backward()
    optimizer.step()


def clustergan(experiment: Experiment, rounds: int, critic_steps: int) -> dict[str, nn.Module]:
    """Mukherjee et al. 2019, Eq. 1 with q(t) = t, beta_n = beta_c = 10, and the gradient penalty of section 2.6."""
    networks, draws = copies(experiment), Draws(experiment)
    encoder, generator, critic = networks["encoder"], networks["generator"], networks["critic"]
    critic_optimizer, generator_optimizer = adam(critic), adam(generator, encoder)
    for number in range(1, rounds + 1):
        draws.round(number)
        for _ in range(critic_steps):
            real = draws.images()
            fake = generator(Latent(*draws.latent()))
            wasserstein = critic(fake).mean() - critic(real).mean()
            share = draws.share(real.dim())
            move(critic_optimizer, wasserstein + PENALTY * penalty(critic, real, fake, share))
        draws.images()  # a generator step takes a batch too, though ClusterGAN's reads none
        category, style = draws.latent()
        fake = generator(Latent(category, style))
        code: Code = encoder(fake)
        style_error = (style - code.style).pow(2).mean()
        category_error = functional.cross_entropy(code.logits, category.argmax(1))
        move(generator_optimizer, -critic(fake).mean() + 10 * style_error + 10 * category_error)
    return networks


def dccs(experiment: Experiment, rounds: int, critic_steps: int) -> dict[str, nn.Module]:
    """Zhao et al. 2020: Eq. 11 for the critic; Eqs. 6, 7, 10 for the others, beta_MI = 0.5 and beta_Aug = 2."""
    networks, draws = copies(experiment), Draws(experiment)
    encoder, discriminator, critic = networks["encoder"], networks["discriminator"], networks["critic"]
    critic_optimizer, encoder_optimizer = adam(critic), adam(encoder, discriminator)

    def encode(images: Tensor) -> tuple[Code, Tensor]:
        code: Code = encoder(images)
        return code, torch.cat((code.logits.softmax(1), code.style), 1)

    for number in range(1, rounds + 1):
        draws.round(number)
        for _ in range(critic_steps):
            images, prior = draws.images(), torch.cat(draws.latent(), 1)
            _, vector = encode(images)
            vector = vector.detach()
            wasserstein = critic(vector).mean() - critic(prior).mean()
            share = draws.share(2)
            move(critic_optimizer, wasserstein + PENALTY * penalty(critic, vector, prior, share))
        images = draws.images()
        mirrored = torch.rand(draws.batch, generator=draws.rng) < 0.5
        view = torch.where(mirrored[:, None, None, None], images.flip(3), images)
        code, vector = encode(images)
        other = vector[torch.randperm(draws.batch, generator=draws.rng)]
        joint = discriminator(code.features, vector).sigmoid().log().mean()
        marginal = (1 - discriminator(code.features, other).sigmoid()).log().mean()
        probabilities, seen = code.logits.softmax(1), encode(view)[0].logits.softmax(1)
        divergence = (probabilities * (probabilities.log() - seen.log())).sum(1).mean()
        move(encoder_optimizer, -critic(vector).mean() - 0.5 * (joint + marginal) + 2 * divergence)
    return networks


Loop = Callable[[Experiment, int, int], dict[str, nn.Module]]


@pytest.mark.parametrize(("name", "loop"), [("clustergan", clustergan), ("dccs", dccs)])
def test_the_engine_ends_where_a_loop_written_by_hand_ends(
    name: str, loop: Loop, experiment: Callable[..., Experiment], training: Callable[..., Training]
) -> None:
    start = experiment(name)
    recipe = start.resolved.recipe
    expected = loop(start, recipe.train.rounds, recipe.players["critic"].steps)
    engine = training(name)
    engine.run()
    for role, network in expected.items():
        initial, found = start.networks[role].state_dict(), engine.state.networks[role].state_dict()
        assert any(not torch.equal(found[key], initial[key]) for key in initial), f"{role} did not move"
        torch.testing.assert_close(found, network.state_dict(), rtol=1e-4, atol=1e-5)
