"""The prior of label maps: a category for every pixel, and neighbours that may agree (Potts 1952)."""

from typing import final

import torch
from jaxtyping import Bool, Float, Float32, Int64
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor
from torch.nn import functional

from latentclust.api import Latent, MapPriorSpec
from latentclust.bundled.categories import draw, one_hot


@final
class CategoricalMap(MapPriorSpec):
    """A category for each pixel beside a grid of styles from N(0, sigma^2) (Xing et al. 2020, section 3.5).

    The paper's categories are independent and uniform. With `coupling` b the map is a Potts field,
    `p(y) ~ exp(b #{neighbours with one label})`, over the four neighbours of each pixel: beyond the paper.
    """

    clusters: int = Field(ge=2)

    style_dim: NonNegativeInt = 8
    """Values of the style at each place of its grid."""

    style_stride: PositiveInt = Field(default=16, examples=[4])
    """Pixels, either way, to a place of the style's grid."""

    sigma: PositiveFloat = 1.0

    coupling: NonNegativeFloat = 0.0
    """What agreement with a neighbour is worth, nats; 0 makes pixels independent."""

    side: PositiveInt = Field(default=64, examples=[8])
    """Pixels of the maps that the quantity `prior_sample` draws, either way."""

    draws: PositiveInt = 100
    """Gibbs sweeps by which coupled maps are drawn."""

    @property
    def categories(self) -> int:
        """As many as clusters."""
        return self.clusters

    def sample(self, count: int, rng: torch.Generator) -> Latent:
        """`count` draws on the generator's device, float32: categories `(b, k, side, side)`, and styles."""
        cells = -(-self.side // self.style_stride)
        side = cells * self.style_stride
        flat = torch.zeros(count, self.clusters, side, side, device=rng.device)
        label = torch.randint(self.clusters, (count, side, side), generator=rng, device=rng.device)
        for _ in range(self.draws if self.coupling else 0):
            label, _ = potts_sweep(flat, label, self.coupling, rng)
        style = torch.randn(count, self.style_dim, cells, cells, generator=rng, device=rng.device)
        return Latent(category=one_hot(label, self.clusters), style=self.sigma * style)


def neighbours(category: Float[Tensor, "b k h w"]) -> Float[Tensor, "b k h w"]:
    """How many of each pixel's four neighbours have each category; beyond the border there are none."""
    padded = functional.pad(category, (1, 1, 1, 1))
    return padded[..., :-2, 1:-1] + padded[..., 2:, 1:-1] + padded[..., 1:-1, :-2] + padded[..., 1:-1, 2:]


def potts_sweep(
    energy: Float[Tensor, "b k h w"], label: Int64[Tensor, "b h w"], coupling: float, rng: torch.Generator | None
) -> tuple[Int64[Tensor, "b h w"], Float32[Tensor, "b k h w"]]:
    """One Gibbs sweep over label maps, and the conditional distributions that it drew from.

    The pixels of one colour of a checkerboard are independent given those of the other (Besag 1974), so that each half
    is drawn at once, exactly. Without coupling the conditionals are the posteriors of single pixels, Eq. 5.

    Args:
        energy: `-log p(x | y)` of each pixel under each cluster, up to a constant of the pixel; nats.
        label: The map before the sweep.
        coupling: What agreement with a neighbour is worth, nats.
        rng: Of the draws; None takes the most probable category instead (iterated conditional modes).
    """
    clusters = energy.shape[1]
    if not coupling:
        posterior = (-energy).softmax(dim=1)
        return choose(posterior, rng), posterior
    posterior = torch.empty_like(energy)
    for own in checkerboard(label):
        agreeing = neighbours(one_hot(label, clusters))
        conditional = (coupling * agreeing - energy).softmax(dim=1)
        posterior = torch.where(own, conditional, posterior)
        label = torch.where(own, choose(conditional, rng), label)
    return label, posterior


def checkerboard(label: Int64[Tensor, "b h w"]) -> tuple[Bool[Tensor, "h w"], Bool[Tensor, "h w"]]:
    """The two colours."""
    rows, columns = (torch.arange(side, device=label.device) for side in label.shape[1:])
    dark = (rows[:, None] + columns) % 2 == 0
    return dark, ~dark


def choose(posterior: Float[Tensor, "b k h w"], rng: torch.Generator | None) -> Int64[Tensor, "b h w"]:
    """A category a pixel: drawn by inversion, or the most probable one where `rng` is None."""
    return posterior.argmax(dim=1) if rng is None else draw(posterior, rng)
