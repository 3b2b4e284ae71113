"""Checks of backbones fail for parts that violate them."""

from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from latentclust.api import BackboneSpec, DecoderSpec, ExtractorSpec, LayeredDecoderSpec, MapExtractorSpec, Shape
from latentclust.testing import backbone_checks, map_backbone_checks
from latentclust.testing.small_networks import DenseBody, PixelBody, PlainLayers


class Extracting(ExtractorSpec):
    """A dense body, spoilt by `body`."""

    body: ClassVar[Any] = DenseBody

    def extractor(self, shape: Shape) -> Any:
        return self.body(shape)


class Wide(DenseBody):
    """Says another width."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.feature_width += 1


class Idle(DenseBody):
    """Has a weight that nothing reads."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.more = nn.Linear(2, 2)


class Cancelled(DenseBody):
    """Has a layer that counts for nothing."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.more = nn.Linear(self.width, self.width)

    def forward(self, sample: Tensor) -> tuple[Tensor, Tensor]:
        representation, features = super().forward(sample)
        return representation + 0 * self.more(representation), features


class Residual(DenseBody):
    """A branch that begins at zero, and a bias that a norm takes away: both are usual, and neither is wrong."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.branch = nn.Sequential(nn.Linear(self.width, self.width), nn.BatchNorm1d(self.width))
        self.scale = nn.Parameter(torch.zeros(()))

    def forward(self, sample: Tensor) -> tuple[Tensor, Tensor]:
        representation, features = super().forward(sample)
        return representation + self.scale * self.branch(representation).relu(), features


class Blind(DenseBody):
    """Does not read what it is given."""

    def forward(self, sample: Tensor) -> tuple[Tensor, Tensor]:
        return super().forward(torch.zeros_like(sample))


class Sociable(DenseBody):
    """Subtracts the mean of the batch, in evaluation too."""

    def forward(self, sample: Tensor) -> tuple[Tensor, Tensor]:
        representation, features = super().forward(sample)
        return representation - representation.mean(dim=0), features


class Overflowing(DenseBody):
    """Divides by what bf16 cannot tell from 0."""

    def forward(self, sample: Tensor) -> tuple[Tensor, Tensor]:
        representation, features = super().forward(sample)
        return representation / (1 + 2**-12 * torch.ones_like(representation) - 1), features


class Forgetful(DenseBody):
    """Keeps a drawn value outside its state."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.shift = torch.randn(())

    def forward(self, sample: Tensor) -> tuple[Tensor, Tensor]:
        representation, features = super().forward(sample)
        return representation + self.shift, features


class Wilful(DenseBody):
    """Draws its weights from a generator of its own."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        nn.init.constant_(self.layer.bias, float(torch.Generator().seed() % 1000))


class Crashing(DenseBody):
    """Raises for images whatever it raises."""

    def __init__(self, shape: Shape) -> None:
        super().__init__((shape[0],) if len(shape) == 1 else (shape[3],))


class Nothing(BackboneSpec):
    """Makes neither an extractor nor a decoder."""


class Fickle(Extracting):
    """Becomes another by `bare`."""

    def bare(self) -> BackboneSpec:
        return Nothing()


def spoilt(spec: Any, made: Any) -> type[BackboneSpec]:
    """The spec with another body."""

    class Spoilt(spec):
        body: ClassVar[Any] = made

    return Spoilt


@pytest.mark.parametrize(
    ("value", "reason"),
    [(Nothing, "neither an extractor, nor a decoder, nor centroids"), (Fickle, "`bare` gives a Nothing")],
)
def test_a_backbone_without_a_role(value, reason: str, caught):
    assert reason in caught(backbone_checks.can_play_a_role, "backbone", value)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (Wide, "the shape of mid-network features is (3, 8), and not (3, 9)"),
        (Idle, "no gradient reaches body.more.weight, body.more.bias"),
        (Cancelled, "no gradient reaches body.more.weight"),
        (Blind, "no gradient reaches body.layer.weight"),
        (Crashing, "it raised IndexError"),
    ],
)
def test_a_body_that_is_not_what_it_says(body, reason: str, caught):
    assert reason in caught(backbone_checks.reads_samples, "backbone", spoilt(Extracting, body))


def test_a_body_that_begins_with_idle_weights_is_good_enough(subject):
    backbone_checks.reads_samples(subject("backbone", spoilt(Extracting, Residual)))


def test_a_body_that_reads_samples_by_their_company(caught):
    told = caught(backbone_checks.output_does_not_depend_on_the_batch, "backbone", spoilt(Extracting, Sociable))
    assert told == "in evaluation mode its output for a sample depends on the rest of the batch"


def test_a_body_that_overflows_in_bf16(caught):
    told = caught(backbone_checks.runs_in_bf16, "backbone", spoilt(Extracting, Overflowing))
    assert told == "under bf16 autocast it is not finite"


def test_a_body_with_a_value_that_no_checkpoint_holds(caught):
    told = caught(backbone_checks.round_trips_through_a_checkpoint, "backbone", spoilt(Extracting, Forgetful))
    assert told.startswith("its output differs after its weights are restored from a checkpoint")


def test_a_body_that_ignores_the_seed(caught):
    told = caught(backbone_checks.initial_weights_depend_only_on_the_seed, "backbone", spoilt(Extracting, Wilful))
    assert told == "built twice from the same seed it has different weights"


class Bright(DecoderSpec):
    """Draws values beyond 1."""

    def decoder(self, width: int, shape: Shape) -> nn.Module:
        values = int(torch.tensor(shape).prod())
        return nn.Sequential(nn.Linear(width, values), nn.Unflatten(1, shape))


def test_a_decoder_whose_images_leave_the_unit_interval(caught):
    assert caught(backbone_checks.draws_images, "backbone", Bright) == "its images have values outside [0, 1]"


# Label maps


class Mapping(MapExtractorSpec):
    """A body of one convolution, spoilt by `body`."""

    body: ClassVar[Any] = PixelBody

    def map_extractor(self, shape: Shape) -> Any:
        return self.body(shape)


class Striding(PixelBody):
    """Says another stride."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.stride = 2


class CancelledMaps(PixelBody):
    """Has a layer that counts for nothing."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.more = nn.Conv2d(self.width, self.width, 1)

    def forward(self, sample: Tensor) -> Tensor:
        found = super().forward(sample)
        return found + 0 * self.more(found)


class OneCorner(PixelBody):
    """Reads a corner of the image alone."""

    def forward(self, sample: Tensor) -> Tensor:
        corner = torch.zeros_like(sample)
        corner[..., :8, :8] = 1
        return super().forward(sample * corner)


class SociableMaps(PixelBody):
    """Subtracts the mean of the batch, in evaluation too."""

    def forward(self, sample: Tensor) -> Tensor:
        found = super().forward(sample)
        return found - found.mean(dim=0)


class OverflowingMaps(PixelBody):
    """Divides by what bf16 cannot tell from 0."""

    def forward(self, sample: Tensor) -> Tensor:
        found = super().forward(sample)
        return found / (1 + 2**-12 * torch.ones_like(found) - 1)


class ForgetfulMaps(PixelBody):
    """Keeps a drawn value outside its state."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.shift = torch.randn(())

    def forward(self, sample: Tensor) -> Tensor:
        return super().forward(sample) + self.shift


class WilfulMaps(PixelBody):
    """Draws its weights from a generator of its own."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        assert self.layer.bias is not None
        nn.init.constant_(self.layer.bias, float(torch.Generator().seed() % 1000))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (Striding, "the shape of its map is (3, 8, 64, 64), and not (3, 8, 32, 32)"),
        (CancelledMaps, "no gradient reaches body.more.weight"),
        (OneCorner, "its codes depend on 2% of the pixels"),
    ],
)
def test_a_map_that_is_not_what_it_says(body, reason: str, caught):
    assert reason in caught(map_backbone_checks.reads_every_pixel, "backbone", spoilt(Mapping, body))


def test_a_map_that_depends_on_its_company(caught):
    told = caught(map_backbone_checks.output_does_not_depend_on_the_batch, "backbone", spoilt(Mapping, SociableMaps))
    assert told == "in evaluation mode its output for an image depends on the rest of the batch"


def test_a_map_that_overflows_in_bf16(caught):
    told = caught(map_backbone_checks.runs_in_bf16, "backbone", spoilt(Mapping, OverflowingMaps))
    assert told == "under bf16 autocast it is not finite"


def test_a_map_body_with_a_value_that_no_checkpoint_holds(caught):
    told = caught(map_backbone_checks.round_trips_through_a_checkpoint, "backbone", spoilt(Mapping, ForgetfulMaps))
    assert told.startswith("its output differs after its weights are restored from a checkpoint")


def test_a_map_body_that_ignores_the_seed(caught):
    told = caught(map_backbone_checks.initial_weights_depend_only_on_the_seed, "backbone", spoilt(Mapping, WilfulMaps))
    assert told == "built twice from the same seed it has different weights"


def test_a_map_body_for_vectors(caught):
    told = caught(map_backbone_checks.rejects_invalid_images, "backbone", Mapping)
    assert told in (
        "it accepts samples of (20,), which are not images",
        "it accepts samples of (2, 3), which are not images",
    )


class Layers(LayeredDecoderSpec):
    """Draws layers in [-1, 1]."""

    def layered_decoder(self, clusters: int, style_dim: int, stride: int, shape: Shape) -> Any:
        layers = PlainLayers(clusters, style_dim, stride, shape[0])
        layers.register_forward_hook(lambda module, given, drawn: 2 * drawn - 1)
        return layers


def test_layers_that_leave_the_unit_interval(caught):
    assert caught(map_backbone_checks.draws_one_layer_per_cluster, "backbone", Layers) == "its layers leave [0, 1]"
