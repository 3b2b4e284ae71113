"""A sheet of patches, a row a cluster, by which an analyst names the clusters of a model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import UInt8
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from latentclust.report.image_figures import as_colour
from latentclust.report.plotting import DPI, new_figure

CELL = 192
"""About the side of a patch on the sheet, in pixels of the figure, as are all lengths here; larger ones keep theirs."""

TALLEST = 60_000
"""Beyond this height every other pixel is left out, or more: Agg draws no more than 65,536."""

GAP = 9
"""Between patches."""

EDGE = 20
"""About the sheet."""

TITLE = 50
"""Height of the title."""

SWATCH = 24
"""Width of a cluster's colour."""

LETTER = 13
"""Width of a letter beside a row."""

LONGEST = 28
"""Letters of a name that are shown."""

LINE = 2
"""Width of an outline; a pixel of the scene at the most."""

DIM = 0.5
"""What remains of the brightness outside the cluster."""

STRETCH = (2.0, 98.0)
"""Percentiles of each band, over all patches, that become black and white."""

LEAST = 0.001
"""Lesser shares, but 0, are not told exactly."""

LEVELS = 255
PALE = "0.4"


@dataclass(frozen=True, slots=True)
class Patch:
    """A square about a pixel of a cluster.

    Attributes:
        image: `(c, s, s)`; of three bands or more in colour, else grey.
        inside: Which pixels are of the cluster, `(s, s)`.
        valid: Which pixels are data and within the scene, `(s, s)`.
    """

    image: NDArray[np.uint8]
    inside: NDArray[np.bool_]
    valid: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ContactRow:
    """A cluster on the sheet.

    Attributes:
        number: Counted from 1.
        name: What it is called.
        colour: `#rrggbb`.
        share: Of all pixels that were seen.
        patches: At most so many as there are columns; none of a cluster that was not seen.
    """

    number: int
    name: str
    colour: str
    share: float
    patches: Sequence[Patch]


def contact_sheet(rows: Sequence[ContactRow], columns: int, size: int, title: str) -> Figure:
    """A row a cluster: its number, name, colour and share of pixels, then patches with the cluster outlined.

    Args:
        rows: The clusters in order, one of them at least with a patch.
        columns: Patches a row.
        size: Side of a patch, pixels.
        title: Above the sheet.
    """
    canvas = _canvas(rows, columns, size, max(1, round(CELL / size)))
    step = -(-len(canvas) // TALLEST)
    canvas = canvas[::step, ::step]
    pitch = (len(canvas) + GAP / step) / len(rows)
    names = [_shortened(row.name) for row in rows]
    left = float(EDGE + LETTER * max(len("100.0% of pixels"), *map(len, names)) + SWATCH + GAP)
    width, height = max(left + canvas.shape[1], EDGE + LETTER * len(title)) + EDGE, TITLE + len(canvas) + EDGE
    figure = new_figure(width / DPI, height / DPI)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(canvas, extent=(left, left + canvas.shape[1], TITLE + len(canvas), TITLE), interpolation="nearest")
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    axes.text(EDGE, TITLE / 2, title, va="center")
    for index, (row, name) in enumerate(zip(rows, names, strict=True)):
        _label(axes, row, name, (left, TITLE + index * pitch), pitch - GAP / step)
    return figure


def _label(axes: Axes, row: ContactRow, name: str, corner: tuple[float, float], side: float) -> None:
    """A cluster's colour, number, name and share, to the left of its row; and across it where it was not seen."""
    left, top = corner
    axes.add_patch(Rectangle((left - SWATCH - GAP, top), SWATCH, side, color=row.colour))
    beside: list[tuple[float, str, dict[str, Any]]] = [
        (0.25, f"{row.number}", {"weight": "bold", "fontsize": "x-large"}),
        (0.52, name, {}),
        (0.75, _share(row.share), {"color": PALE}),
    ]
    for height, words, style in beside:
        axes.text(left - SWATCH - 2 * GAP, top + height * side, words, ha="right", va="center", **style)
    if not row.patches:
        axes.text(left + EDGE, top + side / 2, "does not occur in what was read", va="center", color=PALE)


def _canvas(rows: Sequence[ContactRow], columns: int, size: int, scale: int) -> UInt8[np.ndarray, "h w 3"]:
    """All patches, each `scale` times enlarged, on white."""
    side = size * scale
    limits = _limits(rows)
    canvas = np.full((len(rows) * (side + GAP) - GAP, columns * (side + GAP) - GAP, 3), LEVELS, np.uint8)
    for down, row in enumerate(rows):
        for across, patch in enumerate(row.patches):
            top, left = down * (side + GAP), across * (side + GAP)
            canvas[top : top + side, left : left + side] = _drawn(patch, row.colour, scale, limits)
    return canvas


def _drawn(patch: Patch, colour: str, scale: int, limits: NDArray[np.float64]) -> UInt8[np.ndarray, "s s 3"]:
    """A patch dimmed outside the cluster, the cluster's border in its colour; white where there is no data."""
    low, high = limits[..., np.newaxis, np.newaxis]
    image = as_colour(np.clip((patch.image - low) / (high - low), 0, 1).astype(np.float32))
    shown = np.where(patch.inside[..., np.newaxis], image, DIM * image)
    shown[~patch.valid] = 1
    large, inside, valid = (_enlarged(array, scale) for array in (shown, patch.inside, patch.valid))
    large[binary_dilation(inside, iterations=min(LINE, scale)) & ~inside & valid] = to_rgb(colour)
    drawn: NDArray[np.uint8] = np.rint(large * LEVELS).astype(np.uint8)
    return drawn


def _limits(rows: Sequence[ContactRow]) -> NDArray[np.float64]:
    """What becomes black and what white in each band, `(2, c)`."""
    seen = [patch.image[:, patch.valid] for row in rows for patch in row.patches]
    low, high = np.percentile(np.concatenate(seen, axis=1), STRETCH, axis=1)
    return np.stack([low, np.maximum(high, low + 1)])


def _enlarged(array: NDArray[Any], scale: int) -> NDArray[Any]:
    return array.repeat(scale, axis=0).repeat(scale, axis=1)


def _share(share: float) -> str:
    return f"{share:.1%} of pixels" if not 0 < share < LEAST else f"< {LEAST:.1%} of pixels"


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
