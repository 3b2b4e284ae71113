"""Heads that begin with the clusters of a mixture."""

from typing import Any

import pytest
import torch
from pydantic import ValidationError
from sklearn.metrics import adjusted_rand_score
from torch import Tensor, nn

from latentclust.api import Images, LatentclustError, MapExtractor, Model
from latentclust.bundled.categorical_map import CategoricalMap
from latentclust.bundled.mixture_heads import MixtureHeads, _spread
from latentclust.networks.maps import HeadsMapNetwork, TrunkMapNetwork

CENTRES = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])


class Pixels(MapExtractor):
    """The pixels, normalised by batch, and averaged over cells."""

    def __init__(self, stride: int = 1) -> None:
        super().__init__()
        self.width, self.stride = 2, stride
        self.norm = nn.BatchNorm2d(2, affine=False)

    def forward(self, sample: Tensor) -> Tensor:
        return nn.functional.avg_pool2d(self.norm(sample), self.stride)


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def planted(rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Images in blocks of three noisy colours of unequal frequency, and the colour of each pixel."""
    frequent = torch.tensor([0, 0, 0, 0, 1, 1, 2])
    label = frequent[torch.randint(7, (6, 4, 4), generator=rng)].repeat_interleave(4, 1).repeat_interleave(4, 2)
    return CENTRES[label].movedim(-1, 1) + 0.3 * torch.randn(6, 2, 16, 16, generator=rng), label


def model(stride: int = 1, heads: int = 2) -> Model:
    networks = {
        "trunk": TrunkMapNetwork(Pixels(stride)).eval(),
        "heads": HeadsMapNetwork(Pixels(), heads, 3, stride).eval(),
        "more": HeadsMapNetwork(Pixels(), 1, 6, stride).eval(),
    }
    prior = CategoricalMap(clusters=3, style_dim=0, style_stride=1)
    return Model(networks, prior, {"heads": "trunk", "more": "trunk"})


@pytest.mark.parametrize("stride", [1, 2])
@torch.no_grad()
def test_every_sub_head_finds_the_clusters(planted: tuple[Tensor, Tensor], stride: int, rng: torch.Generator) -> None:
    images, label = planted
    start, read = MixtureHeads(networks=("heads", "more")), model(stride)
    weights = start.weights(read, [Images(part) for part in images.split(2)], rng)
    assert start.needs == ("heads", "more")
    for name, value in weights.items():
        network, _, key = name.partition(".")
        read.networks[network].state_dict()[key].copy_(value)
    assert read.networks["trunk"].body.norm.running_mean.abs().min() > 0  # type: ignore[union-attr, operator]
    logits = read.read("heads", Images(images))
    for head in range(2):
        assert adjusted_rand_score(label.flatten(), logits[:, head].argmax(dim=1).flatten()) > (0.99, 0.95)[stride - 1]
    assert len(read.read("more", Images(images))[:, 0].argmax(dim=1).unique()) == 6


@torch.no_grad()
def test_all_images_contribute(
    monkeypatch: pytest.MonkeyPatch, planted: tuple[Tensor, Tensor], rng: torch.Generator
) -> None:
    images, _ = planted
    monkeypatch.setattr("latentclust.bundled.mixture_heads.PIXELS", 6 * 4**2)
    monkeypatch.setattr("latentclust.bundled.mixture_heads.CROP", 4)
    seen = _spread([Images(part) for part in images.split(2)], True, rng)
    assert seen.shape == (6, 2, 4, 4)
    for part, image in zip(seen, images, strict=True):
        windows = image.unfold(1, 4, 1).unfold(2, 4, 1).movedim(0, 2).flatten(0, 1)
        assert (windows == part).flatten(1).all(dim=1).any()


@torch.no_grad()
def test_heads_of_kmeans_choose_the_nearest_centre(planted: tuple[Tensor, Tensor], rng: torch.Generator) -> None:
    images, label = planted
    read = model()
    weights = MixtureHeads(clusters_by="kmeans").weights(read, [Images(images)], rng)
    for name, value in weights.items():
        network, _, key = name.partition(".")
        read.networks[network].state_dict()[key].copy_(value)
    logits = read.read("heads", Images(images))
    nearest = torch.cdist(images.movedim(1, -1).flatten(0, 2), CENTRES).argmin(dim=1)
    assert torch.equal(nearest, label.flatten())
    for head in range(2):
        assert adjusted_rand_score(nearest, logits[:, head].argmax(dim=1).flatten()) > 0.99


def test_networks_without_sub_heads_are_refused(planted: tuple[Tensor, Tensor], rng: torch.Generator) -> None:
    with pytest.raises(LatentclustError, match="'trunk' has no linear sub-heads"):
        MixtureHeads(networks=("trunk",)).weights(model(), [Images(planted[0])], rng)


def test_too_few_distinct_values_are_an_error(rng: torch.Generator) -> None:
    with pytest.raises(LatentclustError, match="cannot fit 3 components to 1 distinct values"):
        MixtureHeads().weights(model(), [Images(torch.ones(2, 2, 4, 4))], rng)


@pytest.mark.parametrize("options", [{"covariance": "tied"}, {"max_iter": 200}])
def test_options_of_the_mixture_are_refused_for_kmeans(options: dict[str, Any]) -> None:
    assert MixtureHeads(**options).clusters_by == "mixture"
    with pytest.raises(ValidationError, match=f'{next(iter(options))}: read with clusters_by = "mixture" only'):
        MixtureHeads(clusters_by="kmeans", **options)
