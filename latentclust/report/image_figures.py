"""Pictures of samples: grids of images, and profiles of vectors."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from latentclust.report.plotting import RAW, SMOOTH, hide_spines, new_figure

Pixels = NDArray[np.uint8] | NDArray[np.float32]
"""uint8, or float32 in [0, 1]."""

CELL = 0.5
"""Side of an image, inches."""

TALLEST = 30.0
"""Height of a figure, inches, beyond which its images shrink."""

LETTER = 0.09
"""Room for a letter of a row's label, inches."""

GAP = 0.08
"""Gap between images, as a share of their side."""

PROFILES_ACROSS = 5


def most_confident(
    labels: NDArray[np.int64], confidence: NDArray[np.float32], clusters: int, per_cluster: int
) -> list[NDArray[np.int64]]:
    """The indices of each cluster's most confident samples, at most `per_cluster`, surest first and ties in order."""
    order = np.argsort(-confidence, kind="stable")
    return [order[labels[order] == cluster][:per_cluster] for cluster in range(clusters)]


def samples_per_cluster(groups: Sequence[Pixels], names: Sequence[str]) -> Figure:
    """A row of images a cluster, or for vectors a panel of profiles a cluster.

    Args:
        groups: For each cluster its samples in the order shown, `(m, c, h, w)` or `(m, d)`; none of an empty cluster.
        names: The clusters' names.
    """
    if groups[0].ndim == 2:
        return profiles(groups, names)
    across = max(1, *(len(group) for group in groups))
    cells = [[*group, *[None] * (across - len(group))] for group in groups]
    labels = [name if len(group) else f"{name} (empty)" for name, group in zip(names, groups, strict=True)]
    return mosaic(cells, groups[0].shape[1:], labels, [], "most confident samples, surest first")


def image_grid(
    images: Pixels, row_labels: Sequence[str] = (), col_labels: Sequence[str] = (), title: str = ""
) -> Figure:
    """Images `(rows, cols, c, h, w)` side by side: modes, interpolations, traversals.

    One channel, or the mean of two, is shown as grey; of more than three the first three as colour.
    """
    return mosaic([list(row) for row in images], images.shape[2:], row_labels, col_labels, title)


def profiles(groups: Sequence[Pixels], names: Sequence[str]) -> Figure:
    """A panel a group of vectors `(m, d)`: every vector pale, their mean strong."""
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
    """One white canvas that holds every image, `cell` inches high; None leaves its place white."""
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
    axes.set_anchor("E")  # what room the aspect leaves over goes to the labels on the left
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
    """A sample `(c, h, w)` as `(h, w, 3)` in [0, 1]."""
    scaled = image.astype(np.float32) / 255 if image.dtype == np.uint8 else image.astype(np.float32)
    shown = scaled[:3] if len(scaled) >= 3 else np.repeat(scaled.mean(axis=0, keepdims=True), 3, axis=0)
    return np.clip(shown.transpose(1, 2, 0), 0, 1)
