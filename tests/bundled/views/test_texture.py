import math

import pytest
import torch

from latentclust.api import Images, LatentclustError
from latentclust.bundled.views.texture import Gabor, LocalBinaryPatterns

RNG = torch.Generator()
INSIDE = (slice(None), slice(None), slice(20, -20), slice(20, -20))
"""Pixels that borders do not reach."""


def stripes(wavelength: float, angle: float = 0.0, side: int = 72) -> Images:
    """An image whose grey level is a wave."""
    down, right = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    phase = (right * math.cos(angle) + down * math.sin(angle)) * (2 * math.pi / wavelength)
    return Images((0.5 + 0.4 * phase.cos()).expand(1, 3, side, side))


def test_the_energy_is_largest_at_the_scale_of_the_stripes() -> None:
    """The wavelength of a filter is four scales."""
    for scale in (1.0, 2.0, 4.0):
        energies = Gabor(scales=(1.0, 2.0, 4.0)).apply(stripes(4 * scale), RNG)[INSIDE].mean(dim=(0, 2, 3))[0::2]
        assert energies.argmax() == (1.0, 2.0, 4.0).index(scale)


def test_energies_do_not_depend_on_brightness_and_turn_with_the_image() -> None:
    images = Images(torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    spec = Gabor(scales=(1.0, 2.0), orientations=4)
    found = spec.apply(images, RNG)
    torch.testing.assert_close(spec.apply(Images(images + 5.0), RNG), found, rtol=1e-3, atol=1e-4)
    turned = spec.apply(Images(images.rot90(1, (2, 3))), RNG)
    torch.testing.assert_close(turned, found.rot90(1, (2, 3)), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(spec.apply(Images(3 * images), RNG), 3 * found, rtol=1e-4, atol=1e-5)


def test_stripes_have_a_direction_and_noise_has_none() -> None:
    """The deviation over orientations, relative to the mean."""
    noise = Images(torch.rand(1, 1, 72, 72, generator=torch.Generator().manual_seed(0)))
    striped, noisy = (Gabor(scales=(2.0,)).apply(x, RNG)[INSIDE].mean(dim=(0, 2, 3)) for x in (stripes(8.0), noise))
    assert striped[1] / striped[0] > 0.6
    assert noisy[1] / noisy[0] < 0.3


def test_a_flat_image_has_no_energy_and_one_pattern() -> None:
    flat = Images(torch.full((1, 3, 30, 30), 0.4))
    assert Gabor().apply(flat, RNG).abs().max() < 1e-5
    shares = LocalBinaryPatterns(distances=(1,)).apply(flat, RNG)
    torch.testing.assert_close(shares[0, :, 15, 15], torch.eye(10)[8])


def test_shares_of_patterns_add_up_to_one_and_follow_no_monotone_change_of_brightness() -> None:
    images = Images(torch.rand(2, 3, 40, 40, generator=torch.Generator().manual_seed(1)))
    spec = LocalBinaryPatterns(distances=(1, 3), window=9, tolerance=0.0)
    found = spec.apply(images, RNG)
    torch.testing.assert_close(found.unflatten(1, (2, 10)).sum(dim=2), torch.ones(2, 2, 40, 40), rtol=1e-4, atol=1e-4)
    grey = Images(images.mean(dim=1, keepdim=True))
    torch.testing.assert_close(spec.apply(Images(grey.square()), RNG), spec.apply(grey, RNG))


def test_a_dark_point_has_eight_brighter_neighbours_and_a_bright_one_none() -> None:
    """With a window of one pixel the shares of a pixel are its own pattern."""
    image = torch.full((1, 1, 9, 9), 0.5)
    image[0, 0, 2, 2], image[0, 0, 6, 6] = 0.0, 1.0
    found = LocalBinaryPatterns(distances=(1,), window=1).apply(Images(image), RNG)[0].argmax(dim=0)
    assert (found[2, 2], found[6, 6]) == (8, 0)
    assert found[2, 3] == 7  # beside the dark point: seven neighbours are not darker
    chessboard = Images((torch.arange(9)[:, None] + torch.arange(9)).remainder(2).float()[None, None])
    assert (
        LocalBinaryPatterns(distances=(1,), window=1).apply(chessboard, RNG)[0, 9, 4, 5] == 1
    )  # more than two changes


def test_options_and_vectors_that_cannot_be_used_are_refused() -> None:
    for spec in (Gabor(), LocalBinaryPatterns()):
        with pytest.raises(LatentclustError, match="not \\(channels, height, width\\)"):
            spec.output_shape((5,))
    with pytest.raises(ValueError, match="must be odd"):
        LocalBinaryPatterns(window=4)
