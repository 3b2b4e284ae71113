"""Figures of the numbers of a run: loss curves, scores by chain length and the contingency table."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from latentclust.evaluate.match import UNMATCHED
from latentclust.report.colours import group_style
from latentclust.report.plotting import OUTLINE, RAW, SMOOTH, hide_spines, new_figure

PANELS_ACROSS = 3
SMOOTHED_SHARE = 0.05
"""Width of the moving average, as a share of the logged rounds."""

LEGIBLE_CELLS = 20
"""Maximum number of rows and columns of a table with numbers in its cells. Larger tables are drawn small."""

SIDE = 30.0
"""Maximum width and height of a table in inches. The cells of larger tables shrink."""

NUMBER = 0.1
"""Distance in inches of two row or column names below which only some are written."""

DARK = 55
"""Share of a cluster in percent, above which the text of a cell is white."""


def loss_curves(history: Sequence[Mapping[str, float]]) -> Figure:
    """Return a figure with one panel per logged value by round: all values pale, their moving average strong.

    Args:
        history: One mapping per logged round. `round` is the horizontal axis; other keys are plotted if present.
    """
    names = [name for name in dict.fromkeys(key for entry in history for key in entry) if name != "round"]
    across = max(min(PANELS_ACROSS, len(names)), 1)
    down = max(-(-len(names) // across), 1)
    figure = new_figure(3.4 * across, 2.5 * down)
    panels = figure.subplots(down, across, squeeze=False)
    for axes, name in zip(panels.flat, names, strict=False):
        _curve(axes, name, history)
    for axes in panels.flat[len(names) :]:
        axes.set_axis_off()
    return figure


def length_curve(lengths: Sequence[Mapping[str, float]], names: Mapping[str, str]) -> Figure:
    """Return a figure of metrics by the number of Langevin steps, on a logarithmic axis.

    Args:
        lengths: One mapping per length, with `steps` and the metrics.
        names: Display names of the metrics to draw, by key.
    """
    figure = new_figure(5.4, 3.2)
    axes = figure.subplots()
    steps = [entry["steps"] for entry in lengths]
    for group, (key, name) in enumerate(names.items()):
        colour, marker = group_style(group)
        axes.plot(steps, [entry[key] for entry in lengths], color=colour, marker=marker, markersize=4, label=name)
    axes.set_xscale("log")
    axes.set_xticks(steps, [f"{value:.0f}" for value in steps])
    axes.minorticks_off()
    axes.set_xlabel("Langevin steps between two draws of the cluster")
    axes.set_ylabel("score")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    hide_spines(axes)
    return figure


def smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a centred moving average over `SMOOTHED_SHARE` of the values, without the ends that lack a full window."""
    half = round(len(values) * SMOOTHED_SHARE / 2)
    window = np.full(2 * half + 1, 1 / (2 * half + 1))
    return np.asarray(np.convolve(values, window, "valid"), dtype=np.float64)


def contingency_figure(
    table: NDArray[np.int64], matching: NDArray[np.int64], classes: tuple[str, ...] = (), unit: str = "samples"
) -> Figure:
    """Return a figure of counts `table[cluster, class]` and their share of the cluster, with matched cells outlined.

    Args:
        table: Counts `(k, classes)`.
        matching: Class of each cluster, `(k,)`, or -1.
        classes: Class names in label order. Label numbers are shown if they are unknown.
        unit: Unit of the counts: samples or pixels.
    """
    rows, columns = table.shape
    numbered = max(rows, columns) <= LEGIBLE_CELLS
    cell, line, size = (0.62, 2.0, 10) if numbered else (min(0.13, SIDE / max(rows, columns)), 0.8, 6)
    every = max(1, math.ceil(NUMBER / cell))
    figure = new_figure(2.6 + cell * columns, 1.5 + cell * rows)
    axes = figure.subplots()
    share = 100 * table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=100)
    figure.colorbar(image, ax=axes, label="share of the cluster (%)", shrink=0.8)
    names = classes[:columns] if len(classes) >= columns else [f"{label}" for label in range(columns)]
    axes.set_xticks(range(0, columns, every), names[::every], rotation=90, fontsize=size)
    axes.set_yticks(range(0, rows, every), [f"{index + 1}" for index in range(0, rows, every)], fontsize=size)
    axes.set_xlabel("class")
    axes.set_ylabel("cluster")
    axes.set_title(f"{unit}; outlined: matched one to one", fontsize="medium")
    if numbered:
        _write_cells(axes, table, share)
    for row in np.flatnonzero(matching != UNMATCHED):
        corner = (matching[row] - 0.5, row - 0.5)
        axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=OUTLINE, linewidth=line, zorder=3))
    return figure


def _curve(axes: Axes, name: str, history: Sequence[Mapping[str, float]]) -> None:
    points = np.array([(entry["round"], entry[name]) for entry in history if name in entry], dtype=np.float64)
    points = points[np.isfinite(points).all(axis=1)]
    hide_spines(axes)
    axes.set_title(name, fontsize="medium")
    axes.set_xlabel("round")
    axes.set_ylabel("value")
    if len(points) == 0:
        return
    rounds, values = points.T
    axes.plot(rounds, values, color=RAW, linewidth=0.8, alpha=0.6)
    average = smoothed(values)
    overhang = (len(values) - len(average)) // 2
    axes.plot(rounds[overhang : len(rounds) - overhang], average, color=SMOOTH, linewidth=1.8)


def _write_cells(axes: Axes, table: NDArray[np.int64], share: NDArray[np.float64]) -> None:
    for (row, column), count in np.ndenumerate(table):
        if count:
            text = f"{_short(int(count))}\n{share[row, column]:.0f}%"
            colour = "white" if share[row, column] > DARK else "black"
            axes.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)


def _short(count: int) -> str:
    """Return a count that fits a cell: exact up to five digits, then in thousands, millions or billions."""
    if count < 100_000:
        return f"{count}"
    if count < 1_000_000:
        return f"{count / 1e3:.0f}k"
    return f"{count / 1e6:.1f}M" if count < 1_000_000_000 else f"{count / 1e9:.1f}G"
