"""Images padded to the networks' stride, and label maps cropped back."""

import pytest
import torch
from torch import nn

from latentclust.bundled.backbones.map_layers import MapConv
from latentclust.bundled.categorical_map import CategoricalMap
from latentclust.bundled.priors import OneHotGaussian
from latentclust.infer.posteriors import cropped, padded, stride_of
from latentclust.networks.maps import TrunkMapNetwork
from latentclust.tensors import Images, Posterior


def trunk(*strides: int) -> TrunkMapNetwork:
    ones = (1,) * len(strides)
    return TrunkMapNetwork(MapConv(channels=ones, strides=strides, dilations=ones).map_extractor((3, 48, 48)))


def test_new_pixels_mirror_the_old() -> None:
    image = Images(torch.arange(15.0).reshape(1, 1, 3, 5))
    found = padded(image, 4)
    assert found.shape == (1, 1, 4, 8)
    assert torch.equal(found[..., :3, :5], image)
    assert found[0, 0, 0].tolist() == [0, 1, 2, 3, 4, 3, 2, 1]
    assert torch.equal(found[0, 0, 3], found[0, 0, 1])


def test_too_few_pixels_repeat() -> None:
    found = padded(Images(torch.tensor([[[[1.0, 2.0]]]])), 4)
    assert found[0, 0].tolist() == [[1, 2, 2, 2]] * 4


@pytest.mark.parametrize("stride", [1, 3, 6])
def test_a_multiple_stays_as_it_is(stride: int) -> None:
    image = Images(torch.rand(2, 3, 6, 12))
    assert padded(image, stride) is image


def test_a_label_map_is_as_large_as_its_image() -> None:
    whole = Posterior(torch.rand(1, 2, 8, 8), torch.rand(1, 3, 2, 2))
    found = cropped(whole, 5, 7)
    assert torch.equal(found.probabilities, whole.probabilities[:, :, :5, :7])
    assert torch.equal(found.style, whole.style)


def test_the_stride_suits_every_network_and_the_grid_of_styles() -> None:
    maps = CategoricalMap(clusters=2, style_dim=1, style_stride=6)
    networks = {"encoder": trunk(2, 2), "other": nn.Identity()}
    assert stride_of(networks, OneHotGaussian(clusters=2, style_dim=1)) == 1
    assert stride_of(networks, maps) == 12
    assert stride_of({}, maps) == 6
