"""The prior of label maps: one category per pixel, optionally coupled between neighbours (Potts 1952)."""

from typing import final

import torch
from jaxtyping import Bool, Float, Float32, Int64
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor
from torch.nn import functional

from latentclust.api import Latent, MapPriorSpec
from latentclust.bundled.neighbour_weights import NeighbourWeights


@final
class CategoricalMap(MapPriorSpec):
    """One category per pixel and a grid of styles from N(0, sigma^2) (Zhu et al. 2019, section 3.5).

    In the paper the categories are independent and uniform. With `coupling` b, an extension of the paper, the map is a
    Potts field over 4-connected neighbours: `p(y) ~ exp(b #{pairs of neighbours with the same label})`.

    Example:
        ```toml
        [prior]
        use = "categorical-map"
        clusters = 5
        style_dim = 8
        style_stride = 16
        coupling = 0.5
        ```
    """

    clusters: int = Field(ge=2)
    """Number of clusters."""

    style_dim: NonNegativeInt = 8
    """Number of style dimensions in each cell of the style grid."""

    style_stride: PositiveInt = Field(default=16, examples=[4])
    """Size of a cell of the style grid in pixels."""

    sigma: PositiveFloat = 1.0
    """Standard deviation of each style dimension."""

    coupling: NonNegativeFloat = 0.0
    """Log probability gained by each pair of neighbours with the same label, in nats. 0 makes pixels independent."""

    side: PositiveInt = Field(default=64, examples=[8])
    """Height and width in pixels of the maps that the quantity `prior_sample` draws."""

    draws: PositiveInt = 100
    """Number of Gibbs sweeps to draw a map with coupling."""

    @property
    def categories(self) -> int:
        """Number of categories, one per cluster."""
        return self.clusters

    def sample(self, count: int, rng: torch.Generator) -> Latent:
        """Draw `count` latents on the generator's device, float32: categories `(b, k, h, w)` and styles `(b, d, y, x)`.

        Height and width are `side`, rounded up to a multiple of `style_stride`.
        """
        cells = -(-self.side // self.style_stride)
        side = cells * self.style_stride
        flat = torch.zeros(count, self.clusters, side, side, device=rng.device)
        label = torch.randint(self.clusters, (count, side, side), generator=rng, device=rng.device)
        for _ in range(self.draws if self.coupling else 0):
            label, _ = potts_sweep(flat, label, self.coupling, rng)
        style = torch.randn(count, self.style_dim, cells, cells, generator=rng, device=rng.device)
        return Latent(category=one_hot(label, self.clusters), style=self.sigma * style)


def neighbours(category: Float[Tensor, "b k h w"]) -> Float[Tensor, "b k h w"]:
    """Return the number of the four neighbours of each pixel that have each category. Pixels outside do not count."""
    padded = functional.pad(category, (1, 1, 1, 1))
    return padded[..., :-2, 1:-1] + padded[..., 2:, 1:-1] + padded[..., 1:-1, :-2] + padded[..., 1:-1, 2:]


def potts_sweep(
    energy: Float[Tensor, "b k h w"], label: Int64[Tensor, "b h w"], coupling: float, rng: torch.Generator | None
) -> tuple[Int64[Tensor, "b h w"], Float32[Tensor, "b k h w"]]:
    """Run one Gibbs sweep over label maps. Return the new maps and the conditional distributions of their pixels.

    The pixels of one colour of a checkerboard are independent given those of the other (Besag 1974), so that each
    colour is drawn exactly in one step. Without coupling the conditionals are the posteriors of single pixels, Eq. 5.

    Args:
        energy: `-log p(x | y)` of each pixel under each cluster in nats, up to a constant for each pixel.
        label: Label maps before the sweep.
        coupling: Log probability gained by each pair of neighbours with the same label, in nats.
        rng: Source of randomness. None takes the most probable category instead (iterated conditional modes).
    """
    clusters = energy.shape[1]
    if not coupling:
        posterior = (-energy).softmax(dim=1)
        return draw_or_argmax(posterior, rng), posterior
    posterior = torch.empty_like(energy)
    for colour in checkerboard(label):
        agreeing = neighbours(one_hot(label, clusters))
        conditional = (coupling * agreeing - energy).softmax(dim=1)
        posterior = torch.where(colour, conditional, posterior)
        label = torch.where(colour, draw_or_argmax(conditional, rng), label)
    return label, posterior


def mean_field(
    log_joint: Float[Tensor, "b k h w"], coupling: float, iterations: int, weights: NeighbourWeights | None = None
) -> Float[Tensor, "b k h w"]:
    """Return the mean-field posterior of a Potts field (Zhang 1992), after some iterations that update all pixels.

    A pixel depends on those within as many steps as iterations, and not on its position in the image, unlike with a
    checkerboard. Each iteration averages with the one before, because updates of all pixels at once may alternate.

    Args:
        log_joint: `log p(x, y)` of each pixel for each cluster in nats, up to a constant for each pixel.
        coupling: Log probability gained by each pair of neighbours with the same label, in nats.
        iterations: Number of iterations. With 0 the pixels are independent.
        weights: Factors of the coupling of each pair. None for 1.
    """
    agreeing = neighbours if weights is None else weights.agreeing
    found = log_joint.softmax(dim=1)
    for _ in range(iterations):
        found = (found + (log_joint + coupling * agreeing(found)).softmax(dim=1)) / 2
    return found


def checkerboard(label: Int64[Tensor, "b h w"]) -> tuple[Bool[Tensor, "h w"], Bool[Tensor, "h w"]]:
    """Return the masks of the dark and of the light squares of a checkerboard."""
    rows, columns = (torch.arange(side, device=label.device) for side in label.shape[1:])
    dark = (rows[:, None] + columns) % 2 == 0
    return dark, ~dark


def draw_or_argmax(posterior: Float[Tensor, "b k h w"], rng: torch.Generator | None) -> Int64[Tensor, "b h w"]:
    """Return one category per pixel: drawn by inversion, or the most probable one if `rng` is None."""
    return posterior.argmax(dim=1) if rng is None else draw(posterior, rng)


def one_hot(label: Int64[Tensor, "b *s"], clusters: int) -> Float32[Tensor, "b k *s"]:
    """Return labels as one-hot categories. The values are not read, so that the device is not waited for."""
    empty = torch.zeros(len(label), clusters, *label.shape[1:], device=label.device)
    return empty.scatter_(1, label[:, None], 1.0)


def draw(posterior: Float[Tensor, "b k *s"], rng: torch.Generator) -> Int64[Tensor, "b *s"]:
    """Draw labels from a posterior by inversion. torch.multinomial would wait for the device and refuse NaN."""
    point = torch.rand(len(posterior), 1, *posterior.shape[2:], generator=rng, device=rng.device)
    return (posterior.cumsum(dim=1) <= point).sum(dim=1).clamp(max=posterior.shape[1] - 1)
