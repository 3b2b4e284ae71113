"""The samples that two runs have in common, and how far the runs agree on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from latentclust.evaluate.label_free import agreement
from latentclust.evaluate.stability import Stability, cluster_stability, pair_counts
from latentclust.report.assignments import ASSIGNMENTS

FILE, PLACE = "path", ("row", "column")
"""Columns of assignments.csv with the file of a sample, and with the place of a pixel in its image."""


@dataclass(frozen=True, slots=True)
class RunAssignments:
    """The clusters of a run's samples.

    Attributes:
        clusters: Cluster of each sample `(n,)`, 0-based.
        keys: Columns that identify a sample: its file, or else its position in the data set, and the place of a pixel.
        by_file: Whether files identify the samples, so that runs with other numbers of samples can be compared.
    """

    clusters: NDArray[np.int64]
    keys: pd.DataFrame
    by_file: bool


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """The agreement of two runs on the samples that both have.

    Attributes:
        ari: Adjusted Rand index. None without two common samples, or if a run's clusters are unknown.
        shared: Number of common samples.
    """

    ari: float | None
    shared: int


def read_assignments(folder: Path) -> RunAssignments | None:
    """Return the clusters in assignments.csv of a run folder. None if the file is missing or damaged."""
    try:
        table = pd.read_csv(folder / ASSIGNMENTS, keep_default_na=False, dtype={FILE: str})
        clusters = table["cluster"].to_numpy(np.int64) - 1
        by_file = FILE in table
        keys = table[[FILE if by_file else "index", *(name for name in PLACE if name in table)]]
        keys = keys.astype({name: np.int64 for name in keys if name != FILE})
    except (OSError, ValueError, KeyError, OverflowError):
        return None
    return RunAssignments(clusters, keys, by_file) if clusters.min(initial=0) >= 0 else None


def agreements(runs: Sequence[RunAssignments | None]) -> list[list[PairAgreement]]:
    """Return the agreement of each pair of runs as a symmetric matrix."""
    found = [[PairAgreement(None, 0)] * len(runs) for _ in runs]
    for row, one in enumerate(runs):
        for column, other in enumerate(runs[: row + 1]):
            found[row][column] = found[column][row] = _agreement(one, other)
    return found


def stability(runs: Sequence[RunAssignments | None], clusters: Sequence[int]) -> Stability | None:
    """Return how well the clusters of the first run are found again in the others.

    Args:
        runs: Clusters of each run. Runs without a sample in common with the first one are left out.
        clusters: Number of clusters of each run.

    Returns:
        The stability of the first run's clusters. None if no other run has samples in common with it.
    """
    pairs = []
    for run, count in zip(runs[1:], clusters[1:], strict=True):
        one, other = common(runs[0], run)
        if len(one) and one.max() < clusters[0] and other.max() < count:
            pairs.append(pair_counts(one, other, clusters[0], count))
    return cluster_stability(pairs) if pairs else None


def common(one: RunAssignments | None, other: RunAssignments | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the clusters that two runs give to their common samples, `(n,)` each.

    Samples are the same if their files are, or else their positions in data sets of the same length.
    """
    none = np.empty(0, np.int64)
    if one is None or other is None or list(one.keys) != list(other.keys):
        return none, none
    if one.keys.equals(other.keys):
        return one.clusters, other.clusters
    if not one.by_file or one.keys.duplicated().any() or other.keys.duplicated().any():
        return none, none
    first, second = (run.keys.assign(cluster=run.clusters) for run in (one, other))
    joined = first.merge(second, on=list(one.keys))
    return joined["cluster_x"].to_numpy(np.int64), joined["cluster_y"].to_numpy(np.int64)


def _agreement(one: RunAssignments | None, other: RunAssignments | None) -> PairAgreement:
    first, second = common(one, other)
    enough = len(first) > 1
    return PairAgreement(agreement(first, second)["ari"] if enough else None, len(first))
