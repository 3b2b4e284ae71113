"""Measure names from few labels: `python benchmarks/few_labels.py RUN... [--data digits --set data.size=16]`.

Clusters of each run get names from N labels drawn at random; the accuracy of the names is that on all other images,
and with all labels that on the same images. Draws are seeded; draws and runs are averaged over.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from provenance import write

from latentclust.data.roots import data_roots
from latentclust.evaluate.contingency import classes_for_figures
from latentclust.evaluate.label_votes import classes_by_majority, classes_one_to_one, votes_of_clusters
from latentclust.runs.reevaluate import open_evaluation, open_splits
from latentclust.specs.data import SealedLabels

COUNTS = (10, 20, 50, 100, 200)
"""Numbers of labels."""

DRAWS = 100
"""Number of draws of labels for each run and number."""

RULES = {"majority": classes_by_majority, "one-to-one": classes_one_to_one}


def main() -> None:
    """Measure and write benchmarks/results/few_labels.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--data")
    parser.add_argument("--set", dest="settings", action="append", default=[])
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = [read(run, options.data, options.settings) for run in options.runs]
    count = min(len(classes) for _, classes, _ in found)
    rows = {f"{labels} {rule}": measure(found, labels, rule) for labels in (*COUNTS, count) for rule in RULES}
    for name, row in rows.items():
        print(name, row)
    print(write("few_labels", {"runs": len(found), "draws": DRAWS, "images": count, "rows": rows}))


def read(run: Path, data: str | None, settings: list[str]) -> tuple[NDArray[np.int64], NDArray[np.str_], int]:
    """Return the clusters and the classes of the images of a run, and the number of clusters."""
    evaluation = open_evaluation(run, torch.device("cpu"), data, settings)
    _, tested = open_splits(evaluation, data_roots())
    if not isinstance(tested.labels, SealedLabels):
        raise SystemExit(f"{run}: the data have no labels of images; name others with --data")
    clusters = evaluation.model.predict(tested.source).labels.numpy()
    return clusters, classes_for_figures(tested.labels, np.arange(len(clusters))).astype(str), evaluation.model.clusters


def measure(found: list[tuple[NDArray[np.int64], NDArray[np.str_], int]], labels: int, rule: str) -> dict[str, float]:
    """Return mean and standard deviation of the accuracy of the names, and the mean number of named clusters."""
    accuracies, named = [], []
    for clusters, classes, count in found:
        rng = np.random.default_rng(labels)
        for _ in range(DRAWS if labels < len(clusters) else 1):
            chosen = rng.choice(len(clusters), labels, replace=False)
            votes = votes_of_clusters(clusters[chosen], classes[chosen].tolist(), count)
            of_cluster = RULES[rule](votes.table())
            names = np.array([votes.names[one] if one >= 0 else "" for one in of_cluster])
            others = np.setdiff1d(np.arange(len(clusters)), chosen) if labels < len(clusters) else chosen
            accuracies.append(float((names[clusters[others]] == classes[others]).mean()))
            named.append(int((of_cluster >= 0).sum()))
    return {
        "accuracy": round(float(np.mean(accuracies)), 4),
        "std": round(float(np.std(accuracies)), 4),
        "named": round(float(np.mean(named)), 2),
    }


if __name__ == "__main__":
    main()
