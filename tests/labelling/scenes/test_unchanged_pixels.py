"""Gain and offset of generated pairs are found, whatever share of the pixels changed, up to half of them."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from latentclust.labelling.scenes.unchanged_pixels import fit_unchanged

GAINS, OFFSETS = np.array([[1.3], [0.7], [1.0]]), np.array([[-80.0], [250.0], [0.0]])
COUNT = 6000


def pair(bands: int, noise: float, seed: int = 0) -> tuple[NDArray[Any], NDArray[Any]]:
    """Skewed values of bands that are correlated, as those of land, and the same with another gain and offset."""
    rng = np.random.default_rng(seed)
    here = 400 + rng.gamma(3, 80, COUNT) + rng.gamma(2, 60, (bands, COUNT))
    there = GAINS[:bands] * here + OFFSETS[:bands]
    spread = here.std() * noise
    return here + rng.normal(0, spread, here.shape), there + rng.normal(0, spread, here.shape)


def change(kind: str, here: NDArray[Any], there: NDArray[Any], share: float) -> None:
    rng = np.random.default_rng(1)
    at = rng.choice(COUNT, int(share * COUNT), replace=False)
    if kind == "cloud":
        here[:, at] = rng.normal(5000, 500, len(at)) + rng.normal(0, 100, (len(here), len(at)))
    elif kind == "cloud in the other scene":
        there[:, at] = rng.normal(5000, 500, len(at)) + rng.normal(0, 100, (len(here), len(at)))
    elif kind == "saturated":
        here[:, at] = 4095
    else:
        here[:, at] = here[:, rng.permutation(at)]


@pytest.mark.parametrize("share", [0, 0.1, 0.3, 0.5])
@pytest.mark.parametrize("kind", ["cloud", "cloud in the other scene", "saturated", "other land"])
def test_known_gain_and_offset_are_found(kind: str, share: float) -> None:
    for bands, noise, tolerance in ((1, 0.0, 1e-6), (3, 0.05, 0.01)):
        here, there = pair(bands, noise)
        change(kind, here, there, share)
        fit = fit_unchanged(here, there)
        probe = np.array([[400.0, 1200.0]])
        found = np.array([[gain * value + offset for value in probe[0]] for gain, offset in fit.lines])
        wanted = GAINS[:bands] * probe + OFFSETS[:bands]
        np.testing.assert_allclose(found, wanted, rtol=tolerance)
        assert fit.unchanged.mean() == pytest.approx(1 - share, abs=0.05)


def test_the_fit_of_swapped_scenes_is_the_inverse() -> None:
    here, there = pair(3, 0.1)
    forth, back = (np.array(fit_unchanged(*each).lines) for each in ((here, there), (there, here)))
    np.testing.assert_allclose(forth[:, 0] * back[:, 0], 1, rtol=0.01)


def test_constant_bands_keep_their_gain() -> None:
    flat = np.full((1, 2000), 7.0)
    fit = fit_unchanged(flat, flat + 3)
    assert fit.lines == [(1.0, 3.0)]
    assert fit.unchanged.all()


@pytest.mark.parametrize("share", [0.22, 0.55])
@pytest.mark.parametrize("value", [None, 0.0, 4095.0], ids=["on the line", "zero", "saturated"])
def test_one_value_in_many_pixels_does_not_count(value: float | None, share: float) -> None:
    here, there = pair(3, 0.05)
    at = np.random.default_rng(2).choice(COUNT, int(share * COUNT), replace=False)
    here[:, at] = 400.0 if value is None else value
    there[:, at] = GAINS * 400.0 + OFFSETS if value is None else value
    fit = fit_unchanged(here, there)
    probe = np.array([400.0, 1200.0])
    found = np.array([gain * probe + offset for gain, offset in fit.lines])
    np.testing.assert_allclose(found, GAINS * probe + OFFSETS, rtol=0.01)
    assert fit.varied.mean() == pytest.approx(1 - share, abs=1e-9)
    assert fit.unchanged[fit.varied].mean() > 0.95
    assert fit.unchanged[at].all() == (value is None)


def test_sea_may_be_zero_in_one_band_alone() -> None:
    here, there = pair(3, 0.05)
    here[2, :3600], there[2, :3600] = 0, OFFSETS[2]
    np.testing.assert_allclose(np.array(fit_unchanged(here, there).lines)[:, :1], GAINS, rtol=0.02)


@pytest.mark.parametrize(("gain", "offset", "noise"), [(1.0, 0.0, 0.0), (1.0, 0.0, 0.8), (0.8, 12.0, 0.8)])
@pytest.mark.parametrize("zeros", [0, 0.55])
def test_whole_numbers_without_change_are_kept(gain: float, offset: float, noise: float, zeros: float) -> None:
    rng = np.random.default_rng(3)
    land = 80 + rng.normal(0, 12, COUNT) + rng.normal(0, 8, (3, COUNT))
    here, there = (np.rint(each + rng.normal(0, noise, land.shape)) for each in (land, gain * land + offset))
    here[:, : int(zeros * COUNT)], there[:, : int(zeros * COUNT)] = 0, offset
    fit = fit_unchanged(here, there)
    probe = np.array([50.0, 120.0])
    found = np.array([one * probe + other for one, other in fit.lines])
    np.testing.assert_allclose(found, np.tile(gain * probe + offset, (3, 1)), atol=1)
    assert fit.unchanged[fit.varied].mean() > 0.95


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_clouds_may_spread_far_wider_than_land(seed: int) -> None:
    rng = np.random.default_rng(seed)
    here = 500 + rng.gamma(2, 60, (1, COUNT))
    there = 0.7 * here + 90 + rng.normal(0, 1, here.shape)
    there[:, : COUNT // 2] = rng.normal(8000, 900, COUNT // 2)
    [(gain, offset)] = fit_unchanged(here, there).lines
    assert (gain, gain * 700 + offset) == pytest.approx((0.7, 580), rel=0.01)
