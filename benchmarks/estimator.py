"""Measure DeepClusterer with its default recipe beside k-means: `python benchmarks/estimator.py --seeds 3`.

The digits of scikit-learn are clustered as images `(1797, 8, 8)` and as vectors `(1797, 64)`. No setting was chosen on
them. The time is that of `fit` alone.
"""

import argparse
import time
from typing import Any

import numpy as np
import provenance
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.metrics import confusion_matrix, normalized_mutual_info_score

from latentclust import DeepClusterer

CLUSTERS = 10


def main() -> None:
    """Fit, score and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    digits = load_digits()
    samples = {"images": digits.images, "vectors": digits.data}
    found = {
        name: [measured(array, digits.target, seed) for seed in range(options.seeds)] for name, array in samples.items()
    }
    print(provenance.write("estimator", {"seeds": list(range(options.seeds)), "results": found}))


def measured(samples: NDArray[Any], labels: NDArray[np.int64], seed: int) -> dict[str, Any]:
    """Return the scores and the seconds of DeepClusterer and of k-means on the same samples."""
    fits = {
        "deep": DeepClusterer(n_clusters=CLUSTERS, random_state=seed, device="cpu"),
        "kmeans": KMeans(CLUSTERS, n_init=10, random_state=seed),
    }
    result: dict[str, Any] = {"seed": seed}
    for name, clusterer in fits.items():
        given = samples.reshape(len(samples), -1) if name == "kmeans" else samples
        started = time.perf_counter()
        clusters = clusterer.fit_predict(given)
        result[name] = {"seconds": round(time.perf_counter() - started, 1), **scores(labels, clusters)}
    print(result, flush=True)
    return result


def scores(labels: NDArray[np.int64], clusters: NDArray[np.int64]) -> dict[str, Any]:
    """Return accuracy by the best one-to-one matching, NMI, and the number of samples of the smallest cluster."""
    table = confusion_matrix(labels, clusters)
    return {
        "accuracy": round(float(table[linear_sum_assignment(-table)].sum() / len(labels)), 4),
        "nmi": round(float(normalized_mutual_info_score(labels, clusters)), 4),
        "smallest_cluster": int(np.bincount(clusters, minlength=CLUSTERS).min()),
    }


if __name__ == "__main__":
    main()
