"""Latents for the papers' figures: modes, interpolations between clusters, traversals of a style dimension."""

from dataclasses import dataclass

import torch

from latentclust.errors import LatentclustError
from latentclust.specs import PriorSpec
from latentclust.tensors import Latent

STEPS = 11
"""Columns of an interpolation or a traversal: tenths of the way."""

REACH = 5.0
"""How many standard deviations of the prior a traversal goes to either side: DLS-Clustering, Fig. 4, goes from -0.5
to 0.5 where sigma is 0.1."""

DRAWS = 10_000
"""Draws by which a style dimension's standard deviation is estimated, to one per cent."""


@dataclass(frozen=True, slots=True)
class LatentGrid:
    """Latents in rows and columns.

    Attributes:
        latent: `(rows * columns, ...)`, row after row.
        rows: A label a row.
        columns: A label a column.
    """

    latent: Latent
    rows: tuple[str, ...]
    columns: tuple[str, ...]


def modes(prior: PriorSpec, per_cluster: int, rng: torch.Generator) -> LatentGrid:
    """A row a cluster; the styles drawn are the same in every row, so that rows differ in their category alone.

    Under a prior with no categories: as many rows of plain draws.
    """
    columns = ("",) * per_cluster
    if not prior.categories:
        return LatentGrid(prior.sample(prior.clusters * per_cluster, rng), ("",) * prior.clusters, columns)
    style = prior.sample(per_cluster, rng).style
    category = torch.eye(prior.categories, device=style.device)
    return LatentGrid(_product(category, style), _clusters(prior), columns)


def interpolation(prior: PriorSpec, first: int, second: int, rows: int, rng: torch.Generator) -> LatentGrid:
    """From one cluster to another, 0-based: `z = (zn, mu zc1 + (1 - mu) zc2)`, mu from 1 to 0.

    Each row keeps a style of its own. ClusterGAN, section 2.7.

    Raises:
        LatentclustError: where the prior has no categories, or no such cluster.
    """
    _check_categories(prior, "--interpolate")
    for cluster in (first, second):
        _check_range("--interpolate", "cluster", cluster, prior.categories)
    style = prior.sample(rows, rng).style
    corners = torch.eye(prior.categories, device=style.device)
    mu = torch.linspace(1, 0, STEPS, device=style.device)[:, None]
    category = mu * corners[first] + (1 - mu) * corners[second]
    latent = Latent(category=category.repeat(rows, 1), style=style.repeat_interleave(STEPS, dim=0))
    between = (f"{float(share):.1f}" for share in mu.flatten()[1:-1])
    return LatentGrid(latent, ("",) * rows, (f"cluster {first + 1}", *between, f"cluster {second + 1}"))


def traversal(prior: PriorSpec, dimension: int, rng: torch.Generator) -> LatentGrid:
    """A row a cluster: one style dimension, 0-based, goes from -5 to 5 standard deviations; the others keep one draw.

    Raises:
        LatentclustError: where the prior has no categories, or no such dimension.
    """
    _check_categories(prior, "--traverse")
    _check_range("--traverse", "style dimension", dimension, prior.style_dim)
    deviation = prior.sample(DRAWS, rng).style[:, dimension].std()
    values = torch.linspace(-REACH, REACH, STEPS, device=deviation.device) * deviation
    style = prior.sample(1, rng).style.repeat(STEPS, 1)
    style[:, dimension] = values
    category = torch.eye(prior.categories, device=style.device)
    return LatentGrid(_product(category, style), _clusters(prior), tuple(f"{float(value):.2f}" for value in values))


def _product(category: torch.Tensor, style: torch.Tensor) -> Latent:
    """Every category with every style, category by category."""
    return Latent(
        category=category.repeat_interleave(len(style), dim=0),
        style=style.repeat(len(category), 1),
    )


def _clusters(prior: PriorSpec) -> tuple[str, ...]:
    return tuple(f"cluster {number}" for number in range(1, prior.categories + 1))


def _check_categories(prior: PriorSpec, where: str) -> None:
    if not prior.categories:
        what = f"the prior {type(prior).__name__} has no categories to choose among"
        raise LatentclustError.at(where, what, "Draw the modes, or train with a prior that has categories")


def _check_range(where: str, name: str, index: int, count: int) -> None:
    if not 0 <= index < count:
        numbers = f"Use a number from 1 to {count}" if count else f"The prior has no {name}"
        raise LatentclustError.at(where, f"there is no {name} {index + 1}", numbers)
