import pytest
import torch
from torchvision.transforms.v2 import functional as torchvision

from latentclust.api import Images, LatentclustError
from latentclust.bundled.views.grayscale import LUMA_WEIGHTS, Grayscale, luma

RNG = torch.Generator()


def test_primaries_have_the_luma_of_the_standard() -> None:
    primaries = Images(torch.eye(3)[:, :, None, None])

    assert Grayscale().apply(primaries, RNG).flatten().tolist() == pytest.approx([0.299, 0.587, 0.114])
    assert sum(LUMA_WEIGHTS) == pytest.approx(1)


def test_as_torchvision_does() -> None:
    images = Images(torch.rand(4, 3, 6, 5))

    # torchvision rounds the weight of red to 0.2989.
    torch.testing.assert_close(
        Grayscale().apply(images, RNG), torchvision.rgb_to_grayscale(images), rtol=0, atol=1.1e-4
    )


@pytest.mark.parametrize("keep", [False, True])
def test_gray_of_gray_is_gray(keep: bool) -> None:
    view = Grayscale(keep_channels=keep)
    once = view.apply(Images(torch.rand(4, 3, 6, 5)), RNG)

    torch.testing.assert_close(view.apply(once, RNG), once)


def test_grey_images_pass() -> None:
    images = Images(torch.rand(4, 1, 6, 5))

    assert torch.equal(Grayscale().apply(images, RNG), images)
    assert Grayscale().output_shape((1, 6, 5)) == (1, 6, 5)


def test_kept_channels_are_equal() -> None:
    gray = Grayscale(keep_channels=True).apply(Images(torch.rand(4, 3, 6, 5)), RNG)

    assert gray.shape == (4, 3, 6, 5)
    assert torch.equal(gray[:, 0], gray[:, 1])
    assert torch.equal(gray[:, 0], gray[:, 2])


def test_infrared_has_no_part_in_the_luma() -> None:
    images = torch.rand(2, 4, 3, 3)

    assert torch.equal(luma(images), luma(images[:, :3]))


@pytest.mark.parametrize("channels", [2, 4])
def test_other_channel_counts_are_refused(channels: int) -> None:
    with pytest.raises(LatentclustError, match=f"grayscale: images have {channels} channels"):
        Grayscale().output_shape((channels, 8, 8))
