"""Gain and offset between two scenes by the pixels that did not change, whatever up to half of the others did.

The fit begins with least trimmed squares (Rousseeuw and Van Driessen 2006, "Computing LTS regression for large data
sets"), which bears more changed pixels than IR-MAD, whose start is a mean over all of them (Canty and Nielsen 2008,
"Automatic radiometric normalization of multitemporal satellite imagery"). As there, all bands count.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentclust.labelling.scenes.varied_pixels import resolution, varied_pixels

SUBSET = 2000
"""Number of pixels by which candidates are compared."""

CANDIDATES = 500
"""Number of pairs of pixels, each of which gives a candidate for gain and offset of all bands."""

PORTION = 50
"""Number of candidates that are compared at once, which bounds the memory."""

BEST = 10
"""Number of candidates that are improved."""

STEPS = 3
"""Number of times that a candidate is fitted to the pixels that are closest to it."""

CORE = 0.4
"""Share of pixels that a candidate is compared by. Fewer than all others may be changed."""

MAX_RATIO = 100.0
"""Largest factor between the gain of a candidate and the ratio of the spreads of both scenes."""

ROUNDS = 20
"""Number of times that changed pixels are left out and gain and offset are fitted to the others."""

MAX_DEVIATIONS = 3.0
"""Largest distance of an unchanged pixel from the fit, in standard deviations, robustly estimated."""

DEVIATION = 1.4826
"""Standard deviation of a normal distribution in median absolute deviations."""

ROUNDING = 1e-9
"""Distance of an unchanged pixel, as a share of the values' range, that is rounding noise."""

HALF_LEVEL = 0.5
"""Smallest standard deviation of a scene's values about the fit, in its grey levels."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fit:
    """Gain and offset between two scenes.

    Attributes:
        lines: Gain and offset of each band.
        unchanged: The pixels `(n,)` without change.
        varied: The pixels `(n,)` without a repeated value; the lines are fitted to the unchanged ones of them.
    """

    lines: list[tuple[float, float]]
    unchanged: NDArray[np.bool_]
    varied: NDArray[np.bool_]


def fit_unchanged(here: Values, there: Values) -> Fit:
    """Fit gain and offset of each band to the pixels without change.

    The fit is the reduced major axis, which treats noise in both scenes alike. It is deterministic.

    Args:
        here: Values `(c, n)` of the scene to be normalised.
        there: Values `(c, n)` of the same pixels in the other scene.
    """
    varied = varied_pixels(here, there)
    gains, offsets, limit = _fit(here[:, varied], there[:, varied])
    unchanged = np.asarray((np.abs(there - gains * here - offsets) <= limit).all(axis=0))
    return Fit(list(zip(gains[:, 0].tolist(), offsets[:, 0].tolist(), strict=True)), unchanged, varied)


def _fit(here: Values, there: Values) -> tuple[Values, Values, Values]:
    """Return gain, offset and the largest distance of an unchanged pixel, each `(c, 1)`."""
    gains, offsets = _start(here, there)
    kept, limit = None, np.full_like(gains, np.inf)
    rounding, levels = ROUNDING * np.ptp(there, axis=1, keepdims=True), _levels(here, there)
    for _ in range(ROUNDS):
        distance = np.abs(there - gains * here - offsets)
        fresh = _core(distance, there) if kept is None else kept
        # Without the floor, equal whole numbers have no spread, and all others would be changed.
        floor = np.maximum(rounding, HALF_LEVEL * np.hypot(levels[1], gains * levels[0]))
        spread = np.maximum(DEVIATION * np.median(distance[:, fresh], axis=1, keepdims=True), floor)
        near = (distance <= MAX_DEVIATIONS * spread).all(axis=0)
        if near.sum() < CORE * len(near) / 2 or (kept is not None and (near == kept).all()):
            break
        kept, limit = near, MAX_DEVIATIONS * spread
        gains, offsets = _axis(here[:, kept], there[:, kept])
    return gains, offsets, limit


def _levels(here: Values, there: Values) -> list[Values]:
    """Return the grey level `(c, 1)` of both scenes."""
    at = _sample(here.shape[1])
    return [np.array([[resolution(band)] for band in each[:, at]]) for each in (here, there)]


def _sample(count: int) -> NDArray[np.int64]:
    return np.linspace(0, count - 1, min(SUBSET, count)).astype(np.int64)


def _core(distance: Values, there: Values) -> NDArray[np.bool_]:
    """Return the pixels closest to a fit in all bands."""
    joint = np.max(distance / np.array([[_scale(band)] for band in there]), axis=0)
    return np.asarray(joint <= np.quantile(joint, CORE))


def _start(here: Values, there: Values) -> tuple[Values, Values]:
    """Return gain and offset `(c, 1)` of the best candidate, by least trimmed distances."""
    at = _sample(here.shape[1])
    x, y = here[:, at], there[:, at]
    spreads = np.array([[_scale(one), _scale(two)] for one, two in zip(x, y, strict=True)])
    ratio, unit = (spreads[:, 1] / spreads[:, 0])[:, np.newaxis], np.sqrt(spreads.prod(axis=1))[:, np.newaxis]
    one, two = np.random.default_rng(0).integers(0, len(at), (2, CANDIDATES))
    across, up = x[:, one] - x[:, two], y[:, one] - y[:, two]
    found = np.divide(up, across, out=np.zeros_like(up), where=across != 0)
    gains = np.where((found > ratio / MAX_RATIO) & (found < ratio * MAX_RATIO), found, ratio)
    offsets = y[:, one] - gains * x[:, one]
    count = int(CORE * len(at))
    parts = [slice(first, first + PORTION) for first in range(0, CANDIDATES, PORTION)]
    joint = (_joint(x, y, gains[:, part], offsets[:, part], unit) for part in parts)
    scores = np.concatenate([np.partition(each, count, axis=1)[:, count] for each in joint])
    best = np.argsort(scores, kind="stable")[:BEST]
    gains, offsets = gains[:, best], offsets[:, best]
    for _ in range(STEPS):
        near = np.argpartition(_joint(x, y, gains, offsets, unit), count, axis=1)[:, :count]
        fits = [_axis(x[:, each], y[:, each]) for each in near]
        gains, offsets = (np.concatenate(each, axis=1) for each in zip(*fits, strict=True))
    last = np.partition(_joint(x, y, gains, offsets, unit), count, axis=1)[:, count].argmin()
    return gains[:, [last]], offsets[:, [last]]


def _joint(x: Values, y: Values, gains: Values, offsets: Values, unit: Values) -> Values:
    """Return the distance `(k, n)` of pixels from each candidate, that of the band in which it is largest.

    Dividing by the root of the gain treats both scenes alike, so that a flat line through a cloud is not close to it.
    """
    far = np.abs(y[:, np.newaxis] - gains[..., np.newaxis] * x[:, np.newaxis] - offsets[..., np.newaxis])
    return np.asarray((far / (unit * np.sqrt(gains))[..., np.newaxis]).max(axis=0))


def _axis(here: Values, there: Values) -> tuple[Values, Values]:
    """Return gain and offset `(c, 1)` by the reduced major axis."""
    one, two = (each.std(axis=1, keepdims=True) for each in (here, there))
    gains = np.divide(two, one, out=np.ones_like(one), where=(one > 0) & (two > 0))
    return gains, there.mean(axis=1, keepdims=True) - gains * here.mean(axis=1, keepdims=True)


def _scale(values: Values) -> float:
    """Return the standard deviation of values, robustly estimated. 1 if they are all the same."""
    return float(DEVIATION * np.median(np.abs(values - np.median(values))) or values.std() or 1.0)
