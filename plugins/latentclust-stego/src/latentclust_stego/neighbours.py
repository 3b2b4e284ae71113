"""The nearest neighbours of each image by its mean features (Hamilton et al., ICLR 2022, section 3.2)."""

from collections.abc import Iterable
from typing import ClassVar, final

import torch
from latentclust.api import Images, LatentclustError, Model, TableSpec
from pydantic import PositiveInt
from torch import Tensor
from torch.nn import functional

BLOCK = 1024
"""Images that are compared with all at once."""


@final
class FeatureNeighbours(TableSpec):
    """The images whose average pooled features are most alike by cosine, the image itself left out."""

    of_samples: ClassVar[bool] = True

    network: str = "trunk"
    """Whose features are compared; those of a map are averaged."""

    count: PositiveInt = 7
    """Neighbours of each image; 7 in the paper's experiments."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The network."""
        return (self.network,)

    def compute(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Tensor:
        """Indices `(n, count)`, the nearest first; raises LatentclustError where there are too few images."""
        means = torch.cat([_mean(model.networks[self.network](images)) for images in batches])
        if len(means) <= self.count:
            what = f"{self.count} neighbours in a set of {len(means)} images"
            raise LatentclustError.at("feature-neighbours.count", what, f"Use at most {len(means) - 1}")
        return nearest(means, self.count)


def _mean(features: Tensor) -> Tensor:
    """Features `(b, f)`, or the mean over places of maps `(b, f, y, x)`; float32."""
    flat = features.float()
    return flat.flatten(2).mean(dim=2) if flat.dim() > 2 else flat


def nearest(vectors: Tensor, count: int) -> Tensor:
    """Of each of vectors `(n, d)` the others of greatest cosine, `(n, count)`, the nearest first."""
    directions = functional.normalize(vectors, dim=1)
    found = []
    for start in range(0, len(directions), BLOCK):
        alike = directions[start : start + BLOCK] @ directions.T
        alike.diagonal(start).fill_(-torch.inf)
        found.append(alike.topk(count, dim=1).indices)
    return torch.cat(found)
