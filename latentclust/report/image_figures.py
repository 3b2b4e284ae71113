"""Figures of samples: grids of images and profiles of vectors."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from latentclust.report.plotting import RAW, SMOOTH, hide_spines, new_figure

Pixels = NDArray[np.uint8] | NDArray[np.float32]
"""Pixel values, uint8 or float32 in [0, 1]."""

CELL = 0.5
"""Height of an image in inches."""

TALLEST = 30.0
"""Maximum height of a figure in inches. Images shrink to keep it."""

LETTER = 0.09
"""Width of one letter of a row label in inches."""

GAP = 0.08
"""Gap between images, as a share of their side."""

PROFILES_ACROSS = 5


def most_confident(
    labels: NDArray[np.int64], confidence: NDArray[np.float32], clusters: int, per_cluster: int
) -> list[NDArray[np.int64]]:
    """Return the indices of at most `per_cluster` samples of each cluster, the most confident first, ties by index."""
    order = np.argsort(-confidence, kind="stable")
    return [order[labels[order] == cluster][:per_cluster] for cluster in range(clusters)]


def samples_per_cluster(groups: Sequence[Pixels], names: Sequence[str]) -> Figure:
    """Return a figure with one row of images per cluster, or for vectors one panel of profiles per cluster.

    Args:
        groups: Samples of each cluster in the order shown, `(m, c, h, w)` or `(m, d)`; m is 0 for an empty cluster.
        names: Names of the clusters.
    """
    if groups[0].ndim == 2:
        return profiles(groups, names)
    across = max(1, *(len(group) for group in groups))
    cells = [[*group, *[None] * (across - len(group))] for group in groups]
    labels = [name if len(group) else f"{name} (empty)" for name, group in zip(names, groups, strict=True)]
    return mosaic(cells, groups[0].shape[1:], labels, [], "samples in order of confidence")


def image_grid(
    images: Pixels, row_labels: Sequence[str] = (), col_labels: Sequence[str] = (), title: str = ""
) -> Figure:
    """Return a figure of images `(rows, cols, c, h, w)` in a grid: modes, interpolations or traversals.

    One channel, or the mean of two, is shown in grey. Of more than three channels the first three are shown in colour.
    """
    return mosaic([list(row) for row in images], images.shape[2:], row_labels, col_labels, title)


def profiles(groups: Sequence[Pixels], names: Sequence[str]) -> Figure:
    """Return a figure with one panel per group of vectors `(m, d)`: all vectors pale, their mean strong."""
    across = min(PROFILES_ACROSS, len(groups))
    down = -(-len(groups) // across)
    figure = new_figure(2.2 * across, 1.9 * down)
    panels = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
    for axes, group, name in zip(panels.flat, groups, names, strict=False):
        features = np.arange(1, group.shape[1] + 1)
        hide_spines(axes)
        axes.set_title(name if len(group) else f"{name} (empty)", fontsize="medium")
        if len(group):
            axes.plot(features, group.T, color=RAW, linewidth=0.6, alpha=0.5)
            axes.plot(features, group.mean(axis=0), color=SMOOTH, linewidth=1.8)
    for axes in panels.flat[len(groups) :]:
        axes.set_axis_off()
    figure.supxlabel("feature")
    figure.supylabel("value")
    return figure


def mosaic(
    cells: Sequence[Sequence[Pixels | None]],
    shape: tuple[int, ...],
    row_labels: Sequence[str],
    col_labels: Sequence[str],
    title: str,
    cell: float = CELL,
) -> Figure:
    """Return a figure of images in a grid, each `cell` inches high. None leaves a cell white."""
    height, width = shape[1:]
    gap = max(1, round(GAP * height))
    rows, columns = len(cells), len(cells[0])
    canvas = np.ones((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), dtype=np.float32)
    for row, line in enumerate(cells):
        for column, image in enumerate(line):
            if image is not None:
                top, left = row * (height + gap), column * (width + gap)
                canvas[top : top + height, left : left + width] = as_colour(image)
    cell = min(cell, TALLEST / rows)
    margin = 0.3 + LETTER * max(map(len, row_labels), default=0)
    figure = new_figure(margin + cell * columns * width / height, 0.5 + cell * rows)
    axes = figure.subplots()
    axes.imshow(canvas, interpolation="nearest")
    axes.set_anchor("E")  # the room that the aspect ratio leaves goes to the labels on the left
    axes.set_yticks(_centres(len(row_labels), height, gap), row_labels)
    axes.set_xticks(_centres(len(col_labels), width, gap), col_labels)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(title, fontsize="medium")
    return figure


def _centres(count: int, side: int, gap: int) -> NDArray[np.float64]:
    return np.arange(count, dtype=np.float64) * (side + gap) + (side - 1) / 2


def as_colour(image: Pixels) -> NDArray[np.float32]:
    """Return a sample `(c, h, w)` as a colour image `(h, w, 3)` in [0, 1]."""
    scaled = image.astype(np.float32) / 255 if image.dtype == np.uint8 else image.astype(np.float32)
    shown = scaled[:3] if len(scaled) >= 3 else np.repeat(scaled.mean(axis=0, keepdims=True), 3, axis=0)
    return np.clip(shown.transpose(1, 2, 0), 0, 1)
