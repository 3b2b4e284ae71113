import pytest
import torch
from torchvision.transforms.v2 import functional as torchvision

from latentclust.api import Images
from latentclust.bundled.views.colour_jitter import (
    ColourJitter,
    JitterFactors,
    adjust_brightness,
    adjust_contrast,
    adjust_saturation,
    jitter,
)
from latentclust.bundled.views.grayscale import luma

FACTORS = (0.0, 0.6, 1.0, 1.4, 3.0)

# torchvision rounds the weight of red in grey to 0.2989; a factor of 3 trebles what that makes.
TOLERANCE = 3e-4


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def colours(count: int, **changes: float) -> JitterFactors:
    neutral = {"brightness": 1.0, "contrast": 1.0, "saturation": 1.0, "hue": 0.0}
    return JitterFactors(**{name: torch.full((count,), value) for name, value in (neutral | changes).items()})


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (adjust_brightness, torchvision.adjust_brightness),
        (adjust_contrast, torchvision.adjust_contrast),
        (adjust_saturation, torchvision.adjust_saturation),
    ],
)
def test_each_factor_as_torchvision_applies_it(ours, theirs) -> None:
    images = torch.rand(len(FACTORS), 3, 8, 8)

    expected = torch.stack([theirs(image, factor) for image, factor in zip(images, FACTORS, strict=True)])

    torch.testing.assert_close(ours(images, torch.tensor(FACTORS)), expected, rtol=0, atol=TOLERANCE)


def test_all_in_order_as_torchvision_applies_them() -> None:
    images = torch.rand(2, 3, 8, 8)

    expected = torchvision.adjust_hue(
        torchvision.adjust_saturation(
            torchvision.adjust_contrast(torchvision.adjust_brightness(images, 1.2), 0.7), 1.3
        ),
        0.1,
    )
    drawn = colours(2, brightness=1.2, contrast=0.7, saturation=1.3, hue=0.1)

    # Hue is steep where colours are nearly grey, so that the rounded weight shows more.
    torch.testing.assert_close(jitter(images, drawn), expected, rtol=0, atol=10 * TOLERANCE)


def test_neutral_draws_change_nothing() -> None:
    images = torch.rand(2, 3, 8, 8)

    torch.testing.assert_close(jitter(images, colours(2)), images, rtol=0, atol=1e-6)


def test_zero_strength_changes_nothing() -> None:
    images = Images(torch.rand(2, 3, 8, 8))
    view = ColourJitter(brightness=0, contrast=0, saturation=0, hue=0)

    torch.testing.assert_close(view.apply(images, rng()), images, rtol=0, atol=1e-6)


def test_no_contrast_is_the_mean_grey_and_no_saturation_the_grey() -> None:
    images = torch.rand(2, 3, 8, 8)
    nothing = torch.zeros(2)

    flat = adjust_contrast(images, nothing)

    torch.testing.assert_close(flat, luma(images).mean(dim=(1, 2, 3), keepdim=True).expand_as(images))
    torch.testing.assert_close(adjust_saturation(images, nothing), luma(images).expand_as(images))


@pytest.mark.parametrize("channels", [1, 2])
def test_without_colour_there_is_neither_saturation_nor_hue(channels: int) -> None:
    images = torch.rand(2, channels, 8, 8)

    assert torch.equal(jitter(images, colours(2, saturation=0.2, hue=0.3)), jitter(images, colours(2)))


def test_infrared_changes_in_brightness_and_contrast_alone() -> None:
    images = torch.rand(2, 4, 8, 8)
    drawn = {"brightness": 0.8, "contrast": 1.2}

    jittered = jitter(images, colours(2, **drawn, saturation=0.2, hue=0.3))

    assert torch.equal(jittered[:, 3:], jitter(images, colours(2, **drawn))[:, 3:])
    assert torch.equal(jittered[:, :3], jitter(images[:, :3], colours(2, **drawn, saturation=0.2, hue=0.3)))


def test_draws_fill_the_ranges_of_the_paper() -> None:
    drawn = ColourJitter().draw(20_000, rng())

    for name, low, high in (
        ("brightness", 0.6, 1.4),
        ("contrast", 0.6, 1.4),
        ("saturation", 0.6, 1.4),
        ("hue", -0.125, 0.125),
    ):
        values = getattr(drawn, name)
        assert values.min().item() == pytest.approx(low, abs=1e-3)
        assert values.max().item() == pytest.approx(high, abs=1e-3)
        assert low <= values.min()
        assert values.max() <= high
        assert values.mean().item() == pytest.approx((low + high) / 2, abs=0.01)


def test_the_four_draws_are_independent() -> None:
    drawn = ColourJitter().draw(20_000, rng())

    correlation = torch.corrcoef(torch.stack((drawn.brightness, drawn.contrast, drawn.saturation, drawn.hue)))

    torch.testing.assert_close(correlation, torch.eye(4), rtol=0, atol=0.03)


def test_factors_are_never_negative() -> None:
    assert ColourJitter(brightness=2.5).draw(20_000, rng()).brightness.min() >= 0
