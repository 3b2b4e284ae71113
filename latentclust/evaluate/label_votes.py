"""Classes of clusters by few labels, and the purity of clusters with bootstrap intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array

from latentclust.evaluate.match import UNMATCHED

TIED = -2
"""Class of a cluster for which the labels do not decide between classes."""

ROUNDING = 1e-6
"""Difference of sums of shares that is rounding noise."""

RESAMPLES = 2000
"""Number of bootstrap samples."""

COVERAGE = 95
"""Percentage of the bootstrap samples within an interval."""

SEED = 0
"""Seed of the bootstrap, so that the same labels give the same intervals."""

MAX_WEIGHTS = 2**22
"""Maximum number of weights of bootstrap samples in memory at once."""


@dataclass(frozen=True, slots=True)
class LabelVotes:
    """Labelled units, such as images or polygons, and how each spreads over the clusters. Each unit has weight one.

    Attributes:
        shares: Share of each unit in each cluster, sparse `(n, k)`; rows add up to one.
        classes: Class of each unit `(n,)`, counted from 0.
        names: Names of the classes.
    """

    shares: csr_array
    classes: Int[np.ndarray, " n"]
    names: tuple[str, ...]

    def table(self) -> Float[np.ndarray, "k c"]:
        """Return the sum of the shares by cluster and class."""
        units = len(self.classes)
        members = csr_array((np.ones(units), (np.arange(units), self.classes)), (units, len(self.names)))
        return np.asarray((self.shares.T @ members).todense(), np.float64)

    def classes_of_names(self, names: Mapping[int, str]) -> Int[np.ndarray, " k"]:
        """Return the class of each cluster by its name; `UNMATCHED` without a name, or with one that is no class.

        Args:
            names: Names of clusters, counted from 1.
        """
        number = {name: at for at, name in enumerate(self.names)}
        clusters = range(1, self.shares.shape[1] + 1)
        return np.array([number.get(names.get(cluster, ""), UNMATCHED) for cluster in clusters], np.int64)


def votes_of_clusters(clusters: Int[np.ndarray, " n"], classes: Sequence[str], count: int) -> LabelVotes:
    """Return the votes of units that lie in one cluster each, such as images.

    Args:
        clusters: Cluster of each unit, counted from 0.
        classes: Class of each unit.
        count: Number of clusters.
    """
    names, numbers = np.unique(np.array(classes, object).astype(str), return_inverse=True)
    shares = csr_array((np.ones(len(clusters)), (np.arange(len(clusters)), clusters)), (len(clusters), count))
    return LabelVotes(shares, numbers.astype(np.int64), tuple(names.tolist()))


def votes_of_counts(counts: csr_array, classes: Sequence[str]) -> LabelVotes:
    """Return the votes of units by their counts `(n, k)`, such as the pixels of polygons. Each unit has weight one."""
    names, numbers = np.unique(np.array(classes, object).astype(str), return_inverse=True)
    totals = np.asarray(counts.sum(axis=1), np.float64).ravel()
    weights = csr_array((1 / totals, (np.arange(len(totals)), np.arange(len(totals)))), (len(totals), len(totals)))
    return LabelVotes(csr_array(weights @ counts), numbers.astype(np.int64), tuple(names.tolist()))


def classes_by_majority(table: Float[np.ndarray, "k c"]) -> Int[np.ndarray, " k"]:
    """Return the most frequent class of each cluster; `UNMATCHED` without labels, `TIED` if several are as frequent."""
    most = table.max(axis=1, initial=0)
    tied = (table >= most[:, np.newaxis] - ROUNDING).sum(axis=1) > 1
    chosen = np.where(tied, TIED, table.argmax(axis=1))
    return np.where(most <= ROUNDING, UNMATCHED, chosen).astype(np.int64)


def classes_one_to_one(table: Float[np.ndarray, "k c"]) -> Int[np.ndarray, " k"]:
    """Return the class of each cluster in the one-to-one matching with the most labels in matched cells.

    A pair that another matching as good does not contain is `TIED`, and so is a cluster without a pair that another
    matching as good contains; other clusters without a pair are `UNMATCHED`. The matchings are found by the Hungarian
    method (Kuhn 1955).
    """
    chosen = np.full(len(table), UNMATCHED, np.int64)
    pairs = _matched(table)
    best = sum(float(table[row, column]) for row, column in pairs)
    for row, column in pairs:
        if table[row, column] <= ROUNDING:
            continue
        without = table.copy()
        without[row, column] = 0
        other = sum(float(without[pair]) for pair in _matched(without))
        chosen[row] = TIED if other >= best - ROUNDING else column
    matched = {row for row, column in pairs if table[row, column] > ROUNDING}
    for row in set(range(len(table))) - matched:
        if _best_with(table, row) >= best - ROUNDING:
            chosen[row] = TIED
    return chosen


def _best_with(table: Float[np.ndarray, "k c"], row: int) -> float:
    """Return the number of labels in the best matching with a pair of this cluster that has labels."""
    most = 0.0
    for column in np.flatnonzero(table[row] > ROUNDING).tolist():
        others = np.delete(np.delete(table, row, axis=0), column, axis=1)
        most = max(most, float(table[row, column]) + sum(float(others[pair]) for pair in _matched(others)))
    return most


def _matched(table: Float[np.ndarray, "k c"]) -> list[tuple[int, int]]:
    rows, columns = linear_sum_assignment(table, maximize=True)
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class AgreementShares:
    """How much of each cluster, and of all clusters, is of the class that stands for it.

    Attributes:
        shares: Share of each cluster's labels `(k,)`; NaN without labels.
        intervals: Bootstrap intervals of these shares `(k, 2)`; NaN if there is one label, or all are alike, because
            samples of them do not differ.
        overall: Share of all labels.
        interval: Bootstrap interval of this share `(2,)`, or NaN.
    """

    shares: Float[np.ndarray, " k"]
    intervals: Float[np.ndarray, "k 2"]
    overall: float
    interval: Float[np.ndarray, " 2"]


def agreement_shares(votes: LabelVotes, chosen: Int[np.ndarray, " k"]) -> AgreementShares:
    """Return the shares of the labels that are of the class of their cluster, with bootstrap intervals.

    Units are resampled with replacement; the class of each cluster stays the same (percentile method; Efron and
    Tibshirani 1993, chapter 13). Pixels of a polygon are not independent, and so polygons are resampled and not pixels.

    Args:
        votes: Labelled units.
        chosen: Class that stands for each cluster; negative for none, so that all of its labels disagree.
    """
    inside = votes.shares
    rows = np.repeat(np.arange(inside.shape[0]), np.diff(inside.indptr))
    agrees = chosen[inside.indices] == votes.classes[rows]
    right = csr_array((inside.data * agrees, inside.indices, inside.indptr), inside.shape)
    units = len(votes.classes)
    shares, overall = _shares(np.ones((1, units)), right, inside)
    rng, most = np.random.default_rng(SEED), max(1, MAX_WEIGHTS // units)
    sampled, totals = [], []
    for start in range(0, RESAMPLES, most):
        weights = np.stack([_weights(rng, units) for _ in range(min(most, RESAMPLES - start))])
        each, total = _shares(weights, right, inside)
        sampled.append(each)
        totals.append(total)
    intervals = _percentiles(np.concatenate(sampled))
    return AgreementShares(shares[0], intervals, float(overall[0]), _percentiles(np.concatenate(totals)[:, None])[0])


def _weights(rng: np.random.Generator, units: int) -> Float[np.ndarray, " n"]:
    """Return how often each unit is in a sample with replacement."""
    return np.bincount(rng.integers(units, size=units), minlength=units).astype(np.float64)


def _shares(
    weights: Float[np.ndarray, "b n"], right: csr_array, inside: csr_array
) -> tuple[Float[np.ndarray, "b k"], Float[np.ndarray, " b"]]:
    """Return the share of each cluster and of all for weighted units; NaN for a cluster without any."""
    agreeing, counted = (np.asarray((part.T @ weights.T).T, np.float64) for part in (right, inside))
    with np.errstate(invalid="ignore"):
        each = np.where(counted > ROUNDING, agreeing / counted, np.nan)
    return each, agreeing.sum(axis=1) / counted.sum(axis=1)


def _percentiles(samples: Float[np.ndarray, "b k"]) -> Float[np.ndarray, "k 2"]:
    """Return the bounds of the central `COVERAGE` percent of each column; NaN for a column that does not vary."""
    found = np.full((samples.shape[1], 2), np.nan)
    tail = (100 - COVERAGE) / 2
    for at, column in enumerate(samples.T):
        known = column[~np.isnan(column)]
        if len(known) and np.ptp(known) > ROUNDING:
            found[at] = np.percentile(known, (tail, 100 - tail))
    return found
