"""Measure how well gain and offset between two scenes are found: `python benchmarks/normalisation.py [--scene TIF]`.

In one run, on the same generated pairs: the fit of `label --normalise-to`, IR-MAD (Canty and Nielsen 2008) and the
reduced major axis of all pixels. With a scene (that of the recipe `landsat7`), also the share of labels of a Gaussian
mixture that agree after a change of gain and offset, with a generated cloud over 40% of it.
"""

import argparse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from provenance import write
from scipy.linalg import eigh
from scipy.stats import chi2
from sklearn.mixture import GaussianMixture

from latentclust.labelling.scenes.unchanged_pixels import fit_unchanged

Values = NDArray[np.float64]
Lines = list[tuple[float, float]]

PIXELS, BANDS, NOISES, SEEDS, SHARES = 5000, (1, 4), (0.02, 0.1), (0,), (0.3, 0.5)
PROBE = np.array([300.0, 700.0, 1500.0])
"""Values at which the fits are compared, up to that of the brightest land."""


def main() -> None:
    """Measure and write benchmarks/results/normalisation.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--scene", type=Path)
    scene = parser.parse_args().scene
    with ProcessPoolExecutor(6) as processes:
        of_kinds = dict(zip(CHANGES, processes.map(errors, CHANGES), strict=True))
    found: dict[str, Any] = {
        "pairs": f"{PIXELS} pixels, bands {BANDS}, gains 0.7 to 1.4, offsets -100 to 300, noise of {NOISES} standard "
        f"deviations in both scenes, seeds {SEEDS}",
        "error": "largest error of a normalised value of 300, 700 or 1500 over all pairs, in percent of 1500",
        "errors": of_kinds,
    }
    if scene:
        found["labels that agree"] = agreement(scene)
    print(write("normalisation", found))


def errors(kind: str) -> dict[str, dict[str, dict[str, float]]]:
    """Return the largest error in percent by the fit, the number of bands and the share of changed pixels."""
    rows: dict[str, dict[str, dict[str, float]]] = {name: {} for name in FITS}
    for bands in BANDS:
        for share in SHARES if kind != "nothing" else (0.0,):
            pairs = [pair(kind, share, bands, noise, seed) for noise in NOISES for seed in SEEDS]
            for name, fit in FITS.items():
                worst = max(error(fit(x, y), lines) for x, y, lines in pairs)
                rows[name].setdefault(f"{bands} bands", {})[f"{share:.0%}"] = round(worst, 2)
    print(kind, rows, flush=True)
    return rows


def error(found: Lines, wanted: Lines) -> float:
    both = zip(found, wanted, strict=True)
    far = [np.abs((a - gain) * PROBE + b - offset).max() / gain for (a, b), (gain, offset) in both]
    return float(100 * max(far) / PROBE.max())


def pair(kind: str, share: float, bands: int, noise: float, seed: int) -> tuple[Values, Values, Lines]:
    """Return the values `(c, n)` of two scenes of which a share of the pixels changed, and gains and offsets."""
    rng = np.random.default_rng(seed)
    land = 500 + 150 * np.abs(rng.normal(size=(bands, 3)) @ rng.normal(size=(3, PIXELS)))
    land += rng.gamma(2, 60, land.shape)
    gains, offsets = rng.uniform(0.7, 1.4, (bands, 1)), rng.uniform(-100, 300, (bands, 1))
    spread = noise * land.std(axis=1, keepdims=True)
    x, y = (each + spread * rng.normal(size=land.shape) for each in (land, gains * land + offsets))
    at = rng.choice(PIXELS, int(share * PIXELS), replace=False)
    CHANGES[kind](x, y, at, rng)
    if kind == "sea at one value":
        x[:, at], y[:, at] = 300, gains * 300 + offsets
    return x, y, list(zip(gains[:, 0].tolist(), offsets[:, 0].tolist(), strict=True))


def cloud(values: Values, at: NDArray[np.int64], rng: np.random.Generator) -> None:
    values[:, at] = rng.normal(5000, 600, len(at)) + rng.normal(0, 100, (len(values), len(at)))


def haze(values: Values, at: NDArray[np.int64], rng: np.random.Generator) -> None:
    values[:, at] += rng.uniform(100, 1500, len(at))


def put(values: Values, at: NDArray[np.int64], new: Any) -> None:
    values[:, at] = new


CHANGES: dict[str, Callable[[Values, Values, NDArray[np.int64], np.random.Generator], Any]] = {
    "nothing": lambda x, y, at, rng: None,
    "cloud in the scene": lambda x, y, at, rng: cloud(x, at, rng),
    "cloud in the other scene": lambda x, y, at, rng: cloud(y, at, rng),
    "haze": lambda x, y, at, rng: haze(x, at, rng),
    "other land": lambda x, y, at, rng: put(x, at, x[:, rng.permutation(at)]),
    "random values": lambda x, y, at, rng: put(x, at, rng.uniform(1, 3000, (len(x), len(at)))),
    "saturated in the scene": lambda x, y, at, rng: put(x, at, 4095),
    "saturated in both": lambda x, y, at, rng: (put(x, at, 4095), put(y, at, 4095)),
    "0 in both": lambda x, y, at, rng: (put(x, at, 0), put(y, at, 0)),
    "sea at one value": lambda x, y, at, rng: None,
}


def irmad(x: Values, y: Values) -> Lines:
    """Fit to the pixels that change with a probability below 5% by iteratively reweighted canonical correlation."""
    weights = np.ones(x.shape[1])
    # Where only constant pixels have a weight left, the weighted covariance is singular.
    ridge = [1e-9 * each.var(axis=1).sum() * np.eye(len(x)) for each in (x, y)]
    for _ in range(50):
        share = weights / weights.sum()
        a, b = (each - (each * share).sum(axis=1, keepdims=True) for each in (x, y))
        xx, yy, xy = (a * share) @ a.T + ridge[0], (b * share) @ b.T + ridge[1], (a * share) @ b.T
        squares, one = eigh(xy @ np.linalg.solve(yy, xy.T), xx)
        other = np.linalg.solve(yy, xy.T @ one)
        other /= np.sqrt(np.einsum("ij,ik,kj->j", other, yy, other))
        variance = 2 * (1 - np.sqrt(np.clip(squares, 0, 1))) + 1e-12
        fresh = chi2.sf(((one.T @ a - other.T @ b) ** 2 / variance[:, np.newaxis]).sum(axis=0), len(x))
        weights, before = fresh, weights
        if np.abs(fresh - before).max() < 1e-3:
            break
    kept = weights > 0.95
    return axis(*(each[:, kept if kept.sum() >= 50 else weights >= np.quantile(weights, 0.95)] for each in (x, y)))


def axis(x: Values, y: Values) -> Lines:
    """Fit the reduced major axis to all pixels."""
    gains = [float(two.std() / one.std()) if one.std() else 1.0 for one, two in zip(x, y, strict=True)]
    return [(gain, float(two.mean() - gain * one.mean())) for gain, one, two in zip(gains, x, y, strict=True)]


FITS: dict[str, Callable[[Values, Values], Lines]] = {
    "normalise-to": lambda x, y: fit_unchanged(x, y).lines,
    "IR-MAD": irmad,
    "all pixels": axis,
}


def agreement(path: Path) -> dict[str, float]:
    """Return the share of pixels outside the cloud with the label of the unchanged scene, by the fit."""
    with rasterio.open(path) as file:
        values, valid = file.read().astype(float), file.dataset_mask() > 0
    rng, cloudy = np.random.default_rng(0), np.zeros(valid.shape, np.bool_)
    cloudy[:, : np.searchsorted(np.cumsum(valid.sum(axis=0)), 0.4 * valid.sum())] = True
    scene, cloudy = values[:, valid], cloudy[valid]
    gains, offsets = np.linspace(0.8, 1.15, len(scene)), np.linspace(12, -6, len(scene))
    changed = gains[:, np.newaxis] * scene + offsets[:, np.newaxis]
    changed[:, cloudy] = rng.normal(220, 15, cloudy.sum()) + rng.normal(0, 4, (len(scene), cloudy.sum()))
    changed = np.rint(changed).clip(0, 255)
    model = GaussianMixture(7, random_state=0).fit(scene[:, rng.choice(scene.shape[1], 10_000, replace=False)].T)
    wanted = model.predict(scene[:, ~cloudy].T)
    lines = {"none": [(1.0, 0.0)] * len(scene)} | {
        name: fit(changed[:, ::4], scene[:, ::4]) for name, fit in FITS.items()
    }
    shares = {}
    for name, of_bands in lines.items():
        gain, offset = np.array(of_bands).T[..., np.newaxis]
        labels = model.predict((gain * changed[:, ~cloudy] + offset).T)
        shares[name] = round(float((labels == wanted).mean()), 4)
    return {"cloud": round(float(cloudy.mean()), 3)} | shares


if __name__ == "__main__":
    main()
