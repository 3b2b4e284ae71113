"""Networks of label maps: layers that categories choose, maps brought to the images' size, styles of a coarse grid."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from latentclust.networks.maps import (
    EncoderMapNetwork,
    HeadsMapNetwork,
    LayeredGeneratorNetwork,
    TrunkMapNetwork,
    compose,
    enlarged,
)
from latentclust.specs.backbones import LayeredDecoder, MapExtractor
from latentclust.tensors import ClusterImages, Images, Latent

BATCH, CLUSTERS, SIZE = 3, 4, (8, 12)


class Planted(LayeredDecoder):
    """The same layers whatever the style, plus the style's mean."""

    def __init__(self, layers: Tensor) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, style: Tensor) -> Tensor:
        return self.layers + style.mean(dim=(1, 2, 3)).view(-1, 1, 1, 1, 1)


class Means(MapExtractor):
    """The mean of each cell of `stride` pixels either way."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.width, self.stride = 2, stride

    def forward(self, sample: Tensor) -> Tensor:
        return functional.avg_pool2d(sample, self.stride)


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def planted(rng: torch.Generator) -> Tensor:
    return torch.rand(CLUSTERS, 2, *SIZE, generator=rng)


def identity(layer: nn.Conv2d) -> None:
    """Makes a 1x1 head give its first channels as they are."""
    nn.init.zeros_(layer.bias)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(*layer.weight.shape[:2])[:, :, None, None])


def test_a_one_hot_category_shows_its_layer_and_no_other(planted: Tensor, rng: torch.Generator) -> None:
    label = torch.randint(CLUSTERS, (BATCH, *SIZE), generator=rng)
    category = functional.one_hot(label, CLUSTERS).permute(0, 3, 1, 2).float()
    images = LayeredGeneratorNetwork(Planted(planted), 4)(Latent(category, torch.zeros(BATCH, 1, 2, 3)))
    for sample in range(BATCH):
        for row in range(SIZE[0]):
            for column in range(SIZE[1]):
                chosen = planted[label[sample, row, column], :, row, column]
                assert torch.equal(images[sample, :, row, column], chosen)


def test_a_mixed_category_weighs_the_layers(planted: Tensor) -> None:
    category = torch.zeros(1, CLUSTERS, *SIZE)
    category[:, 0], category[:, 2] = 0.25, 0.75
    mixed = compose(category, ClusterImages(planted[None]))
    torch.testing.assert_close(mixed[0], 0.25 * planted[0] + 0.75 * planted[2])


def test_layers_are_float32_for_any_precision_of_the_decoder(planted: Tensor) -> None:
    generator = LayeredGeneratorNetwork(Planted(planted.bfloat16()), 4)
    assert generator.per_cluster(torch.zeros(1, 1, 2, 3).bfloat16()).dtype == torch.float32


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_enlarged_maps_are_interpolated_between_the_centres_of_their_places(stride: int) -> None:
    """A slope stays one, its value at the centre of a place that of the place; the outer half places are level."""
    coarse = torch.arange(6.0).view(1, 1, 1, 6).expand(1, 1, 4, 6)
    fine = enlarged(coarse, stride)
    assert fine.shape == (1, 1, 4 * stride, 6 * stride)
    expected = ((torch.arange(6 * stride) + 0.5) / stride - 0.5).clamp(0, 5)
    torch.testing.assert_close(fine, expected.expand(1, 1, 4 * stride, -1))


@pytest.mark.parametrize(("stride", "style_stride"), [(1, 4), (2, 4), (4, 4), (2, 2)])
def test_an_encoder_reads_styles_from_the_mean_of_their_cells(
    stride: int, style_stride: int, rng: torch.Generator
) -> None:
    encoder = EncoderMapNetwork(Means(stride), 2, 2, style_stride)
    identity(encoder.logits)
    identity(encoder.style)
    images = Images(torch.rand(BATCH, 2, *SIZE, generator=rng))
    code = encoder(images)
    torch.testing.assert_close(code.style, functional.avg_pool2d(images, style_stride))
    torch.testing.assert_close(code.logits, enlarged(functional.avg_pool2d(images, stride), stride))
    assert code.log_variance is None
    assert code.features.shape == (BATCH, 0)


def test_the_variance_of_a_style_is_as_fine_as_the_style(rng: torch.Generator) -> None:
    encoder = EncoderMapNetwork(Means(1), 2, 1, 4, log_variance=True)
    identity(encoder.style)
    images = Images(torch.rand(BATCH, 2, *SIZE, generator=rng))
    code = encoder(images)
    means = functional.avg_pool2d(images, 4)
    torch.testing.assert_close(code.style, means[:, :1])
    torch.testing.assert_close(code.style_log_variance, means[:, 1:])


def test_heads_on_a_trunk_are_brought_to_the_images_size(rng: torch.Generator) -> None:
    trunk = TrunkMapNetwork(Means(2))
    heads = HeadsMapNetwork(Means(2), 3, 2, stride=trunk.stride)
    assert (trunk.stride, heads.stride) == (2, 4)
    nn.init.zeros_(heads.head.bias)
    with torch.no_grad():  # head h gives (h + 1) times what it reads
        heads.head.weight.copy_(torch.cat([(head + 1) * torch.eye(2) for head in range(3)])[:, :, None, None])
    images = Images(torch.rand(BATCH, 2, *SIZE, generator=rng))
    found = heads(trunk(images))
    assert found.shape == (BATCH, 3, 2, *SIZE)
    read = enlarged(functional.avg_pool2d(images, 4), 4)
    for head in range(3):
        torch.testing.assert_close(found[:, head], (head + 1) * read)
    torch.testing.assert_close(heads.represent(trunk(images)), functional.avg_pool2d(images, 4))
