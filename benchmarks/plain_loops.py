"""DCCS and ClusterGAN on 28 x 28 images written by hand in plain PyTorch, without the engine."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

CLUSTERS, SIGMA = 10, 0.1
Augment = Callable[[Tensor], Tensor]


def dense(*widths: int) -> nn.Sequential:
    """Return linear layers with leaky ReLU between them."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])


def penalty(critic: Callable[[Tensor], Tensor], one: Tensor, other: Tensor, rng: torch.Generator) -> Tensor:
    """Return Gulrajani's gradient penalty between two batches."""
    weight = torch.rand((len(one), *(1,) * (one.dim() - 1)), generator=rng)
    mixed = torch.lerp(other.detach(), one.detach(), weight).requires_grad_()
    (slope,) = torch.autograd.grad(critic(mixed).float().sum(), mixed, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()


def adam(*networks: nn.Module) -> torch.optim.Optimizer:
    """Return the optimizer of the papers."""
    parameters = [parameter for network in networks for parameter in network.parameters()]
    return torch.optim.Adam(parameters, 1e-4, (0.5, 0.9), fused=True)


class Loop:
    """Shuffled batches of images in memory."""

    def __init__(self, images: Tensor, batch: int, bf16: bool) -> None:
        self.images, self.batch, self.bf16 = images, batch, bf16
        self.rng = torch.Generator().manual_seed(0)
        self.order, self.position = torch.randperm(len(images), generator=self.rng), 0

    def autocast(self) -> torch.autocast:
        """Return the context of the networks' calls in a step."""
        return torch.autocast("cpu", torch.bfloat16, enabled=self.bf16)

    def next(self) -> Tensor:
        """Return a float batch."""
        if self.position + self.batch > len(self.order):
            self.order, self.position = torch.randperm(len(self.images), generator=self.rng), 0
        chosen = self.order[self.position : self.position + self.batch]
        self.position += self.batch
        return self.images.index_select(0, chosen).float() / 255

    def prior(self, style: int) -> Tensor:
        """Return one-hot and Gaussian samples, concatenated."""
        labels = torch.randint(CLUSTERS, (self.batch,), generator=self.rng)
        return torch.cat(
            (functional.one_hot(labels, CLUSTERS).float(), SIGMA * torch.randn(self.batch, style, generator=self.rng)),
            1,
        )


class Dccs(Loop):
    """DCCS, Algorithm 1: four critic steps and one encoder step per round."""

    style = 50

    def __init__(self, images: Tensor, batch: int, augment: Augment, bf16: bool = False) -> None:
        super().__init__(images, batch, bf16)
        self.augment = augment
        self.convolutions = nn.Sequential(
            *(nn.Conv2d(1, 64, 4, 2, bias=False), nn.BatchNorm2d(64), nn.LeakyReLU(0.2)),
            *(nn.Conv2d(64, 128, 4, 2, bias=False), nn.BatchNorm2d(128), nn.LeakyReLU(0.2), nn.Flatten()),
        )
        self.top = nn.Sequential(
            nn.Linear(3200, 1024, bias=False),
            nn.BatchNorm1d(1024),
            nn.LeakyReLU(0.2),
            nn.Linear(1024, CLUSTERS + self.style),
        )
        self.critic = dense(CLUSTERS + self.style, 1024, 512, 1)
        self.discriminator = dense(3200 + CLUSTERS + self.style, 1024, 512, 1)
        self.critic_adam = adam(self.critic)
        self.encoder_adam = adam(self.convolutions, self.top, self.discriminator)

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return features, log probabilities and the latent vector."""
        features = self.convolutions(images)
        code = self.top(features).float()
        vector = torch.cat((code[:, :CLUSTERS].softmax(1), code[:, CLUSTERS:]), 1)
        return features, code[:, :CLUSTERS].log_softmax(1), vector

    def round(self) -> None:
        """Update all players once."""
        for _ in range(4):
            with self.autocast():
                with torch.no_grad():
                    vector = self.encode(self.next())[2]
                drawn = self.prior(self.style)
                distance = self.critic(vector).float().mean() - self.critic(drawn).float().mean()
                loss = distance + 10 * penalty(self.critic, vector, drawn, self.rng)
            self.critic_adam.zero_grad()
            loss.backward()
            self.critic_adam.step()
        images = self.next()
        self.critic.requires_grad_(False)
        with self.autocast():
            features, log_seen, vector = self.encode(images)
            _, log_view, _ = self.encode(self.augment(images))
            others = vector[torch.randperm(self.batch, generator=self.rng)]
            joint = self.discriminator(torch.cat((features, vector.to(features.dtype)), 1)).float()
            marginal = self.discriminator(torch.cat((features, others.to(features.dtype)), 1)).float()
            information = functional.softplus(-joint).mean() + functional.softplus(marginal).mean()
            invariance = (log_seen.exp() * (log_seen - log_view)).sum(1).mean()
            loss = 0.5 * information + 2 * invariance - self.critic(vector).float().mean()
        self.encoder_adam.zero_grad()
        loss.backward()
        self.encoder_adam.step()
        self.critic.requires_grad_(True)


def reader(outputs: int) -> nn.Sequential:
    """ClusterGAN's encoder and critic."""
    return nn.Sequential(
        *(nn.Conv2d(1, 64, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(64, 128, 4, 2, 1), nn.LeakyReLU(0.2), nn.Flatten()),
        *(nn.Linear(6272, 1024), nn.LeakyReLU(0.2), nn.Linear(1024, outputs)),
    )


class ClusterGan(Loop):
    """ClusterGAN: five critic steps and one step of generator and encoder per round."""

    style = 30

    def __init__(self, images: Tensor, batch: int, augment: Augment, bf16: bool = False) -> None:
        super().__init__(images, batch, bf16)
        self.generator = nn.Sequential(
            *(nn.Linear(CLUSTERS + self.style, 1024, bias=False), nn.BatchNorm1d(1024), nn.ReLU()),
            *(nn.Linear(1024, 6272, bias=False), nn.BatchNorm1d(6272), nn.ReLU(), nn.Unflatten(1, (128, 7, 7))),
            *(nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()),
            *(nn.ConvTranspose2d(64, 1, 4, 2, 1), nn.Sigmoid()),
        )
        self.encoder, self.critic = reader(CLUSTERS + self.style), reader(1)
        self.critic_adam, self.generator_adam = adam(self.critic), adam(self.generator, self.encoder)

    def round(self) -> None:
        """Update all players once."""
        for _ in range(5):
            images = self.next()
            with self.autocast():
                with torch.no_grad():
                    fake = self.generator(self.prior(self.style)).float()
                distance = self.critic(fake).float().mean() - self.critic(images).float().mean()
                loss = distance + 10 * penalty(self.critic, images, fake, self.rng)
            self.critic_adam.zero_grad()
            loss.backward()
            self.critic_adam.step()
        self.critic.requires_grad_(False)
        drawn = self.prior(self.style)
        self.next()
        with self.autocast():
            fake = self.generator(drawn).float()
            code = self.encoder(fake).float()
            category = -(drawn[:, :CLUSTERS] * code[:, :CLUSTERS].log_softmax(1)).sum(1).mean()
            style = (drawn[:, CLUSTERS:] - code[:, CLUSTERS:]).square().mean()
            loss = 10 * category + 10 * style - self.critic(fake).float().mean()
        self.generator_adam.zero_grad()
        loss.backward()
        self.generator_adam.step()
        self.critic.requires_grad_(True)


LOOPS: dict[str, Any] = {"dccs": Dccs, "clustergan": ClusterGan}
