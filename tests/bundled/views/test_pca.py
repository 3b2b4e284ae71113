import numpy as np
import pytest
import torch
from pydantic import ValidationError
from sklearn.decomposition import PCA

from latentclust.api import Images, LatentclustError, Mask
from latentclust.bundled.views import pca
from latentclust.bundled.views.pca import PrincipalComponents, Standardise, moments
from latentclust.bundled.views.union import Union

POINTS = torch.randn(2000, 5, generator=torch.Generator().manual_seed(0)) @ torch.diag(
    torch.tensor([5.0, 3, 2, 1, 0.5])
)


def every(images: torch.Tensor) -> list[tuple[Images, Mask]]:
    return [(Images(part), Mask(torch.ones(len(part), *part.shape[2:], dtype=torch.bool))) for part in images.split(3)]


def as_images(points: torch.Tensor) -> Images:
    """Ten images of 10 x 20 pixels."""
    return Images(points.reshape(10, 10, 20, -1).movedim(-1, 1).contiguous())


def points_of(images: torch.Tensor) -> np.ndarray:
    return images.movedim(1, -1).flatten(0, -2).numpy()


@pytest.mark.parametrize("whiten", [False, True])
def test_components_are_those_of_scikit_learn_up_to_signs(whiten: bool) -> None:
    images = as_images(POINTS)
    spec = PrincipalComponents(components=3, whiten=whiten)
    found = points_of(spec.apply(images, spec.fit(every(images))))
    expected = PCA(3, whiten=whiten).fit_transform(POINTS.numpy())
    signs = np.sign((found * expected).sum(axis=0))
    np.testing.assert_allclose(found, expected * signs, rtol=2e-3, atol=2e-3)


def test_vectors_and_images_have_the_same_components() -> None:
    spec = PrincipalComponents(components=2)
    of_images, of_vectors = spec.fit(every(as_images(POINTS))), spec.fit(every(POINTS))
    for name in of_images:
        torch.testing.assert_close(of_images[name], of_vectors[name], rtol=1e-4, atol=1e-5)


def test_fewer_directions_than_components_are_refused() -> None:
    flat = Images(POINTS[:, :2] @ torch.ones(2, 4))
    with pytest.raises(LatentclustError, match=r"components: the training images vary in 1 directions only"):
        PrincipalComponents(components=2).fit(every(flat))
    with pytest.raises(LatentclustError, match="samples have 4 channels, fewer than 8 components"):
        PrincipalComponents().output_shape((4, 9, 9))


def test_moments_of_a_faint_texture_on_a_bright_image_are_not_lost() -> None:
    points = 1e4 + POINTS
    mean, covariance = moments(points.split(700))
    np.testing.assert_allclose(mean, points.double().mean(dim=0), rtol=1e-12)
    np.testing.assert_allclose(covariance, np.cov(points.double().T.numpy(), bias=True), rtol=1e-6, atol=1e-6)


def test_standardised_channels_have_mean_0_and_deviation_1_and_a_constant_one_is_0() -> None:
    images = as_images(torch.cat((POINTS + 7, torch.full((2000, 1), 3.0)), dim=1))
    spec = Standardise()
    found = points_of(spec.apply(images, spec.fit(every(images))))
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(found.std(axis=0), [1, 1, 1, 1, 1, 0], atol=1e-4)


def test_a_few_very_bright_pixels_do_not_change_percentiles() -> None:
    """One pixel in a thousand of 1e6: the deviation follows it, the percentiles do not."""
    bright = POINTS.clone()
    bright[::1000] = 1e6
    robust = Standardise(by="percentiles", percentiles=(5.0, 95.0))
    before, after = robust.fit(every(as_images(POINTS))), robust.fit(every(as_images(bright)))
    torch.testing.assert_close(before["spread"], after["spread"], rtol=0.02, atol=0)
    low, high = np.percentile(POINTS.numpy(), (5, 95), axis=0)
    np.testing.assert_allclose(before["spread"], (high - low) / 2, rtol=1e-5)
    assert Standardise().fit(every(as_images(bright)))["spread"].min() > 1e4


def test_percentiles_of_many_pixels_are_estimated_from_a_spread_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = Standardise(by="percentiles")
    exact = spec.fit(every(as_images(POINTS)))
    monkeypatch.setattr(pca, "SAMPLE", 1000)
    torch.testing.assert_close(spec.fit(every(as_images(POINTS)))["spread"], exact["spread"], rtol=0.15, atol=0)


@pytest.mark.parametrize(
    "spec", [Standardise(), PrincipalComponents(components=1), Union(parts=({"use": "gabor"},) * 2)]
)
def test_images_without_a_valid_pixel_are_refused(spec: Standardise | PrincipalComponents | Union) -> None:
    masked = [(images, Mask(torch.zeros_like(mask))) for images, mask in every(as_images(POINTS))]
    with pytest.raises(LatentclustError, match="no pixel of the training images is valid"):
        spec.fit(masked)


def test_percentiles_that_descend_or_are_not_read_are_refused() -> None:
    with pytest.raises(ValidationError, match="percentiles must ascend: 98 is not below 2"):
        Standardise(by="percentiles", percentiles=(98.0, 2.0))
    with pytest.raises(ValidationError, match='percentiles are read with by = "percentiles" only'):
        Standardise(percentiles=(5.0, 95.0))
