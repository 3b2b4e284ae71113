import pytest
import torch

from latentclust.api import Images, LatentclustError
from latentclust.bundled.views.spectral_indices import LIMIT, SpectralIndices

BANDS = ("blue", "green", "red", "nir", "swir1")
PIXEL = Images(torch.tensor([0.1, 0.2, 0.1, 0.5, 0.3])[None, :, None, None])


@pytest.mark.parametrize(
    ("index", "value"),
    [
        ("ndvi", 0.4 / 0.6),
        ("ndwi", -0.3 / 0.7),
        ("mndwi", -0.1 / 0.5),
        ("ndbi", -0.2 / 0.8),
        ("bsi", -0.2 / 1.0),
        ("nir / red", 5.0),
        ("-(nir - 2 * red) + 1.5", 1.2),
        ("nir / (blue - red)", LIMIT),
        ("(blue - red) / (blue - red)", 0.0),
    ],
)
def test_known_values(index: str, value: float) -> None:
    view = SpectralIndices(bands=BANDS, indices=(index,))
    assert view.apply(PIXEL, torch.Generator()).item() == pytest.approx(value, abs=1e-5)


def test_bands_are_kept_in_front() -> None:
    view = SpectralIndices(bands=BANDS, indices=("ndvi", "ndwi"), keep=True)
    images = Images(torch.rand(2, 5, 3, 4, generator=torch.Generator().manual_seed(0)))
    found = view.apply(images, torch.Generator())
    assert found.shape[1:] == view.output_shape((5, 3, 4)) == (7, 3, 4)
    torch.testing.assert_close(found[:, :5], images)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"indices": ("ndvi",), "bands": ("red", "green")}, "'ndvi' needs the band 'nir'"),
        ({"indices": ("nir +",)}, "'nir \\+' is no expression"),
        ({"indices": ("nir ** 2",)}, "contains more than bands"),
        ({"indices": ("__import__('os')",)}, "needs the band '__import__'|contains more than bands"),
        ({"indices": ("ndvi",), "bands": ("red", "nir", "red")}, "names a band twice"),
    ],
)
def test_other_expressions_are_refused(options: dict[str, tuple[str, ...]], said: str) -> None:
    with pytest.raises(LatentclustError, match=said):
        SpectralIndices(**({"bands": BANDS} | options))


def test_another_number_of_bands_is_refused() -> None:
    with pytest.raises(LatentclustError, match="names 5 bands, and the images have 3"):
        SpectralIndices(bands=BANDS, indices=("ndvi",)).output_shape((3, 8, 8))
