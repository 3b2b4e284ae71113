import math

import pytest
import torch
from torchvision.transforms.v2 import functional as torchvision

from latentclust.api import Images
from latentclust.bundled.views.affine import Affine, AffineParameters, Padding, inverse_matrices, warp


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def mapped(images: torch.Tensor, padding: Padding = "zeros", **changes: float) -> torch.Tensor:
    neutral = {"rotation": 0.0, "scale": 1.0, "aspect": 1.0, "shear": 0.0, "right": 0.0, "down": 0.0}
    maps = AffineParameters(**{name: torch.full((len(images),), value) for name, value in (neutral | changes).items()})
    return warp(images, inverse_matrices(maps, (images.shape[2], images.shape[3])), padding)


def close(actual: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5)


def test_the_neutral_map_is_the_identity() -> None:
    images = torch.rand(2, 3, 9, 12)

    close(mapped(images), images)


def test_zero_strength_changes_nothing() -> None:
    images = Images(torch.rand(2, 3, 9, 12))

    close(Affine(rotation=0, scale=(1, 1), aspect=(1, 1), shift=0).apply(images, rng()), images)


@pytest.mark.parametrize("quarters", [-1, 1, 2])
def test_quarter_turns_are_exact_and_counter_clockwise(quarters: int) -> None:
    images = torch.rand(2, 3, 8, 8)

    close(mapped(images, rotation=90.0 * quarters), torch.rot90(images, quarters, dims=(2, 3)))


def test_a_half_turn_of_a_long_image_is_exact() -> None:
    images = torch.rand(2, 3, 6, 10)

    close(mapped(images, rotation=180.0), images.flip(2, 3))


def test_a_quarter_turn_of_a_long_image_turns_its_middle_square() -> None:
    images = torch.rand(1, 1, 6, 10)

    turned = mapped(images, rotation=90.0)

    close(turned[..., 2:8], torch.rot90(images[..., 2:8], 1, dims=(2, 3)))
    close(turned[..., :2], torch.zeros(1, 1, 6, 2))


def test_shifts_go_right_and_down() -> None:
    images = torch.rand(1, 1, 5, 4)

    shifted = mapped(images, right=1 / 4, down=2 / 5)

    close(shifted[..., 2:, 1:], images[..., :-2, :-1])
    close(shifted[..., :2, :], torch.zeros(1, 1, 2, 4))


def test_padding_repeats_the_border() -> None:
    images = torch.rand(1, 1, 5, 4)

    close(mapped(images, padding="border", right=1 / 4)[..., 0], images[..., 0])


def test_doubling_shows_the_middle_twice_as_large() -> None:
    bar = torch.zeros(1, 1, 8, 8)
    bar[..., 3:5, :] = 1

    enlarged = mapped(bar, scale=2.0)[0, 0, :, 4]

    close(enlarged, torch.tensor([0, 0.25, 0.75, 1, 1, 0.75, 0.25, 0]))


def test_aspect_widens_and_flattens_by_its_root() -> None:
    images = torch.rand(1, 1, 16, 16)

    stretched = mapped(images, aspect=4.0)
    # Twice as wide, half as high: rows 4 to 12 hold the image, of which columns 4 to 12 fill the width.
    ramp = (torch.arange(16.0) / 15).expand(1, 1, 16, 16)

    close(stretched[..., :3, :], torch.zeros(1, 1, 3, 16))
    close(mapped(ramp, aspect=4.0)[0, 0, 8].diff(), torch.full((15,), 1 / 30))


def test_shear_leans_verticals_by_its_angle() -> None:
    ramp = (torch.arange(16.0) / 15).expand(1, 1, 16, 16)

    sheared = mapped(ramp, padding="border", shear=math.degrees(math.atan(0.5)))

    close(sheared[0, 0, 2:14, 8].diff(), torch.full((11,), -0.5 / 15))


def test_as_torchvision_rotates_and_scales() -> None:
    images = torch.rand(2, 3, 15, 11)

    expected = torchvision.affine(
        images,
        angle=-20.0,
        translate=[1, 2],
        scale=1.1,
        shear=[0.0],
        interpolation=torchvision.InterpolationMode.BILINEAR,
    )

    # torchvision fades the outermost pixels by a mask, which differs at the border.
    actual = mapped(images, rotation=20.0, scale=1.1, right=1 / 11, down=2 / 15)
    close(actual[..., 4:-4, 4:-4], expected[..., 4:-4, 4:-4])


def test_draws_fill_their_ranges() -> None:
    drawn = Affine(shear=5.0).draw(20_000, rng())

    for name, low, high in (
        ("rotation", -15, 15),
        ("scale", 0.8, 1.2),
        ("aspect", 0.9, 1.1),
        ("shear", -5, 5),
        ("right", -0.1, 0.1),
        ("down", -0.1, 0.1),
    ):
        values, tolerance = getattr(drawn, name), 1e-3 * (high - low)
        assert values.min().item() == pytest.approx(low, abs=tolerance)
        assert values.max().item() == pytest.approx(high, abs=tolerance)


def test_draws_are_independent() -> None:
    drawn = Affine(shear=5.0).draw(20_000, rng())

    names = ("rotation", "scale", "aspect", "shear", "right", "down")
    correlation = torch.corrcoef(torch.stack([getattr(drawn, name) for name in names]))

    torch.testing.assert_close(correlation, torch.eye(len(names)), rtol=0, atol=0.03)
