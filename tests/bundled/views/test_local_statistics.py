import numpy as np
import pytest
import torch
from pydantic import ValidationError

from latentclust.api import Images, LatentclustError
from latentclust.bundled.views.local_statistics import LocalStatistics, box_mean, local_statistics


def by_windows(images: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation window by window in float64; beyond the border the nearest pixels repeat."""
    side = window // 2
    padded = np.pad(images.astype(np.float64), ((0, 0), (0, 0), (side, side), (side, side)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (window, window), axis=(2, 3))
    return windows.mean(axis=(4, 5)), windows.std(axis=(4, 5))


@pytest.fixture
def images() -> Images:
    return Images(torch.rand(2, 3, 9, 12, generator=torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("window", [1, 3, 5, 9, 17])
def test_statistics_are_numpys_of_each_window(images: Images, window: int) -> None:
    mean, deviation = local_statistics(images, window)
    expected_mean, expected_deviation = by_windows(images.numpy(), window)
    np.testing.assert_allclose(mean.numpy(), expected_mean, rtol=0, atol=1e-5)
    # A deviation is a square root, whose error is largest where it should be zero.
    np.testing.assert_allclose(deviation.numpy(), expected_deviation, rtol=0, atol=1e-4)


def test_a_faint_texture_on_a_bright_image_is_not_lost(images: Images) -> None:
    """Differences of a thousandth at 0.9: squares of the values themselves would cost half of their digits."""
    faint = Images(0.9 + 0.001 * images)
    _, deviation = local_statistics(faint, 3)
    _, expected = by_windows(faint.numpy(), 3)
    np.testing.assert_allclose(deviation.numpy(), expected, rtol=0.02)


def test_of_a_flat_image_the_deviation_is_zero_and_the_mean_its_colour() -> None:
    mean, deviation = local_statistics(torch.full((1, 2, 6, 6), 0.3), 5)
    torch.testing.assert_close(mean, torch.full((1, 2, 6, 6), 0.3))
    assert deviation.max() < 1e-3


def test_pixels_outside_the_window_are_not_read(images: Images) -> None:
    """So that labelling by windows is seamless."""
    spoilt = images.clone()
    spoilt[..., 0] = torch.nan
    for found, plain in zip(local_statistics(Images(spoilt), 5), local_statistics(images, 5), strict=True):
        assert found.isnan()[0, 0, 4].tolist() == [True] * 3 + [False] * 9
        assert torch.equal(found[..., 3:], plain[..., 3:])


def test_means_come_first_then_deviations_times_the_gain(images: Images) -> None:
    spec = LocalStatistics(window=3, gain=4.0)
    out = spec.apply(images, torch.Generator())
    mean, deviation = local_statistics(images, 3)
    torch.testing.assert_close(out, torch.cat((mean, 4 * deviation), dim=1))
    assert spec.output_shape((3, 9, 12)) == (6, 9, 12)
    without = LocalStatistics(window=3, gain=0.0)
    torch.testing.assert_close(without.apply(images, torch.Generator()), mean)
    assert without.output_shape((3, 9, 12)) == (3, 9, 12)


def test_statistics_move_with_the_image(images: Images) -> None:
    torch.testing.assert_close(box_mean(images.flip(3), 5), box_mean(images, 5).flip(3))


def test_a_window_must_have_a_centre_and_samples_must_be_images() -> None:
    with pytest.raises(ValidationError, match="must be odd"):
        LocalStatistics(window=4)
    with pytest.raises(LatentclustError, match="local-statistics"):
        LocalStatistics().output_shape((12,))
