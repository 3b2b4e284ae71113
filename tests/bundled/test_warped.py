"""The generator that warps a picture: warps with known results, its latent values, and what it refuses."""

import pytest
import torch
from torch import Tensor, nn

from latentclust.api import LatentclustError
from latentclust.bundled.backbones.warped import AFFINE, Warped, WarpedNetwork

SIZE = (12, 12)
SHAPE = (1, *SIZE)


class Fixed(nn.Module):
    """A canvas with the same picture for every latent value."""

    def __init__(self, picture: Tensor) -> None:
        super().__init__()
        self.picture = picture

    def forward(self, drawn: Tensor) -> Tensor:
        return self.picture.expand(len(drawn), -1, -1, -1)


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def picture(rng: torch.Generator) -> Tensor:
    """Random pixels with a dark margin of two pixels."""
    inner = torch.rand(1, 1, 8, 8, generator=rng)
    return nn.functional.pad(inner, (2, 2, 2, 2))


def warped(spec: Warped, picture: Tensor, *warp: float) -> Tensor:
    """The picture under one warp, with a category of two values before it. Only a stroke has an output function."""
    spec = spec if spec.stroke else spec.model_copy(update={"output": "linear"})
    values = torch.zeros(1, 2 + spec.least_style)
    values[0, 2 : 2 + len(warp)] = torch.tensor(warp)
    return WarpedNetwork(spec, Fixed(picture), SIZE)(values)


@pytest.mark.parametrize("control", [0, 3])
def test_zeros_leave_the_picture_in_place(picture: Tensor, control: int) -> None:
    torch.testing.assert_close(warped(Warped(control=control), picture), picture)


def test_a_shift_is_a_fraction_of_the_side(picture: Tensor) -> None:
    spec = Warped(shift=0.5 / SIZE[0])
    found = warped(spec, picture, 0, 0, 0, 0, 2, -4)  # reads one pixel to the right, and two above
    torch.testing.assert_close(found, picture.roll((2, -1), dims=(2, 3)), atol=1e-5, rtol=0)


def test_the_linear_part_can_turn_a_picture(picture: Tensor) -> None:
    found = warped(Warped(linear=0.5), picture, -2, -2, 2, -2)  # x reads at -y, and y at x
    torch.testing.assert_close(found, picture.rot90(1, dims=(2, 3)), atol=1e-5, rtol=0)


def test_control_points_that_agree_are_a_shift(picture: Tensor) -> None:
    spec = Warped(control=3, bend=1 / SIZE[1])
    found = warped(spec, picture, *[0] * AFFINE, *[1] * 9)
    torch.testing.assert_close(found, picture.roll(-1, dims=3), atol=1e-4, rtol=0)


def test_a_control_point_moves_its_surroundings_alone(picture: Tensor) -> None:
    found = warped(Warped(control=3, bend=0.1), picture, *[0] * AFFINE, 1)
    assert not torch.allclose(found[..., :5, :5], picture[..., :5, :5], atol=1e-2)
    torch.testing.assert_close(found[..., 9:, 9:], picture[..., 9:, 9:], atol=2e-2, rtol=0)


def test_a_stroke_is_added_before_the_output_function(picture: Tensor) -> None:
    spec = Warped(stroke=0.5, control=2)
    found = warped(spec, picture, *[0] * (AFFINE + 8), 3)
    torch.testing.assert_close(found, torch.sigmoid(picture + 1.5))


@pytest.mark.parametrize(("padding", "value"), [("zeros", 0.0), ("border", 1.0)])
def test_what_lies_beyond_the_edge(padding: str, value: float) -> None:
    found = warped(Warped(shift=1.0, padding=padding), torch.ones(1, 1, *SIZE), 0, 0, 0, 0, 3)
    assert torch.all(found == value)


def test_style_values_before_the_warp_draw_the_picture(rng: torch.Generator) -> None:
    decoder = Warped(hidden=(5,)).decoder(3 + 2 + AFFINE, SHAPE)
    latent = torch.randn(4, 3 + 2 + AFFINE, generator=rng)
    latent[:, -AFFINE:] = 0
    torch.testing.assert_close(decoder(latent), decoder.canvas(latent[:, :-AFFINE]).sigmoid())
    assert decoder.canvas[0][0].in_features == 3 + 2


def test_without_layers_each_cluster_has_free_pixels() -> None:
    decoder = Warped(hidden=()).decoder(3 + AFFINE, SHAPE)
    assert [tuple(weights.shape) for weights in decoder.parameters()] == [(144, 3), (144,)]


def test_positions_keep_their_precision_under_autocast(picture: Tensor) -> None:
    spec = Warped(shift=0.5 / SIZE[0])
    with torch.autocast("cpu", torch.bfloat16):
        found = warped(spec, picture, 0, 0, 0, 0, 0.37, 0.21)
    torch.testing.assert_close(found, warped(spec, picture, 0, 0, 0, 0, 0.37, 0.21))


def test_vectors_are_refused() -> None:
    with pytest.raises(LatentclustError, match="Use mlp"):
        Warped().decoder(20, (16,))


@pytest.mark.parametrize(("spec", "least"), [(Warped(), 6), (Warped(control=4), 38), (Warped(stroke=1.0), 7)])
def test_it_states_how_many_style_values_it_reads(spec: Warped, least: int) -> None:
    assert spec.least_style == least
