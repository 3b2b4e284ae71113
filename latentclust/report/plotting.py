"""What every figure shares: size, resolution, colours, and how it becomes a PNG; no global plotting state."""

from io import BytesIO
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from latentclust.files import write_atomic

DPI = 150

PALETTE = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
"""Ten colours that stay apart under the common colour-vision deficiencies. Petroff 2021."""

MARKERS = "osD^vP*Xph"
"""A marker for each round of the palette, so that a hundred groups keep apart."""

RAW, SMOOTH, OUTLINE = "#94a4a2", "#3f90da", "#bd1f01"


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of a size in inches, drawn by Agg."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def group_style(group: int) -> tuple[str, str]:
    """Colour and marker of a group, 0-based."""
    return PALETTE[group % len(PALETTE)], MARKERS[group // len(PALETTE) % len(MARKERS)]


def hide_spines(axes: Axes) -> None:
    """Takes away the frame's upper and right sides."""
    axes.spines[["top", "right"]].set_visible(False)


def save_figure(figure: Figure, path: Path) -> None:
    """Writes a PNG; raises LatentclustError where it cannot."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    write_atomic(path, buffer.getvalue())
