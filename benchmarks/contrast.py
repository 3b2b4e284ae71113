"""The contrast of Gaussian mixtures of label maps: `python benchmarks/contrast.py [DATA…] [--seeds 3] [--threads 1]`.

For each data set a mixture is fitted once a seed. Its label maps are then smoothed with each coupling and each
contrast, and compared with the labels: tiles of dubai as in `dubai5-mixture` (every 18th) and of facades in the
features of `facades` (every 12th), and the whole scene of `landsat7`. Writes `benchmarks/results/contrast.json` after
each data set. Needs the extra `pretrained`.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pixel_ceilings import LAND_USES, data_set, land_use_scene
from provenance import write

from latentclust.api import Images, Mask, Model
from latentclust.bundled.categorical_map import CategoricalMap
from latentclust.bundled.inference.gaussian_mixture import GaussianMixture
from latentclust.evaluate.segmentation import joint_counts
from latentclust.plugins.registry import installed

COUPLINGS = (1.0, 4.0, 12.0)
CONTRASTS = (0.0, 1.0, 3.0)
SMOOTHING = 10
METRICS = ("accuracy", "miou")
BATCH = 6

DATA: dict[str, dict[str, Any]] = {
    "dubai": {"every": 18, "clusters": 5, "steps": [{"use": "local-statistics", "window": 9}], "form": "tied"},
    "facades": {
        "every": 12,
        "clusters": 4,
        "steps": [{"use": "timm-features", "levels": [1], "centre": True}],
        "form": "tied",
    },
    "landsat7": {"clusters": LAND_USES, "steps": [], "form": "full"},
}


@dataclass(frozen=True)
class Read:
    """Preprocessed images `(n, c, h, w)`, their valid pixels and their classes `(n, h, w)`, `VOID` for none."""

    images: torch.Tensor
    valid: torch.Tensor
    labels: NDArray[np.int64]

    def batches(self) -> Iterator[tuple[Images, Mask, NDArray[np.int64]]]:
        """Yield a few images at a time."""
        for start in range(0, len(self.images), BATCH):
            at = slice(start, start + BATCH)
            yield Images(self.images[at]), Mask(self.valid[at]), self.labels[at]


def main() -> None:
    """Measure the named data sets."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", nargs="*", default=[], choices=[*DATA, []])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    found: dict[str, Any] = {}
    for name in options.data or DATA:
        read = scene() if name == "landsat7" else tiles(name)
        scores = [measure(read, name, seed) for seed in range(options.seeds)]
        found[name] = {
            setting: {
                metric: [float(each([one[setting][metric] for one in scores])) for each in (np.mean, np.std)]
                for metric in METRICS
            }
            for setting in scores[0]
        }
        print(name, found[name], flush=True)
        write("contrast", {"smoothing": SMOOTHING, "seeds": options.seeds, "settings": DATA, "results": found})


def tiles(name: str) -> Read:
    """Return tiles of a data set, preprocessed and standardised."""
    images, labels = (each[:: DATA[name]["every"]] for each in data_set(name))
    parts = []
    for batch in images.split(8):
        found = Images(batch)
        for step in DATA[name]["steps"]:
            view = installed().build("view", step["use"], {k: v for k, v in step.items() if k != "use"}, "")
            found = view.apply(found, torch.Generator())
        parts.append(found)
    valid = torch.ones(len(images), *images.shape[2:], dtype=torch.bool)
    return Read(standardised(torch.cat(parts), valid), valid, labels.astype(np.int64))


def scene() -> Read:
    """Return the Landsat scene with its land use."""
    values, valid, labels = land_use_scene()
    mask = torch.from_numpy(valid)[None]
    return Read(standardised(torch.from_numpy(values)[None], mask), mask, labels[None].astype(np.int64))


def standardised(images: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Return channels with mean 0 and deviation 1 over the valid pixels, and 0 elsewhere."""
    points = images.movedim(1, -1)[valid]
    found = (images - points.mean(dim=0).view(-1, 1, 1)) / points.std(dim=0).view(-1, 1, 1)
    return torch.where(valid[:, None], found, 0.0)


def measure(read: Read, name: str, seed: int) -> dict[str, dict[str, float]]:
    """Return the scores of each setting with one fit."""
    clusters = DATA[name]["clusters"]
    starts = {"n_init": 10, "sample": 40_000} if name == "landsat7" else {}  # as in the recipe
    spec = GaussianMixture(covariance=DATA[name]["form"], smoothing=SMOOTHING, contrast=CONTRASTS[-1], **starts)
    model = coupled(clusters, COUPLINGS[0])
    rng = torch.Generator().manual_seed(seed)
    state = spec.fit_valid(model, [(images, valid) for images, valid, _ in read.batches()], rng)
    settings = [(0.0, 0.0), *((coupling, contrast) for coupling in COUPLINGS for contrast in CONTRASTS)]
    scores = {}
    for coupling, contrast in settings:
        smoothed, table = spec.model_copy(update={"contrast": contrast}), np.zeros((clusters, clusters), np.int64)
        for images, valid, labels in read.batches():
            found = smoothed.posterior_valid(coupled(clusters, coupling), images, valid, state, rng).labels.numpy()
            table += joint_counts(found, labels, clusters, clusters)
        scores[f"coupling {coupling:g}, contrast {contrast:g}"] = {
            metric: float(installed().build("metric", metric, {}, "")(table)) for metric in METRICS
        }
    return scores


def coupled(clusters: int, coupling: float) -> Model:
    """Return a model of label maps without networks."""
    return Model({}, CategoricalMap(clusters=clusters, style_dim=0, style_stride=1, coupling=coupling))


if __name__ == "__main__":
    main()
