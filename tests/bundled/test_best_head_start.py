"""The start that continues with the most informative sub-head."""

import pytest
import torch
from torch import nn

from latentclust.api import Images, LatentclustError, Model
from latentclust.bundled.backbones.mlp import Mlp
from latentclust.bundled.best_head_start import BestHeadStart
from latentclust.bundled.priors import OneHotGaussian
from latentclust.networks.images import HeadsNetwork

PRIOR = OneHotGaussian(clusters=2, style_dim=0)


def weights(network: nn.Module, images: torch.Tensor) -> dict[str, torch.Tensor]:
    model = Model({"heads": network}, PRIOR)
    return dict(BestHeadStart().weights(model, [Images(images[:2]), Images(images[2:])], torch.Generator()))


def test_all_sub_heads_get_the_weights_of_the_one_that_tells_the_images_apart() -> None:
    heads = HeadsNetwork(Mlp(hidden=()).extractor((1,)), heads=3, clusters=2)
    with torch.no_grad():
        heads.head.weight.copy_(torch.tensor([[0.1], [0.0], [5.0], [-5.0], [0.0], [0.0]]))
        heads.head.bias.copy_(torch.tensor([0.0, 0.0, 0.5, -0.5, 9.0, 0.0]))
    found = weights(heads, torch.tensor([[-1.0], [1.0], [-2.0], [2.0]]))
    assert found["heads.head.weight"].flatten().tolist() == [5.0, -5.0] * 3
    assert found["heads.head.bias"].tolist() == [0.5, -0.5] * 3


def test_a_network_without_sub_heads_is_refused() -> None:
    with pytest.raises(LatentclustError, match="'heads' has no linear sub-heads"):
        weights(nn.Identity(), torch.rand(4, 2))
