"""Ceilings of feature spaces of pixels: `python benchmarks/pixel_ceilings.py [DATA…] [--threads 1]`.

For each space of dubai, facades and landsat7, on pixels at a regular distance: k-means and Gaussian mixtures, which
read no labels; the nearest true class mean and a linear classifier (5-fold over images), which do; and the same after
each region of SLIC has taken the label of most of its pixels. The spaces of a union contribute equally. Writes
`benchmarks/results/pixel_ceilings.json` after each space. Needs the extras `pretrained` and `regions`.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import torch
from numpy.typing import NDArray
from provenance import write
from rasterio.warp import Resampling, reproject
from scipy.optimize import linear_sum_assignment
from skimage.segmentation import slic
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestCentroid

from latentclust.api import Images
from latentclust.data.roots import data_roots, resolve_path
from latentclust.plugins.registry import installed

SCENE, REFERENCE = Path("landsat7_nc/lsat7_2000_b123457.tif"), Path("landsat7_nc/landuse96.tif")
SIDE = 49
"""Size in pixels of the blocks of the scene, which are its images."""

STRIDES = {"dubai": 5, "facades": 4, "landsat7": 2}
"""Distance of the pixels that are read."""

SEGMENTS = {"dubai": 200, "facades": 200, "landsat7": 60}
"""Approximate number of regions per image."""

SAMPLE = 20_000
"""Number of pixels that clusterings are fitted to."""

COMPONENTS = 24
"""Largest number of channels; spaces with more are reduced by PCA."""

FOLDS = 5
VOID = -1
LAND_USES = 7

SPACES: dict[str, tuple[dict[str, Any], ...]] = {
    "pixels": (),
    "local mean": ({"use": "local-statistics", "window": 9, "gain": 0.0},),
    "local statistics": ({"use": "local-statistics", "window": 9},),
    "gabor": ({"use": "gabor"},),
    "local binary patterns": ({"use": "local-binary-patterns"},),
    "network, stride 4": ({"use": "timm-features", "levels": [1]},),
    "network, stride 8": ({"use": "timm-features", "levels": [2]},),
    "network, stride 16": ({"use": "timm-features", "levels": [3]},),
}
UNIONS = {
    "local mean + texture": ("local mean", "gabor", "local binary patterns"),
    "local mean + network": ("local mean", "network, stride 4", "network, stride 8", "network, stride 16"),
    "all": (
        *("local mean", "gabor", "local binary patterns"),
        *("network, stride 4", "network, stride 8", "network, stride 16"),
    ),
}


@dataclass(frozen=True)
class Sampled:
    """Images of a data set, and their pixels at a regular distance.

    Attributes:
        images: Images `(n, c, h, w)` in [0, 1].
        labels: Classes `(n, y, x)` of the pixels that are read, `VOID` for none.
        regions: Regions `(n, y, x)` of these pixels, with numbers that no two images share.
        stride: Distance of these pixels.
    """

    images: torch.Tensor
    labels: NDArray[np.int64]
    regions: NDArray[np.int64]
    stride: int


def main() -> None:
    """Measure the spaces of the named data sets."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", nargs="*", default=[], choices=[*STRIDES, []])
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    found: dict[str, dict[str, Any]] = {}
    for name in options.data or STRIDES:
        sampled = read(name)
        found[name] = {}
        for space, points in spaces(sampled):
            found[name][space] = measure(points, sampled)
            print(name, space, {key: round(value, 3) for key, value in found[name][space].items()}, flush=True)
            write("pixel_ceilings", {"strides": STRIDES, "seeds": [0], "results": found})


def read(name: str) -> Sampled:
    """Return the images of a data set with the classes and regions of their pixels."""
    images, labels = scene_blocks() if name == "landsat7" else data_set(name)
    at, regions, first = np.s_[STRIDES[name] // 2 :: STRIDES[name]], [], 0
    for image in images:
        found = slic(image.movedim(0, -1).numpy(), SEGMENTS[name], compactness=0.1, start_label=0, convert2lab=False)
        regions.append(found[at, at] + first)
        first += int(found.max()) + 1
    return Sampled(images, labels[:, at, at].astype(np.int64), np.stack(regions), STRIDES[name])


def data_set(name: str) -> tuple[torch.Tensor, NDArray[np.int16]]:
    """Return all images of a data set of the toolkit in [0, 1], and their label maps."""
    data = installed().build("dataset", name, {}, "data").open(data_roots())
    every = np.arange(len(data.source))
    return torch.from_numpy(data.source.read(every)).float() / 255, data.labels.unseal(every)


def land_use_scene() -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.int16]]:
    """Return the bands of the Landsat scene `(c, h, w)`, where they have data, and the land use, `VOID` for none."""
    scene, reference = (resolve_path(path, data_roots()) for path in (SCENE, REFERENCE))
    with rasterio.open(scene) as file:
        values, valid, place, crs = file.read().astype(np.float32), file.dataset_mask() > 0, file.transform, file.crs
    classes = np.zeros(valid.shape, np.uint8)
    with rasterio.open(reference) as file:
        reproject(rasterio.band(file, 1), classes, dst_transform=place, dst_crs=crs, resampling=Resampling.nearest)
    labels = np.where(valid & (classes <= LAND_USES), classes.astype(np.int16) - 1, VOID).astype(np.int16)
    return values, valid, labels


def scene_blocks() -> tuple[torch.Tensor, NDArray[np.int16]]:
    """Return the blocks of the Landsat scene without nodata, and their land use."""
    values, valid, labels = land_use_scene()
    low, high = np.percentile(values[:, valid], (0.5, 99.5), axis=1)[:, :, None, None]
    values = ((values - low) / (high - low)).clip(0, 1).astype(np.float32)
    corners = [(y, x) for y in range(0, len(valid) - SIDE, SIDE) for x in range(0, valid.shape[1] - SIDE, SIDE)]
    windows = [np.s_[y : y + SIDE, x : x + SIDE] for y, x in corners if valid[y : y + SIDE, x : x + SIDE].all()]
    return torch.from_numpy(np.stack([values[:, *w] for w in windows])), np.stack([labels[w] for w in windows])


def spaces(sampled: Sampled) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield each space and union with the standardised channels of the pixels, `(n, y, x, c)`."""
    single = {}
    for name, steps in SPACES.items():
        if "network" in name and sampled.images.shape[1] != 3:
            continue
        single[name] = standardised(channels(sampled, steps))
        yield name, reduced(single[name])
    for name, parts in UNIONS.items():
        if all(part in single for part in parts):
            yield name, reduced(np.concatenate([single[p] / np.sqrt(single[p].shape[-1]) for p in parts], axis=-1))


def channels(sampled: Sampled, steps: tuple[dict[str, Any], ...]) -> NDArray[np.float64]:
    """Return what preprocessing steps make of the pixels that are read, `(n, y, x, c)`."""
    views = [
        installed().build("view", step["use"], {k: v for k, v in step.items() if k != "use"}, "") for step in steps
    ]
    found, at = [], np.s_[sampled.stride // 2 :: sampled.stride]
    for batch in sampled.images.split(10):
        images = Images(batch)
        for view in views:
            images = view.apply(images, torch.Generator())
        found.append(images[:, :, at, at].movedim(1, -1).numpy())
    return np.concatenate(found).astype(np.float64)


def standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return channels with mean 0 and standard deviation 1; constant channels are 0."""
    deviation = values.std(axis=(0, 1, 2))
    return (values - values.mean(axis=(0, 1, 2))) / np.where(deviation > 1e-6, deviation, np.inf)


def reduced(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the first principal components of centred channels, all of them if they are few."""
    if values.shape[-1] <= COMPONENTS:
        return values
    points = values.reshape(-1, values.shape[-1])
    _, axes = np.linalg.eigh(points.T @ points)
    return values @ axes[:, : -COMPONENTS - 1 : -1]


def measure(points: NDArray[np.float64], sampled: Sampled) -> dict[str, float]:
    """Return the mIoU of each method, and of its labels after the vote of the regions."""
    labels, clusters = sampled.labels, int(sampled.labels.max()) + 1
    flat = points.reshape(-1, points.shape[-1])
    sample = flat[np.random.default_rng(0).choice(len(flat), min(SAMPLE, len(flat)), replace=False)]
    floor = 1e-3 * float(sample.var())
    clusterings: dict[str, Callable[[], Any]] = {
        "k-means": lambda: KMeans(clusters, n_init=5, random_state=0).fit(sample),
        "mixture, tied": lambda: mixture("tied", clusters, floor).fit(sample),
        "mixture, full": lambda: mixture("full", clusters, floor).fit(sample),
    }
    found: dict[str, float] = {}
    for name, fit in clusterings.items():
        predicted = fit().predict(flat).reshape(labels.shape)
        found[name], found[f"{name}, regions"] = both(predicted, sampled, clusters, matched=True)
    for name, make in {"nearest mean": NearestCentroid, "linear": lambda: LogisticRegression(max_iter=100)}.items():
        found[name], found[f"{name}, regions"] = both(cross_predicted(make, points, labels), sampled, clusters)
    return found


def mixture(form: str, clusters: int, floor: float) -> GaussianMixture:
    """Return a Gaussian mixture with covariances of a form."""
    return GaussianMixture(clusters, covariance_type=form, n_init=2, reg_covar=floor, random_state=0)


def cross_predicted(
    make: Callable[[], Any], points: NDArray[np.float64], labels: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the classes predicted by classifiers that were trained on other images."""
    fold, found = np.arange(len(points)) % FOLDS, np.full(labels.shape, VOID)
    for held in range(FOLDS):
        known = labels[fold != held] != VOID
        train, classes = points[fold != held][known], labels[fold != held][known]
        chosen = np.random.default_rng(held).choice(len(train), min(SAMPLE, len(train)), replace=False)
        classifier = make().fit(train[chosen], classes[chosen])
        part = points[fold == held]
        found[fold == held] = classifier.predict(part.reshape(-1, part.shape[-1])).reshape(part.shape[:3])
    return found


def both(predicted: NDArray[np.int64], sampled: Sampled, clusters: int, matched: bool = False) -> tuple[float, float]:
    """Return the mIoU of predictions, and after the vote of the regions."""
    votes = np.zeros((int(sampled.regions.max()) + 1, clusters), np.int64)
    np.add.at(votes, (sampled.regions.ravel(), predicted.ravel()), 1)
    voted = votes.argmax(axis=1)[sampled.regions]
    return tuple(mean_iou(each, sampled.labels, clusters, matched) for each in (predicted, voted))  # type: ignore[return-value]


def mean_iou(predicted: NDArray[np.int64], labels: NDArray[np.int64], clusters: int, matched: bool) -> float:
    """Return the mean IoU over classes, of clusters after Hungarian matching."""
    known = labels != VOID
    table = np.zeros((clusters, clusters), np.int64)
    np.add.at(table, (predicted[known], labels[known]), 1)
    rows, columns = linear_sum_assignment(-table) if matched else (np.arange(clusters),) * 2
    table = table[rows][:, columns]
    hits = table.diagonal()
    return float((hits / np.maximum(table.sum(axis=0) + table.sum(axis=1) - hits, 1)).mean())


if __name__ == "__main__":
    main()
