"""A raster cut into square blocks, each with a margin about it, so that it is gone through in bounded memory."""

from dataclasses import dataclass

from rasterio.windows import Window

BLOCK = 512
"""Side of a block, pixels; that of the blocks of label rasters."""

MARGIN = 32
"""Pixels read about a block, where the raster has them, for what looks at the surroundings of a pixel."""


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a raster.

    Attributes:
        window: Its pixels.
        wide: The same with the margin.
    """

    window: Window
    wide: Window

    @property
    def inside(self) -> tuple[slice, slice]:
        """Rows and columns of the block within `wide`."""
        top, left = self.window.row_off - self.wide.row_off, self.window.col_off - self.wide.col_off
        return slice(top, top + self.window.height), slice(left, left + self.window.width)


def blocks_of(height: int, width: int) -> list[Block]:
    """The blocks of a raster of so many pixels, row by row."""
    return [
        Block(_window(top, left, 0, height, width), _window(top, left, MARGIN, height, width))
        for top in range(0, height, BLOCK)
        for left in range(0, width, BLOCK)
    ]


def _window(top: int, left: int, margin: int, height: int, width: int) -> Window:
    first, before = max(0, top - margin), max(0, left - margin)
    last, after = min(height, top + BLOCK + margin), min(width, left + BLOCK + margin)
    return Window(before, first, after - before, last - first)
