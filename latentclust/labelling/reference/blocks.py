"""Square blocks of a raster, each with a margin, for reading rasters in bounded memory."""

from dataclasses import dataclass

from rasterio.windows import Window

BLOCK = 512
"""Block size in pixels, equal to the block size of label rasters."""

MARGIN = 32
"""Number of pixels that are read around a block, within the raster, for methods that use a pixel's surroundings."""


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a raster.

    Attributes:
        window: Pixels of the block.
        wide: Pixels of the block and its margin.
    """

    window: Window
    wide: Window

    @property
    def inside(self) -> tuple[slice, slice]:
        """Rows and columns of the block, relative to `wide`."""
        top, left = self.window.row_off - self.wide.row_off, self.window.col_off - self.wide.col_off
        return slice(top, top + self.window.height), slice(left, left + self.window.width)


def split_into_blocks(height: int, width: int) -> list[Block]:
    """Return the blocks of a raster, row by row."""
    return [
        Block(_window(top, left, 0, height, width), _window(top, left, MARGIN, height, width))
        for top in range(0, height, BLOCK)
        for left in range(0, width, BLOCK)
    ]


def _window(top: int, left: int, margin: int, height: int, width: int) -> Window:
    first, before = max(0, top - margin), max(0, left - margin)
    last, after = min(height, top + BLOCK + margin), min(width, left + BLOCK + margin)
    return Window(before, first, after - before, last - first)
