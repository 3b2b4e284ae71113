"""Mean spectra of clusters: known values, and independence of how pixels are added."""

import numpy as np
import pytest

from latentclust.evaluate.spectra import SpectraCounter
from latentclust.specs.data import VOID


def test_planted_spectra_are_found() -> None:
    planted = np.array([[100.0, 3000.0], [900.0, 40.0], [5.0, 5.0]])
    labels = np.random.default_rng(0).integers(0, 2, (40, 50))
    sign = np.where(np.indices(labels.shape).sum(axis=0) % 2, 1, -1)
    counter = SpectraCounter(3, 2)
    counter.add((planted[labels].transpose(2, 0, 1) + 7 * sign).astype(np.int16), labels)
    found = counter.result()
    assert found.pixels.tolist() == np.bincount(labels.ravel(), minlength=3).tolist()
    for cluster in (0, 1):
        mean = sign[labels == cluster].mean()
        assert found.mean[cluster] == pytest.approx(planted[cluster] + 7 * mean)
        assert found.deviation[cluster] == pytest.approx(np.full(2, 7 * np.sqrt(1 - mean**2)))
    assert np.isnan([*found.mean[2], *found.deviation[2]]).all()


def test_parts_add_up_and_nodata_does_not_count() -> None:
    rng = np.random.default_rng(0)
    values, labels = rng.normal(1e6, 1, (3, 20, 30)), rng.integers(VOID, 4, (20, 30))
    values[:, labels == VOID] = np.nan
    whole, parts = SpectraCounter(4, 3), SpectraCounter(4, 3)
    whole.add(values, labels)
    for row in range(20):
        parts.add(values[:, row : row + 1], labels[row : row + 1])
    one, other = whole.result(), parts.result()
    assert other.pixels.tolist() == one.pixels.tolist() == np.bincount(labels[labels != VOID]).tolist()
    np.testing.assert_allclose(other.mean, one.mean)
    np.testing.assert_allclose(other.deviation, one.deviation, rtol=1e-6)
    assert one.deviation[0] == pytest.approx(values[:, labels == 0].std(axis=1), rel=1e-6)


def test_without_pixels_nothing_is_known() -> None:
    assert np.isnan(SpectraCounter(2, 3).result().mean).all()
