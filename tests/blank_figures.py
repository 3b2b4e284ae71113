"""Figures of runs that are saved blank: drawing them takes most of the time of a small run."""

from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from latentclust.files import write_atomic

SIDE = 64
"""Width and height of a blank figure in pixels."""


def save_blank(figure: Any, path: Path) -> None:
    """Write a blank PNG where the figure would be."""
    content = BytesIO()
    Image.new("L", (SIDE, SIDE), 255).save(content, format="PNG")
    write_atomic(path, content.getvalue())
