"""Nearest neighbours of each image by its mean features (Hamilton et al., ICLR 2022, section 3.2)."""

from collections.abc import Iterable
from typing import ClassVar, final

import torch
from latentclust.api import Images, LatentclustError, Model, TableSpec
from pydantic import PositiveInt
from torch import Tensor
from torch.nn import functional

BLOCK = 1024
"""Number of images that are compared with all others at once."""


@final
class FeatureNeighbours(TableSpec):
    """Other images with the most similar average-pooled features, by cosine similarity."""

    of_samples: ClassVar[bool] = True

    network: str = "trunk"
    """Name of the network whose features are compared. Maps of features are averaged."""

    count: PositiveInt = 7
    """Number of neighbours per image. The experiments of the paper use 7."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Name of the network."""
        return (self.network,)

    def compute(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Tensor:
        """Return indices `(n, count)`, nearest first. Raise LatentclustError if there are too few images."""
        means = torch.cat([_mean(model.networks[self.network](images)) for images in batches])
        if len(means) <= self.count:
            what = f"{self.count} neighbours in a set of {len(means)} images"
            raise LatentclustError.at("feature-neighbours.count", what, f"Use at most {len(means) - 1}")
        return nearest(means, self.count)


def _mean(features: Tensor) -> Tensor:
    """Return features `(b, f)`, or the mean over the positions of maps `(b, f, y, x)`, in float32."""
    flat = features.float()
    return flat.flatten(2).mean(dim=2) if flat.dim() > 2 else flat


def nearest(vectors: Tensor, count: int) -> Tensor:
    """Return for each vector of `(n, d)` the others with the largest cosine similarity, `(n, count)`, nearest first."""
    directions = functional.normalize(vectors, dim=1)
    found = []
    for start in range(0, len(directions), BLOCK):
        alike = directions[start : start + BLOCK] @ directions.T
        alike.diagonal(start).fill_(-torch.inf)
        found.append(alike.topk(count, dim=1).indices)
    return torch.cat(found)
