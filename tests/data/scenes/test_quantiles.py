"""Quantiles of bands, and the curves between them."""

import numpy as np
import pytest

from latentclust.data.rasters import follow_curves
from latentclust.data.scenes.quantiles import SHARES, band_quantiles, matching_curve


def test_quantiles_of_several_rasters_are_those_of_all_their_pixels() -> None:
    values = np.random.default_rng(0).permutation(np.arange(10_001, dtype=np.uint16))
    parts = [values[:2000], values[2000:]]
    found = band_quantiles([np.stack([part, part * 2]) for part in parts])
    np.testing.assert_allclose(found, np.outer([1, 2], SHARES) * 10_000)


@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0.0), (2.5, -40.0), (1e-4, 0.1)])
def test_a_gain_and_an_offset_are_undone_at_all_values(gain: float, offset: float) -> None:
    values = np.random.default_rng(0).gamma(2.0, 100.0, (1, 5000))
    (found,), (wanted,) = band_quantiles([values * gain + offset]), band_quantiles([values])
    curve = matching_curve(found, wanted)
    np.testing.assert_allclose(follow_curves(values * gain + offset, (curve,)), values, rtol=1e-6)
    far = np.array([[-1e4, 1e5]])
    np.testing.assert_allclose(follow_curves(far * gain + offset, (curve,)), far, rtol=1e-6)


def test_curves_rise_also_where_quantiles_repeat() -> None:
    counts = np.repeat([3.0, 5.0, 9.0], [600, 300, 100])[np.newaxis]
    wanted = np.random.default_rng(0).normal(0, 1, (1, 1000))
    curve = matching_curve(*band_quantiles([counts]), *band_quantiles([wanted]))
    assert (np.diff(curve[0]) > 0).all()
    assert (np.diff(curve[1]) >= 0).all()
    flat = matching_curve((7.0,) * len(SHARES), (2.0,) * len(SHARES))
    np.testing.assert_allclose(follow_curves(np.array([[7.0, 8.0]]), (flat,)), [[2.0, 3.0]])
