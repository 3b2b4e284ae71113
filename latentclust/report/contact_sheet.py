"""Contact sheets: one row of sample patches per cluster, for naming the clusters of a model."""

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
"""Approximate size of a patch in pixels of the figure, the unit of all lengths here. Larger patches keep theirs."""

TALLEST = 60_000
"""Maximum height. Taller sheets are subsampled, because Agg draws at most 65,536 pixels."""

GAP = 9
"""Gap between patches."""

EDGE = 20
"""Margin of the sheet."""

TITLE = 50
"""Height of the title."""

SWATCH = 24
"""Width of the colour of a cluster."""

LETTER = 13
"""Width of a letter of a row label."""

LONGEST = 28
"""Maximum number of letters of a name."""

LINE = 2
"""Width of an outline, at most one pixel of the scene."""

DIM = 0.5
"""Share of the brightness that remains outside the cluster."""

STRETCH = (2.0, 98.0)
"""Percentiles of each band, over all patches, that become black and white."""

LEAST = 0.001
"""Smallest share that is printed exactly. Smaller ones are printed as `<`, except 0."""

LEVELS = 255
PALE = "0.4"


@dataclass(frozen=True, slots=True)
class Patch:
    """A square of a scene around a pixel of a cluster.

    Attributes:
        image: Pixel values `(c, s, s)`. Three bands or more are shown in colour, fewer in grey.
        inside: Mask `(s, s)` of the pixels in the cluster.
        valid: Mask `(s, s)` of the pixels that are valid and within the scene.
    """

    image: NDArray[np.uint8]
    inside: NDArray[np.bool_]
    valid: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ContactRow:
    """A cluster on the sheet.

    Attributes:
        number: Number of the cluster, from 1.
        name: Name of the cluster.
        colour: Colour as `#rrggbb`.
        share: Share of the pixels that were read, in [0, 1].
        patches: Patches, at most one per column. Empty if the cluster did not occur.
    """

    number: int
    name: str
    colour: str
    share: float
    patches: Sequence[Patch]


def contact_sheet(rows: Sequence[ContactRow], columns: int, size: int, title: str) -> Figure:
    """Return a figure with one row per cluster: number, name, colour, share of pixels and patches, outlined.

    Args:
        rows: Clusters in order. At least one must have a patch.
        columns: Number of patches per row.
        size: Size of a patch in pixels.
        title: Title above the sheet.
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
    """Draw a cluster's colour, number, name and share left of its row, and a note in a row without patches."""
    left, top = corner
    axes.add_patch(Rectangle((left - SWATCH - GAP, top), SWATCH, side, color=row.colour))
    texts: list[tuple[float, str, dict[str, Any]]] = [
        (0.25, f"{row.number}", {"weight": "bold", "fontsize": "x-large"}),
        (0.52, name, {}),
        (0.75, _share(row.share), {"color": PALE}),
    ]
    for height, words, style in texts:
        axes.text(left - SWATCH - 2 * GAP, top + height * side, words, ha="right", va="center", **style)
    if not row.patches:
        axes.text(left + EDGE, top + side / 2, "does not occur in the windows read", va="center", color=PALE)


def _canvas(rows: Sequence[ContactRow], columns: int, size: int, scale: int) -> UInt8[np.ndarray, "h w 3"]:
    """Return all patches on white, each enlarged `scale` times."""
    side = size * scale
    limits = _limits(rows)
    canvas = np.full((len(rows) * (side + GAP) - GAP, columns * (side + GAP) - GAP, 3), LEVELS, np.uint8)
    for down, row in enumerate(rows):
        for across, patch in enumerate(row.patches):
            top, left = down * (side + GAP), across * (side + GAP)
            canvas[top : top + side, left : left + side] = _drawn(patch, row.colour, scale, limits)
    return canvas


def _drawn(patch: Patch, colour: str, scale: int, limits: NDArray[np.float64]) -> UInt8[np.ndarray, "s s 3"]:
    """Return a patch dimmed outside the cluster, with the cluster's border in its colour and nodata pixels in white."""
    low, high = limits[..., np.newaxis, np.newaxis]
    image = as_colour(np.clip((patch.image - low) / (high - low), 0, 1).astype(np.float32))
    shown = np.where(patch.inside[..., np.newaxis], image, DIM * image)
    shown[~patch.valid] = 1
    large, inside, valid = (_enlarged(array, scale) for array in (shown, patch.inside, patch.valid))
    large[binary_dilation(inside, iterations=min(LINE, scale)) & ~inside & valid] = to_rgb(colour)
    drawn: NDArray[np.uint8] = np.rint(large * LEVELS).astype(np.uint8)
    return drawn


def _limits(rows: Sequence[ContactRow]) -> NDArray[np.float64]:
    """Return the values of each band that become black and white, `(2, c)`."""
    seen = [patch.image[:, patch.valid] for row in rows for patch in row.patches]
    low, high = np.percentile(np.concatenate(seen, axis=1), STRETCH, axis=1)
    return np.stack([low, np.maximum(high, low + 1)])


def _enlarged(array: NDArray[Any], scale: int) -> NDArray[Any]:
    return array.repeat(scale, axis=0).repeat(scale, axis=1)


def _share(share: float) -> str:
    return f"{share:.1%} of pixels" if not 0 < share < LEAST else f"< {LEAST:.1%} of pixels"


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
