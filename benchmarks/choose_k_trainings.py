"""Train k-means and a variational mixture on generated cases: `python benchmarks/choose_k_trainings.py [--part 1/2]`.

Each case is kept in `runs/benchmarks/choose-k-generated/`, so that the same command continues;
`choose_k_generated.py` reads them.
"""

import argparse
import io
import json
import warnings
from dataclasses import asdict
from pathlib import Path

import numpy as np
from generated_clusters import Generated, Points, generated_cases
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.mixture import BayesianGaussianMixture

from latentclust.cluster_number.settings import part_of, subsample_indices
from latentclust.evaluate.kmeans_reference import score_kmeans
from latentclust.files import write_atomic

FOLDER = Path("runs/benchmarks/choose-k-generated")
SEEDS, SUBSAMPLE, REFERENCES = 4, 0.8, 4

SYSTEMS = {"k-means": 1, "k-means, best of 5": 5, "mixture": 1, "mixture, best of 3": 3}
"""Systems with their numbers of random starts: k-means, and a variational mixture, which leaves clusters unused.

One start often ends in a local minimum, as a brief training may.
"""


def estimator(system: str, clusters: int, seed: int) -> KMeans | BayesianGaussianMixture:
    """Return an untrained estimator."""
    if system.startswith("k-means"):
        return KMeans(clusters, init="random", n_init=SYSTEMS[system], random_state=seed)
    return BayesianGaussianMixture(
        n_components=clusters,
        covariance_type="diag",
        init_params="random_from_data",
        n_init=SYSTEMS[system],
        random_state=seed,
    )


def train(points: Points, system: str, numbers: tuple[int, ...]) -> NDArray[np.int8]:
    """Return the cluster of each point by each training, `(numbers, seeds, n)`."""
    found = np.empty((len(numbers), SEEDS, len(points)), np.int8)
    for at, clusters in enumerate(numbers):
        for seed in range(1, SEEDS + 1):
            part = subsample_indices(len(points), SUBSAMPLE, 0, part_of(seed))
            found[at, seed - 1] = estimator(system, clusters, seed).fit(points[part]).predict(points)
    return found


def labels_file(case: Generated, system: str) -> Path:
    """Return the file of the clusters of a case by a system."""
    return FOLDER / f"{case.name}-{system.replace(', ', '-').replace(' ', '-')}.npy"


def kmeans_file(case: Generated) -> Path:
    """Return the file of the scores of k-means."""
    return FOLDER / f"{case.name}.json"


def train_case(case: Generated) -> None:
    """Train all systems on a case, and score k-means and its references for all numbers up to the largest."""
    points, numbers = case.points(), case.clusters()
    for system in SYSTEMS:
        if not labels_file(case, system).exists():
            stored = io.BytesIO()
            np.save(stored, train(points, system, numbers))
            write_atomic(labels_file(case, system), stored.getvalue())
    if not kmeans_file(case).exists():
        scores = {k: asdict(score_kmeans(points, k, SUBSAMPLE, 0, REFERENCES)) for k in range(2, numbers[-1] + 1)}
        write_atomic(kmeans_file(case), json.dumps(scores))


def part(text: str) -> tuple[int, int]:
    """Return part M of N, written M/N. Raise ValueError for anything else, which argparse tells."""
    first, step = map(int, text.split("/"))
    if not 1 <= first <= step:
        raise ValueError(text)
    return first, step


def main() -> None:
    """Train on all cases, or on every n-th of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", type=part, default=(1, 1), metavar="M/N", help="every N-th case, from the M-th on")
    first, step = parser.parse_args().part
    FOLDER.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")  # of estimators that stop before they converge
    for case in [*generated_cases()][first - 1 :: step]:
        train_case(case)
        print(case.name, flush=True)


if __name__ == "__main__":
    main()
