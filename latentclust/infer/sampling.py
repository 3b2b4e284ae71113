"""Latents for the papers' figures: modes, interpolations between clusters, traversals of a style dimension."""

from dataclasses import dataclass

import torch

from latentclust.errors import LatentclustError
from latentclust.specs.parts import MapPriorSpec, PriorSpec
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

    Under a prior with no categories: as many rows of plain draws. Under one of label maps a cluster fills its row's
    images, which shows its layer, and a last row has label maps drawn from the prior.
    """
    columns = ("",) * per_cluster
    if not prior.categories:
        return LatentGrid(prior.sample(prior.clusters * per_cluster, rng), ("",) * prior.clusters, columns)
    drawn = prior.sample(per_cluster, rng)
    pure = _product(prior, torch.eye(prior.categories, device=drawn.style.device), drawn.style)
    if not isinstance(prior, MapPriorSpec):
        return LatentGrid(pure, _clusters(prior), columns)
    category, style = torch.cat((pure.category, drawn.category)), torch.cat((pure.style, drawn.style))
    return LatentGrid(Latent(category=category, style=style), (*_clusters(prior), "drawn maps"), columns)


def interpolation(prior: PriorSpec, first: int, second: int, rows: int, rng: torch.Generator) -> LatentGrid:
    """From one cluster to another, 0-based: `z = (zn, mu zc1 + (1 - mu) zc2)`, mu from 1 to 0.

    Each row keeps a style of its own. ClusterGAN, section 2.7. Of label maps every pixel goes the same way.

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
    style = style.repeat_interleave(STEPS, dim=0)
    latent = Latent(category=_everywhere(prior, category.repeat(rows, 1), style), style=style)
    between = (f"{float(share):.1f}" for share in mu.flatten()[1:-1])
    return LatentGrid(latent, ("",) * rows, (f"cluster {first + 1}", *between, f"cluster {second + 1}"))


def traversal(prior: PriorSpec, dimension: int, rng: torch.Generator) -> LatentGrid:
    """A row a cluster: one style dimension, 0-based, goes from -5 to 5 standard deviations; the others keep one draw.

    Of label maps the dimension has one value at every place of the style's grid.

    Raises:
        LatentclustError: where the prior has no categories, or no such dimension.
    """
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
    """The standard deviation of a style dimension: by draws, but of label maps, which are dear to draw."""
    if isinstance(prior, MapPriorSpec):
        return prior.sigma
    return float(prior.sample(DRAWS, rng).style[:, dimension].std())


def _product(prior: PriorSpec, category: torch.Tensor, style: torch.Tensor) -> Latent:
    """Every category with every style, category by category."""
    styles = style.repeat(len(category), *(1 for _ in style.shape[1:]))
    return Latent(category=_everywhere(prior, category.repeat_interleave(len(style), dim=0), styles), style=styles)


def _everywhere(prior: PriorSpec, category: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
    """Categories `(n, k)`, of label maps at every pixel under the styles' grids: `(n, k, h, w)`."""
    if not isinstance(prior, MapPriorSpec):
        return category
    height, width = (cells * prior.style_stride for cells in style.shape[2:])
    return category[:, :, None, None].expand(-1, -1, height, width)


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
