"""Codes in two dimensions by t-SNE. Van der Maaten and Hinton 2008."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from latentclust.report.colours import group_style
from latentclust.report.plotting import new_figure

LIMIT = 2000
"""Maximum number of samples. t-SNE of more takes minutes and shows no more."""

PERPLEXITY = 30.0
LEGIBLE_GROUPS = 20
"""Maximum number of groups in a legend. More groups are marked on the map instead."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """A grouping of points, shown by colour.

    Attributes:
        title: Kind of group, such as `cluster`.
        groups: Group of each sample, `(n,)`, 0-based, -1 for none.
        names: Names of the groups for the legend.
        marks: Texts at the median of each group. Empty for none.
    """

    title: str
    groups: NDArray[np.int64]
    names: Sequence[str]
    marks: Sequence[str] = ()


def by_cluster(labels: NDArray[np.int64], names: Sequence[str]) -> Grouping:
    """Return the grouping of points `(n,)` by cluster, each cluster marked with its number, from 1."""
    return Grouping("cluster", labels, names, [f"{index + 1}" for index in range(len(names))])


def by_class(labels: NDArray[np.int64], names: Sequence[str]) -> Grouping:
    """Return the grouping of points `(n,)` by class. Classes too many for a legend are marked with their names."""
    return Grouping("class", labels, names, () if len(names) <= LEGIBLE_GROUPS else names)


def subsample(count: int, seed: int, limit: int = LIMIT) -> NDArray[np.int64]:
    """Return at most `limit` of `count` indices, drawn without replacement, ascending."""
    if count <= limit:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, limit, replace=False))


def tsne(points: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Return a t-SNE map `(n, 2)` of points `(n, d)`, n at least 4. Equal points all lie at the origin."""
    from sklearn.manifold import TSNE

    if np.ptp(points, axis=0).max() == 0:
        return np.zeros((len(points), 2), dtype=np.float32)
    perplexity = min(PERPLEXITY, (len(points) - 1) / 3)
    start = "pca" if points.shape[1] > 1 else "random"
    mapped = TSNE(perplexity=perplexity, init=start, random_state=seed).fit_transform(points)
    return np.asarray(mapped, dtype=np.float32)


def tsne_maps(codes: Mapping[str, NDArray[np.float32]], seed: int) -> dict[str, NDArray[np.float32]]:
    """Return a t-SNE map `(n, 2)` of each code `(n, d)` by its title. A code without columns is left out."""
    return {title: tsne(code, seed) for title, code in codes.items() if code.shape[1] > 0}


def pca(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the first two principal components `(n, 2)` of points `(n, d)`; the second is 0 if there is one alone."""
    centred = (points - points.mean(axis=0, dtype=np.float64)).astype(np.float64)
    left, lengths, _ = np.linalg.svd(centred, full_matrices=False)
    mapped = np.zeros((len(points), 2), dtype=np.float32)
    columns = min(2, len(lengths))
    mapped[:, :columns] = left[:, :columns] * lengths[:columns]
    return mapped


def code_maps(maps: Mapping[str, NDArray[np.float32]], groupings: Sequence[Grouping]) -> Figure:
    """Return a figure with one column per map and one row per grouping.

    Args:
        maps: Maps `(n, 2)` by the title of their code, such as the style code.
        groupings: Groupings of the same samples, by cluster and, if known, by class.
    """
    figure = new_figure(4.2 * len(maps) + 2.2, 4.0 * len(groupings))
    panels = figure.subplots(len(groupings), len(maps), squeeze=False)
    for row, grouping in zip(panels, groupings, strict=True):
        for axes, (title, points) in zip(row, maps.items(), strict=True):
            _scatter(axes, points, grouping)
            axes.set_title(f"{title}, by {grouping.title}", fontsize="medium")
        if len(grouping.names) <= LEGIBLE_GROUPS:
            row[-1].legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize="small", markerscale=2.5)
    return figure


def _scatter(axes: Axes, points: NDArray[np.float32], grouping: Grouping) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel("t-SNE 1")
    axes.set_ylabel("t-SNE 2")
    halo = [withStroke(linewidth=2.5, foreground="white")]
    for group, name in enumerate(grouping.names):
        mine = points[grouping.groups == group]
        colour, marker = group_style(group)
        axes.scatter(mine[:, 0], mine[:, 1], s=6, color=colour, marker=marker, linewidths=0, label=name)
    for group, mark in enumerate(grouping.marks):
        mine = points[grouping.groups == group]
        if len(mine):
            x, y = np.median(mine, axis=0)
            axes.text(x, y, mark, ha="center", va="center", fontsize=9, fontweight="bold", path_effects=halo)
