"""Figures of samples: grids of images and profiles of vectors."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from latentclust.report.plotting import RAW, SMOOTH, hide_spines, new_figure

Pixels = NDArray[np.uint8] | NDArray[np.float32]
"""Pixel values, uint8 or float32 in [0, 1]."""

CELL = 0.5
"""Height of an image in inches."""

TALLEST = 30.0
"""Maximum height of a figure in inches. Images shrink to keep it."""

CELL_PIXELS = 256
"""Approximate size of an image in a figure in pixels. Larger images are averaged over blocks of pixels."""

ROWS_PER_BLOCK = 25
"""Number of rows above which a figure of samples has several blocks of rows side by side, in smaller cells."""

SMALL_CELL = 0.3
"""Height in inches of an image in a figure of several blocks."""

MOST_SHOWN = 200
"""Maximum number of clusters in a figure of samples."""

MOST_NAMED = 10
"""Maximum number of empty clusters that are listed in a title."""

LEAST_WIDTH = 1.0
"""Minimum width of a block in inches."""

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


def shrink(image: NDArray[Any], side: int = CELL_PIXELS) -> NDArray[Any]:
    """Return an image `(c, h, w)` of about `side` pixels at most, averaged over square blocks.

    Vectors are unchanged.
    """
    step = max(image.shape[1:], default=0) // side
    if step < 2:
        return image
    channels, height, width = image.shape
    step_down, step_across = min(step, height), min(step, width)
    down, across = height // step_down, width // step_across
    whole = image[:, : down * step_down, : across * step_across]
    blocks = whole.reshape(channels, down, step_down, across, step_across)
    averaged: NDArray[Any] = blocks.mean(axis=(2, 4), dtype=np.float32).astype(image.dtype)
    return averaged


def samples_per_cluster(groups: Sequence[Pixels], names: Sequence[str]) -> Figure:
    """Return a figure with one row of images per cluster, or for vectors one panel of profiles per cluster.

    Clusters without samples have no row; the title counts them. At most `MOST_SHOWN` clusters are drawn, the first.

    Args:
        groups: Samples of each cluster in the order shown, `(m, c, h, w)` or `(m, d)`; m is 0 for an empty cluster.
        names: Names of the clusters.
    """
    empty = [name for group, name in zip(groups, names, strict=True) if not len(group)]
    found = [(group, name) for group, name in zip(groups, names, strict=True) if len(group)]
    shown = found[:MOST_SHOWN] or [(groups[0], names[0])]
    title = _samples_title(empty, len(shown), len(found))
    if groups[0].ndim == 2:
        return profiles([group for group, _ in shown], [name for _, name in shown], title)
    across = max(1, *(len(group) for group, _ in shown))
    cells = [[*group, *[None] * (across - len(group))] for group, _ in shown]
    return mosaic(cells, shown[0][0].shape[1:], [name for _, name in shown], [], title)


def _samples_title(empty: Sequence[str], shown: int, found: int) -> str:
    parts = ["samples in order of confidence"]
    if shown < found:
        parts.append(f"the first {shown:,} of {found:,} clusters")
    if empty:
        listed = ", ".join(empty[:MOST_NAMED]) + (f" and {len(empty) - MOST_NAMED:,} more" * (len(empty) > MOST_NAMED))
        parts.append(f"empty: {listed}")
    return "\n".join(parts)


def image_grid(
    images: Pixels, row_labels: Sequence[str] = (), col_labels: Sequence[str] = (), title: str = ""
) -> Figure:
    """Return a figure of images `(rows, cols, c, h, w)` in a grid: modes, interpolations or traversals.

    One channel, or the mean of two, is shown in grey. Of more than three channels the first three are shown in colour.
    """
    return mosaic([list(row) for row in images], images.shape[2:], row_labels, col_labels, title)


def profiles(groups: Sequence[Pixels], names: Sequence[str], title: str = "") -> Figure:
    """Return a figure with one panel per group of vectors `(m, d)`: all vectors pale, their mean strong."""
    across = min(max(PROFILES_ACROSS, math.isqrt(len(groups))), len(groups))
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
    figure.suptitle(title, fontsize="medium")
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
    """Return a figure of images in a grid, each at most `cell` inches high. None leaves a cell white.

    Many rows stand in several blocks side by side. Large images are shrunk, so that the figure's size is bounded.
    """
    blocks = -(-len(cells) // ROWS_PER_BLOCK)
    rows, columns = -(-len(cells) // blocks), len(cells[0])
    cell = min(cell if blocks == 1 else SMALL_CELL, TALLEST / rows)
    margin = 0.3 + LETTER * max(map(len, row_labels), default=0)
    lines = 1 + title.count("\n")
    width = max(margin + cell * columns * shape[2] / shape[1], LEAST_WIDTH)
    figure = new_figure(blocks * width, 0.25 + 0.25 * lines + cell * rows)
    panels = figure.subplots(1, blocks, squeeze=False)[0]
    for block, axes in enumerate(panels):
        part = slice(block * rows, (block + 1) * rows)
        _draw_grid(axes, cells[part], shape, row_labels[part], col_labels)
    if blocks == 1:
        panels[0].set_title(title, fontsize="medium")
    else:
        figure.suptitle(title, fontsize="medium")
    return figure


def _draw_grid(
    axes: Axes,
    cells: Sequence[Sequence[Pixels | None]],
    shape: tuple[int, ...],
    row_labels: Sequence[str],
    col_labels: Sequence[str],
) -> None:
    """Draw images of one shape `(c, h, w)` in a grid, with labels of rows and columns."""
    height, width = shrink(np.empty(shape, np.uint8)).shape[1:]
    gap = max(1, round(GAP * height))
    rows, columns = len(cells), len(cells[0])
    canvas = np.ones((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), dtype=np.float32)
    for row, line in enumerate(cells):
        for column, image in enumerate(line):
            if image is not None:
                top, left = row * (height + gap), column * (width + gap)
                canvas[top : top + height, left : left + width] = as_colour(shrink(image))
    axes.imshow(canvas, interpolation="nearest")
    axes.set_anchor("NE")  # the room that the aspect ratio leaves goes to the labels on the left
    axes.set_yticks(_centres(len(row_labels), height, gap), row_labels)
    axes.set_xticks(_centres(len(col_labels), width, gap), col_labels)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _centres(count: int, side: int, gap: int) -> NDArray[np.float64]:
    return np.arange(count, dtype=np.float64) * (side + gap) + (side - 1) / 2


def as_colour(image: Pixels) -> NDArray[np.float32]:
    """Return a sample `(c, h, w)` as a colour image `(h, w, 3)` in [0, 1]."""
    scaled = image.astype(np.float32) / 255 if image.dtype == np.uint8 else image.astype(np.float32)
    shown = scaled[:3] if len(scaled) >= 3 else np.repeat(scaled.mean(axis=0, keepdims=True), 3, axis=0)
    return np.clip(shown.transpose(1, 2, 0), 0, 1)
