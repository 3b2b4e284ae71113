"""Checks of centroids fail for parts that violate them."""

from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from latentclust.api import CentroidsSpec
from latentclust.testing import centroid_checks


class Points(nn.Module):
    """Scalar products with a point of each cluster."""

    def __init__(self, clusters: int, width: int) -> None:
        super().__init__()
        self.points = nn.Parameter(torch.randn(clusters, width))

    def forward(self, features: Tensor) -> Tensor:
        return torch.einsum("bw...,kw->bk...", features.float(), self.points.float())


class Comparing(CentroidsSpec):
    """Compares by `body`."""

    body: ClassVar[Any] = Points

    def centroids(self, clusters: int, width: int) -> nn.Module:
        made: nn.Module = self.body(clusters, width)
        return made


class Short(Points):
    """Leaves a cluster out."""

    def forward(self, features: Tensor) -> Tensor:
        return super().forward(features)[:, 1:]


class Crowded(Points):
    """Compares a place with the mean of its map too."""

    def forward(self, features: Tensor) -> Tensor:
        mean = features.mean(dim=tuple(range(2, features.ndim)), keepdim=True) if features.ndim > 2 else 0
        return super().forward(features + mean)


class Overflowing(Points):
    """Is infinite in half precision."""

    def forward(self, features: Tensor) -> Tensor:
        found = super().forward(features)
        return found / 0 if torch.is_autocast_enabled("cpu") else found


class Forgetting(Points):
    """Keeps its points out of checkpoints."""

    def __init__(self, clusters: int, width: int) -> None:
        nn.Module.__init__(self)
        self.points = torch.randn(clusters, width, generator=FRESH)
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, features: Tensor) -> Tensor:
        return self.scale * super().forward(features)


FRESH = torch.Generator().manual_seed(0)


class Tossing(Points):
    """Draws its points from a generator of its own."""

    def __init__(self, clusters: int, width: int) -> None:
        super().__init__(clusters, width)
        self.points.data.copy_(torch.randn(clusters, width, generator=FRESH))


def spoilt(made: Any) -> type[CentroidsSpec]:
    class Spoilt(Comparing):
        """With another body."""

        body: ClassVar[Any] = made

    return Spoilt


@pytest.mark.parametrize(
    ("check", "made"),
    [
        (centroid_checks.compares_features, Short),
        (centroid_checks.output_does_not_depend_on_the_batch, Crowded),
        (centroid_checks.runs_in_bf16, Overflowing),
        (centroid_checks.round_trips_through_a_checkpoint, Forgetting),
        (centroid_checks.initial_weights_depend_only_on_the_seed, Tossing),
    ],
)
def test_wrong_centroids(check, made, caught):
    assert caught(check, "backbone", spoilt(made))
