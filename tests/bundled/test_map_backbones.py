"""Backbones of label maps: receptive fields, sizes that do not divide, and a decoder's images for a style of zeros."""

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from latentclust.api import LatentclustError, MapExtractor
from latentclust.bundled.backbones.layered import LayeredDecoderNetwork
from latentclust.bundled.backbones.map_layers import MapConv, PixelMlp, UNet
from latentclust.networks.images import initialise


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def support(body: MapExtractor, place: tuple[int, int], side: int = 32) -> Tensor:
    """Which pixels of an image have a say in one place of the map, `(side, side)`; averaged over random images."""
    images = torch.randn(20, 1, side, side).requires_grad_()
    body.eval()(images)[:, :, place[0], place[1]].square().sum().backward()
    assert images.grad is not None
    return images.grad.abs().sum(dim=(0, 1)) > 0


def box(seen: Tensor) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of what is seen."""
    rows, columns = seen.any(dim=1).nonzero(), seen.any(dim=0).nonzero()
    return int(rows.min()), int(rows.max()), int(columns.min()), int(columns.max())


@pytest.mark.parametrize(
    ("strides", "dilations", "reach", "stride"),
    [((1, 1), (1, 1), 2, 1), ((1, 1, 1), (1, 2, 4), 7, 1), ((2, 1), (1, 1), 3, 2), ((2, 2, 1), (1, 1, 1), 7, 4)],
)
def test_map_conv_sees_a_finite_square_about_a_place(
    strides: tuple[int, ...], dilations: tuple[int, ...], reach: int, stride: int
) -> None:
    """Each convolution adds its dilation times the strides before it, either way."""
    spec = MapConv(channels=(16,) * len(strides), strides=strides, dilations=dilations)
    body = spec.map_extractor((1, 32, 32))
    assert body.stride == stride
    row, column = 16 // stride, 12 // stride
    seen = support(body, (row, column))
    assert box(seen) == (16 - reach, 16 + reach, 12 - reach, 12 + reach)


def test_map_conv_does_not_know_where_an_image_ends() -> None:
    """Of a flat image every place is the same; with padding by zeros the border would differ."""
    body = MapConv(channels=(8, 8), strides=(1, 1), dilations=(1, 2), norm="none").map_extractor((3, 12, 12))
    maps = body(torch.rand(1, 3, 1, 1).expand(1, 3, 12, 12))
    torch.testing.assert_close(maps, maps[..., :1, :1].expand_as(maps))


def test_map_conv_moves_with_the_image() -> None:
    body = MapConv(channels=(8, 8), strides=(2, 1), dilations=(1, 1)).map_extractor((1, 32, 32)).eval()
    image = torch.rand(1, 1, 32, 40)
    moved, whole = body(image[..., 4:36]), body(image)
    torch.testing.assert_close(moved[..., 2:-2], whole[..., 4:-4], atol=1e-6, rtol=1e-5)


def test_map_conv_wants_lists_of_one_length() -> None:
    with pytest.raises(ValidationError, match="must be of one length"):
        MapConv(channels=(8, 8), strides=(1,), dilations=(1, 1))


def test_a_pixel_mlp_sees_one_place_and_is_the_identity_without_layers() -> None:
    seen = support(PixelMlp(hidden=(8, 8)).map_extractor((1, 32, 32)), (5, 9))
    assert seen.nonzero().tolist() == [[5, 9]]
    images = torch.rand(2, 3, 4, 5)
    assert torch.equal(PixelMlp().map_extractor((3, 4, 5))(images), images)


@pytest.mark.parametrize("size", [(16, 16), (13, 18), (1, 1), (7, 4)])
def test_a_unet_gives_back_the_size_that_it_read(size: tuple[int, int]) -> None:
    body = UNet(channels=(4, 6, 8)).map_extractor((3, 16, 16)).eval()
    assert body(torch.rand(2, 3, *size)).shape == (2, 4, *size)


def test_a_unet_pads_by_repeating_so_that_what_it_adds_is_of_the_image() -> None:
    body = UNet(channels=(4, 6, 8)).map_extractor((1, 16, 16)).eval()
    image = torch.rand(1, 1, 14, 15)
    padded = torch.cat((image, image[..., -1:]), dim=3)
    padded = torch.cat((padded, padded[..., -1:, :], padded[..., -1:, :]), dim=2)
    torch.testing.assert_close(body(image), body(padded)[..., :14, :15])


def test_a_unet_sees_the_whole_of_a_small_image_and_the_pixel_itself_sharply() -> None:
    seen = support(UNet(channels=(8, 8, 8), norm="none").map_extractor((1, 16, 16)), (3, 4), side=16)
    assert seen[3, 4]
    assert seen.float().mean() > 0.9


def test_a_unet_refuses_images_that_cannot_be_halved() -> None:
    with pytest.raises(LatentclustError, match=r"18x16 pixels cannot be halved 2 times.*multiples of 4"):
        UNet(channels=(4, 4, 4)).map_extractor((3, 18, 16))
    with pytest.raises(LatentclustError, match="2x2 pixels are too small"):
        UNet(channels=(4, 4, 4)).map_extractor((3, 2, 2))


# Layers


@pytest.mark.parametrize("doublings", [0, 1, 2])
def test_a_decoder_draws_every_layer_at_the_images_size(doublings: int) -> None:
    body = LayeredDecoderNetwork(width=6, doublings=doublings).layered_decoder(5, 3, 4, (2, 16, 24))
    assert body(torch.randn(2, 3, 4, 6)).shape == (2, 5, 2, 16, 24)


def test_until_styles_have_learnt_anything_a_layer_is_its_clusters_own_colour() -> None:
    body = LayeredDecoderNetwork(width=6, spread=2.0).layered_decoder(4, 3, 4, (3, 16, 16))
    drawn = body(torch.randn(1, 3, 4, 4))[0]
    assert torch.equal(drawn, drawn[..., :1, :1].expand_as(drawn))
    assert torch.pdist(drawn[..., 0, 0]).min() > 0.01
    torch.testing.assert_close(drawn[..., 0, 0], body.palette.sigmoid())


def test_a_style_of_zeros_draws_the_colours_for_any_weights() -> None:
    body = LayeredDecoderNetwork(width=6, doublings=1).layered_decoder(4, 3, 4, (3, 16, 16))
    torch.nn.init.normal_(body.last.weight)
    drawn = body(torch.zeros(1, 3, 4, 4))[0]
    torch.testing.assert_close(drawn, body.palette.sigmoid()[..., None, None].expand_as(drawn))
    assert not torch.equal(body(torch.randn(1, 3, 4, 4))[0], drawn)


def test_without_spread_and_style_a_sigmoid_draws_grey() -> None:
    body = LayeredDecoderNetwork(width=6, spread=0.0).layered_decoder(2, 3, 4, (3, 8, 8))
    assert torch.equal(body(torch.zeros(1, 3, 2, 2)), torch.full((1, 2, 3, 8, 8), 0.5))


def test_init_leaves_the_layer_that_begins_at_zero_alone() -> None:
    body = LayeredDecoderNetwork(width=6).layered_decoder(2, 3, 4, (3, 8, 8))
    before = body.coarse[0][0].weight.clone()
    initialise(body, "normal")
    assert not body.last.weight.any()
    assert not torch.equal(body.coarse[0][0].weight, before)


def test_without_a_style_layers_are_colours() -> None:
    body = LayeredDecoderNetwork(spread=1.0).layered_decoder(3, 0, 4, (2, 8, 12))
    drawn = body(torch.zeros(5, 0, 2, 3))
    torch.testing.assert_close(drawn, body.palette.sigmoid()[..., None, None].expand(5, 3, 2, 8, 12))


def test_a_style_is_local() -> None:
    """With two convolutions and interpolation a place reaches three places, and no farther."""
    body = LayeredDecoderNetwork(width=6, depth=2).layered_decoder(2, 3, 4, (1, 64, 64))
    torch.nn.init.normal_(body.last.weight)
    style = torch.randn(1, 3, 16, 16)
    changed = style.clone()
    changed[..., 8, 8] += 1
    moved = (body(style) != body(changed)).any(dim=1)[0, 0]
    top, bottom, left, right = box(moved)
    assert top >= 4 * 5
    assert bottom < 4 * 12
    assert (top, bottom) == (left, right)


@pytest.mark.parametrize(
    ("doublings", "stride", "shape", "said"),
    [
        (3, 4, (3, 16, 16), r"doublings: cannot apply 3 doublings .* 4x4 pixels.*at most 2"),
        (1, 3, (3, 15, 15), r"doublings: cannot apply 1 doublings .* 3x3 pixels.*at most 0"),
        (0, 16, (3, 24, 32), r"prior\.style_stride: images of 24x32 pixels.*divisor of both sides"),
    ],
)
def test_strides_that_do_not_fit_are_refused(
    doublings: int, stride: int, shape: tuple[int, int, int], said: str
) -> None:
    with pytest.raises(LatentclustError, match=said):
        LayeredDecoderNetwork(doublings=doublings).layered_decoder(2, 3, stride, shape)
