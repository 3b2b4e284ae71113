import pytest
import torch
from pydantic import ValidationError
from torch.nn import functional

from latentclust.api import Images, LatentclustError
from latentclust.bundled.views.sobel import Sobel, sobel

RNG = torch.Generator()


def test_a_ramp_answers_eight_times_its_slope() -> None:
    columns, rows = torch.arange(9.0), torch.arange(7.0)
    ramp = (0.05 * columns[None, :] + 0.02 * rows[:, None])[None, None]

    inside = sobel(ramp)[0, :, 1:-1, 1:-1]

    torch.testing.assert_close(inside[0], torch.full((5, 7), 8 * 0.05))
    torch.testing.assert_close(inside[1], torch.full((5, 7), 8 * 0.02))


def test_as_a_convolution_with_the_kernels() -> None:
    images = torch.rand(3, 1, 8, 6)
    rightwards = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    kernels = torch.stack((rightwards, rightwards.T))[:, None]

    torch.testing.assert_close(sobel(images)[:, :, 1:-1, 1:-1], functional.conv2d(images, kernels))


def test_a_step_reaches_the_bound() -> None:
    step = torch.zeros(1, 1, 6, 6)
    step[..., 3:] = 1

    assert sobel(step).amax() == 4
    assert sobel(1 - step).amin() == -4


def test_constant_images_have_no_edges_even_at_the_border() -> None:
    assert sobel(torch.full((1, 1, 5, 5), 0.7)).abs().amax() < 1e-6


def test_transposed_images_have_transposed_gradients() -> None:
    images = torch.rand(2, 1, 5, 7)

    torch.testing.assert_close(sobel(images.mT), sobel(images).mT.flip(1))


def test_brightness_does_not_matter() -> None:
    images = torch.rand(2, 1, 5, 7) / 2

    torch.testing.assert_close(sobel(images + 0.5), sobel(images))


def test_kept_channels_come_first() -> None:
    images = Images(torch.rand(2, 3, 5, 7))

    kept = Sobel(keep=True).apply(images, RNG)

    assert torch.equal(kept[:, :3], images)
    assert torch.equal(kept[:, 3:], Sobel().apply(images, RNG))
    assert Sobel(keep=True).output_shape((3, 5, 7)) == (5, 5, 7)
    assert Sobel(keep=True).output_shape((1, 5, 7)) == (3, 5, 7)
    assert Sobel().output_shape((3, 5, 7)) == (2, 5, 7)


def test_as_the_authors_of_dccs_filter() -> None:
    """Kernels divided by 8 with a padding of 0, on images in [-1, 1]. Their gradients point left and up."""
    images = torch.rand(3, 1, 8, 6)
    leftwards = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])
    kernels = torch.stack((leftwards, leftwards.T))[:, None] / 8

    authors = functional.conv2d(2 * images - 1, kernels, padding=1)

    torch.testing.assert_close(-Sobel(scale=0.25, border=0.5).apply(Images(images), RNG), authors)


def test_a_border_level_is_outside_the_image() -> None:
    images = torch.rand(2, 1, 5, 7)
    inside = functional.pad(images, (1, 1, 1, 1), value=0.3)

    torch.testing.assert_close(sobel(images, 0.3), sobel(inside)[:, :, 1:-1, 1:-1])


@pytest.mark.parametrize("border", [-0.1, 1.1, "reflect"])
def test_a_border_that_is_no_grey_level_is_refused(border: object) -> None:
    with pytest.raises(ValidationError, match="border"):
        Sobel(border=border)


def test_other_channel_counts_are_refused() -> None:
    with pytest.raises(LatentclustError, match="sobel: images have 4 channels"):
        Sobel().output_shape((4, 8, 8))
