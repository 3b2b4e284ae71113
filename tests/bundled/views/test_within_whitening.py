import pytest
import torch

from latentclust.api import Images, LatentclustError, Mask
from latentclust.bundled.views.within_whitening import WithinWhitening

COVARIANCE = torch.tensor([[4.0, 1.9], [1.9, 1.0]])
CLUSTER = torch.arange(1000) % 2


def points() -> torch.Tensor:
    """Two long parallel clusters that are apart along their short axis."""
    noise = torch.randn(1000, 2, generator=torch.Generator().manual_seed(0)) @ torch.linalg.cholesky(COVARIANCE).T
    return noise + torch.tensor([[-2.0, 2.0], [2.0, -2.0]])[CLUSTER]


def every(values: torch.Tensor) -> list[tuple[Images, Mask]]:
    return [(Images(part), Mask(torch.ones(len(part), *part.shape[2:], dtype=torch.bool))) for part in values.split(7)]


def test_the_covariance_within_clusters_becomes_the_identity() -> None:
    images = Images(points().reshape(10, 10, 10, 2).movedim(-1, 1).contiguous())
    spec = WithinWhitening(clusters=2, n_init=1)
    found = spec.apply(images, spec.fit(every(images))).movedim(1, -1).reshape(-1, 2)
    for cluster in (0, 1):
        torch.testing.assert_close(found[cluster == CLUSTER].T.cov(), torch.eye(2), atol=0.2, rtol=0)
    torch.testing.assert_close(found.mean(dim=0), torch.zeros(2), atol=0.01, rtol=0)


def test_the_units_of_channels_do_not_change_distances() -> None:
    spec, scale = WithinWhitening(clusters=2, n_init=1), torch.tensor([1.0, 64.0])
    one, other = points(), points() * scale
    distances = [torch.pdist(spec.apply(Images(each[:50]), spec.fit(every(each)))) for each in (one, other)]
    torch.testing.assert_close(*distances, rtol=0.02, atol=0.02)


def test_fewer_pixels_than_clusters_are_refused() -> None:
    with pytest.raises(LatentclustError, match="clusters: cannot fit 3 components to 2 distinct values"):
        WithinWhitening(clusters=3).fit(every(torch.tensor([[0.0, 1.0], [1.0, 1.0]])))
