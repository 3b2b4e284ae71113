"""Inference by gradient descent on the error of the generator: ClusterGAN 2019, Algorithm 1."""

from collections.abc import Iterable, Mapping
from typing import ClassVar, final

import torch
from jaxtyping import Float
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor, nn

from latentclust.api import Images, InferenceSpec, Latent, Model, Posterior
from latentclust.bundled.inference.kmeans import centroid_probabilities, fit_centroids


@final
class BackpropDecoding(InferenceSpec):
    """Descent to the best style of each cluster. The cluster with the lowest loss is the label.

    The loss of an image is `|G(z) - x|_1 + penalty |zn|^2`, summed over the values of the image and of the style. The
    restarts of all clusters run as one batch of b K rows; rows are independent in evaluation mode. With a prior without
    categories the K restarts differ only in their initial style, and the labels are k-means on the recovered style
    ("GAN with bp", section 4.2).

    Example:
        ```toml
        [inference]
        use = "backprop-decoding"
        iterations = 1000
        clip = 0.6
        ```
    """

    random: ClassVar[bool] = True

    network: str = "generator"
    """Name of the generator."""

    iterations: PositiveInt = Field(default=5000, examples=[3])
    """Number of Adam steps. Defaults to that of the paper."""

    learning_rate: PositiveFloat = 0.01
    """Step size of Adam in units of the style; not given in the paper."""

    penalty: NonNegativeFloat = 1.0
    """Weight of the squared style norm; not given in the paper."""

    clip: PositiveFloat = 0.6
    """Largest absolute style after each step. Defaults to six times the prior sigma of 0.1; scale it with sigma."""

    temperature: PositiveFloat = 1.0
    """Temperature in units of the loss: probabilities are the softmax of `-loss / temperature`. Labels do not depend on
    it."""

    n_init: PositiveInt = 10
    """Number of initialisations of k-means, for a prior without categories."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Name of the generator."""
        return (self.network,)

    def fit(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> dict[str, Tensor]:
        """Return the centroids of the training styles for a prior without categories, otherwise nothing."""
        if model.prior.categories:
            return {}
        styles = torch.cat([_best_style(*self._decode(model, images, rng)) for images in batches])
        return fit_centroids(styles, model.prior.clusters, self.n_init, rng)

    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        """Return the posterior from the losses of the clusters or from the centroids, and the style of lowest loss."""
        losses, styles = self._decode(model, images, rng)
        style = _best_style(losses, styles)
        if model.prior.categories:
            return Posterior(probabilities=(-losses / self.temperature).softmax(dim=1), style=style)
        return Posterior(probabilities=centroid_probabilities(style, state), style=style)

    def _decode(
        self, model: Model, images: Images, rng: torch.Generator
    ) -> tuple[Float[Tensor, "b k"], Float[Tensor, "b k s"]]:
        batch, restarts = len(images), model.prior.clusters
        # A prior without categories has no columns: the restarts then differ in their initial style alone.
        category = torch.eye(restarts, device=images.device)[:, : model.prior.categories].repeat(batch, 1)
        generator = model.networks[self.network]
        style = model.prior.sample(batch * restarts, rng).style.detach().clone().requires_grad_()
        adam = torch.optim.Adam([style], lr=self.learning_rate)
        for iteration in range(self.iterations):
            model.on_step(iteration, self.iterations)
            with torch.enable_grad():
                total = self._losses(generator, category, style, images).sum()
            (style.grad,) = torch.autograd.grad(total, style)  # no gradients of the generator's parameters
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


def _best_style(losses: Float[Tensor, "b k"], styles: Float[Tensor, "b k s"]) -> Float[Tensor, "b s"]:
    return styles.take_along_dim(losses.argmin(dim=1)[:, None, None], dim=1).squeeze(1)
