"""Latents for figures as in the papers: modes, interpolations between clusters, traversals of a style dimension."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from latentclust.errors import LatentclustError
from latentclust.specs.parts import MapPriorSpec, PriorSpec
from latentclust.tensors import Latent

STEPS = 11
"""Number of columns of an interpolation or a traversal."""

REACH = 5.0
"""Range of a traversal to either side, in standard deviations of the prior, as in DLS-Clustering, Fig. 4: -0.5 to 0.5
with sigma = 0.1."""

DRAWS = 10_000
"""Number of draws for the standard deviation of a style dimension, which is then accurate to one per cent."""


@dataclass(frozen=True, slots=True)
class LatentGrid:
    """Latents in rows and columns.

    Attributes:
        latent: Latents `(rows * columns, ...)`, row after row.
        rows: Label of each row.
        columns: Label of each column.
    """

    latent: Latent
    rows: tuple[str, ...]
    columns: tuple[str, ...]


def modes(
    prior: PriorSpec, per_cluster: int, rng: torch.Generator, networks: Mapping[str, nn.Module] | None = None
) -> LatentGrid:
    """Return one row per cluster. All rows have the same styles, so that they differ only in their category.

    A prior without categories gives the same number of rows of plain draws, and a learned one draws of each cluster
    under the parameters in its `networks`. With label maps, a cluster fills the images of its row, which shows its
    layer, and a last row has label maps drawn from the prior.
    """
    columns = ("",) * per_cluster
    if prior.needs and networks is not None:
        drawn = prior.draw_modes(networks, per_cluster, rng)
        return LatentGrid(drawn, tuple(f"cluster {number}" for number in range(1, prior.clusters + 1)), columns)
    if not prior.categories:
        return LatentGrid(prior.sample(prior.clusters * per_cluster, rng), ("",) * prior.clusters, columns)
    drawn = prior.sample(per_cluster, rng)
    pure = _product(prior, torch.eye(prior.categories, device=drawn.style.device), drawn.style)
    if not isinstance(prior, MapPriorSpec):
        return LatentGrid(pure, _clusters(prior), columns)
    category, style = torch.cat((pure.category, drawn.category)), torch.cat((pure.style, drawn.style))
    return LatentGrid(Latent(category=category, style=style), (*_clusters(prior), "drawn maps"), columns)


def interpolation(prior: PriorSpec, first: int, second: int, rows: int, rng: torch.Generator) -> LatentGrid:
    """Return rows that interpolate between two clusters, 0-based: `z = (zn, mu zc1 + (1 - mu) zc2)`, mu from 1 to 0.

    Each row has its own style (ClusterGAN, section 2.7). In label maps, all pixels are interpolated in the same way.

    Raises:
        LatentclustError: If the prior has no categories, or a cluster does not exist.
    """
    _check_fixed(prior, "--interpolate")
    _check_categories(prior, "--interpolate")
    for cluster in (first, second):
        _check_range("--interpolate", "cluster", cluster, prior.categories)
    style = prior.sample(rows, rng).style
    corners = torch.eye(prior.categories, device=style.device)
    mu = torch.linspace(1, 0, STEPS, device=style.device)[:, None]
    category = mu * corners[first] + (1 - mu) * corners[second]
    style = style.repeat_interleave(STEPS, dim=0)
    latent = Latent(category=_everywhere(prior, category.repeat(rows, 1), style), style=style)
    between = (f"{float(share):.1f}" for share in mu.flatten()[1:-1])
    return LatentGrid(latent, ("",) * rows, (f"cluster {first + 1}", *between, f"cluster {second + 1}"))


def traversal(prior: PriorSpec, dimension: int, rng: torch.Generator) -> LatentGrid:
    """Return one row per cluster, in which a style dimension, 0-based, goes from -5 to 5 standard deviations.

    The other dimensions keep one draw. In label maps, the dimension has the same value at every position of the grid.

    Raises:
        LatentclustError: If the prior has no categories, or the dimension does not exist.
    """
    _check_fixed(prior, "--traverse")
    _check_categories(prior, "--traverse")
    _check_range("--traverse", "style dimension", dimension, prior.style_dim)
    values = torch.linspace(-REACH, REACH, STEPS, device=rng.device) * _deviation(prior, dimension, rng)
    one = prior.sample(1, rng).style
    style = one.repeat(STEPS, *(1 for _ in one.shape[1:]))
    style[:, dimension] = values.reshape(STEPS, *(1 for _ in one.shape[2:]))
    category = torch.eye(prior.categories, device=style.device)
    columns = tuple(f"{float(value):.2f}" for value in values)
    return LatentGrid(_product(prior, category, style), _clusters(prior), columns)


def _deviation(prior: PriorSpec, dimension: int, rng: torch.Generator) -> float:
    """Return the standard deviation of a style dimension: from draws, except for label maps, which are slow to draw."""
    if isinstance(prior, MapPriorSpec):
        return prior.sigma
    return float(prior.sample(DRAWS, rng).style[:, dimension].std())


def _product(prior: PriorSpec, category: torch.Tensor, style: torch.Tensor) -> Latent:
    """Return every category with every style, category by category."""
    styles = style.repeat(len(category), *(1 for _ in style.shape[1:]))
    return Latent(category=_everywhere(prior, category.repeat_interleave(len(style), dim=0), styles), style=styles)


def _everywhere(prior: PriorSpec, category: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
    """Return categories `(n, k)`; for label maps, repeat them at every pixel of the styles' grids: `(n, k, h, w)`."""
    if not isinstance(prior, MapPriorSpec):
        return category
    height, width = (cells * prior.style_stride for cells in style.shape[2:])
    return category[:, :, None, None].expand(-1, -1, height, width)


def _clusters(prior: PriorSpec) -> tuple[str, ...]:
    return tuple(f"cluster {number}" for number in range(1, prior.categories + 1))


def _check_fixed(prior: PriorSpec, where: str) -> None:
    if prior.needs:
        what = f"the styles of the prior {type(prior).__name__} are learned, and differ between clusters"
        raise LatentclustError.at(where, what, "Draw the modes, or train with a prior that is not learned")


def _check_categories(prior: PriorSpec, where: str) -> None:
    if not prior.categories:
        what = f"the prior {type(prior).__name__} has no categories"
        raise LatentclustError.at(where, what, "Draw the modes, or train with a prior that has categories")


def _check_range(where: str, name: str, index: int, count: int) -> None:
    if not 0 <= index < count:
        numbers = f"Use a number from 1 to {count}" if count else f"The prior has no {name}"
        raise LatentclustError.at(where, f"unknown {name} {index + 1}", numbers)
