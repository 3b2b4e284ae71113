"""Latent variables by descending the generator's error: ClusterGAN 2019, Algorithm 1."""

from collections.abc import Iterable, Mapping
from typing import final

import torch
from jaxtyping import Float
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor, nn

from latentclust.api import Images, InferenceSpec, Latent, Model, Posterior
from latentclust.bundled.inference.kmeans import centroid_probabilities, fit_centroids


@final
class BackpropDecoding(InferenceSpec):
    """For each cluster the style that best explains an image; the cluster of least loss is Algorithm 1's answer.

    The loss of an image is `|G(z) - x|_1 + penalty |zn|^2`, the sums over its values and over its style. The
    restarts of all clusters run as one batch of b K rows, which changes nothing: rows share nothing in evaluation
    mode. Under a prior with no categories the K restarts differ in their start only, and the labels are k-means on the
    recovered style ("GAN with bp", section 4.2).
    """

    network: str = "generator"
    """The name of the generator that it descends through."""

    iterations: PositiveInt = Field(default=5000, examples=[3])
    """Adam steps; the paper's number."""

    learning_rate: PositiveFloat = 0.01
    """Adam's step size, in units of the style; the paper gives none."""

    penalty: NonNegativeFloat = 1.0
    """Weight of the squared style norm; the paper gives none."""

    clip: PositiveFloat = 0.6
    """Largest absolute style after each step: six times the paper's prior sigma of 0.1. Scale it with sigma."""

    temperature: PositiveFloat = 1.0
    """Units of loss: probabilities are the softmax of `-loss / temperature`, and the label does not depend on it."""

    n_init: PositiveInt = 10
    """How often k-means starts anew, under a prior with no categories."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The generator."""
        return (self.network,)

    def fit(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> dict[str, Tensor]:
        """Nothing, or under a prior with no categories the centroids of the training images' styles."""
        if model.prior.categories:
            return {}
        styles = torch.cat([_winner(*self._decode(model, images, rng)) for images in batches])
        return fit_centroids(styles, model.prior.clusters, self.n_init, rng)

    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        """The posterior by cluster loss, or by centroid; the style is that of the restart of least loss."""
        losses, styles = self._decode(model, images, rng)
        style = _winner(losses, styles)
        if model.prior.categories:
            return Posterior(probabilities=(-losses / self.temperature).softmax(dim=1), style=style)
        return Posterior(probabilities=centroid_probabilities(style, state), style=style)

    def _decode(
        self, model: Model, images: Images, rng: torch.Generator
    ) -> tuple[Float[Tensor, "b k"], Float[Tensor, "b k s"]]:
        batch, restarts = len(images), model.prior.clusters
        # Columns beyond `categories` go: with no categories the restarts differ in their starting style alone.
        category = torch.eye(restarts, device=images.device)[:, : model.prior.categories].repeat(batch, 1)
        generator = model.networks[self.network]
        style = model.prior.sample(batch * restarts, rng).style.detach().clone().requires_grad_()
        adam = torch.optim.Adam([style], lr=self.learning_rate)
        for _ in range(self.iterations):
            with torch.enable_grad():
                total = self._losses(generator, category, style, images).sum()
            (style.grad,) = torch.autograd.grad(total, style)  # and none for the generator's parameters
            adam.step()
            with torch.no_grad():
                style.clamp_(-self.clip, self.clip)
        found = style.detach()
        with torch.no_grad():
            losses = self._losses(generator, category, found, images)
        return losses, found.view(batch, restarts, found.shape[1])

    def _losses(self, generator: nn.Module, category: Tensor, style: Tensor, images: Images) -> Float[Tensor, "b k"]:
        drawn: Tensor = generator(Latent(category=category, style=style)).float()
        restarts = drawn.view(len(images), -1, *images.shape[1:])  # (b, k, ...)
        errors = (restarts - images.unsqueeze(1)).abs().flatten(2).sum(dim=2)
        return errors + self.penalty * style.square().sum(dim=1).view_as(errors)


def _winner(losses: Float[Tensor, "b k"], styles: Float[Tensor, "b k s"]) -> Float[Tensor, "b s"]:
    return styles.take_along_dim(losses.argmin(dim=1)[:, None, None], dim=1).squeeze(1)
