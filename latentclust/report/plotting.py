"""Style of all figures: size, resolution and PNG output."""

from io import BytesIO
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from latentclust.files import write_atomic

DPI = 150

MAX_SIDE = 12_000
"""Maximum width and height of a figure in pixels. Larger figures get a lower resolution."""

RAW, SMOOTH, OUTLINE = "#94a4a2", "#3f90da", "#bd1f01"


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches, drawn by Agg without global state of pyplot."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG. Raise LatentclustError if the file cannot be written."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=min(DPI, MAX_SIDE / max(figure.get_size_inches())))
    write_atomic(path, buffer.getvalue())


def hide_spines(axes: Axes) -> None:
    """Hide the upper and right sides of the frame."""
    axes.spines[["top", "right"]].set_visible(False)
