"""Small pictures of samples in sprite sheets: few images that hold many, whose size is bounded."""

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from jaxtyping import UInt8
from PIL import Image

ACROSS = 32
"""Number of pictures in a row of a sheet. Positions do not depend on the size of the pictures."""

PER_SHEET = 512
"""Number of pictures of a sheet. A browser decodes a sheet as a whole."""

SIDES = (96, 80, 64, 56, 48, 40, 32, 24, 16, 12, 8, 6, 4)
"""Maximum sides of pictures in pixels, the largest first."""

MAX_PIXELS = 12_000_000
"""Maximum number of pixels of all sheets, which bounds the time to encode them."""

LOSSLESS = 32
"""Side in pixels up to which pictures are kept exactly if they fit. Compression artefacts hide small ones."""

QUALITIES = (80, 50)
"""Qualities of lossy sheets, the best first."""

SPEED = 2
"""Effort of the WebP encoder, from 0 to 6."""

DISPLAYED = 50
"""Approximate size of a picture on the page in CSS pixels. Pictures are enlarged by whole factors."""

Pictures = UInt8[np.ndarray, "n h w 3"]


@dataclass(frozen=True, slots=True)
class Atlas:
    """Pictures of one size in sprite sheets. The picture of a slot has a fixed place, row by row.

    Attributes:
        sheets: Sheets as image files.
        mime: Media type of the sheets.
        width: Width of a picture in pixels.
        height: Height of a picture in pixels.
        exact: Whether the sheets hold the pixels exactly.
    """

    sheets: tuple[bytes, ...]
    mime: str
    width: int
    height: int
    exact: bool

    @property
    def zoom(self) -> int:
        """Factor by which pictures are enlarged on the page."""
        return max(1, round(DISPLAYED / max(self.width, self.height)))

    @property
    def encoded_bytes(self) -> int:
        """Number of bytes of the sheets in the page."""
        return sum(_encoded(len(sheet)) for sheet in self.sheets)

    def css(self) -> str:
        """Return the rules of the classes `sheet-0`, `sheet-1` …, which show a sheet as background, and the sizes."""
        smooth = "pixelated" if self.zoom > 1 else "auto"
        root = (
            f":root{{--thumb-w:{self.width};--thumb-h:{self.height};--thumb-across:{ACROSS};--thumb-zoom:{self.zoom};"
            f"--thumb-rendering:{smooth}}}"
        )
        rules = [
            f'.sheet-{number}{{background-image:url("data:{self.mime};base64,{base64.b64encode(sheet).decode()}")}}'
            for number, sheet in enumerate(self.sheets)
        ]
        return "\n".join([root, *rules])


def place(slot: int) -> tuple[int, int, int]:
    """Return the sheet, the column and the row of a picture."""
    return slot // PER_SHEET, slot % PER_SHEET % ACROSS, slot % PER_SHEET // ACROSS


def largest_side(count: int) -> int:
    """Return the largest side of `count` pictures that leaves at most `MAX_PIXELS` pixels in all."""
    return next((side for side in SIDES if count * side**2 <= MAX_PIXELS), SIDES[-1])


def make_atlas(pictures: Pictures, budget: int) -> Atlas:
    """Return pictures in sheets of at most `budget` bytes in the page, base64 included.

    Pictures of at most `LOSSLESS` pixels are kept exactly if they fit. Otherwise the quality is lowered first, and then
    the size. The smallest pictures, of 4 pixels, have no bound: 5,000 of them take at most 0.3 MB.

    Args:
        pictures: Pictures `(n, h, w, 3)`.
        budget: Maximum number of bytes.
    """
    side = max(pictures.shape[1:3])
    if side <= LOSSLESS and (exact := _encode(pictures, None)).encoded_bytes <= budget:
        return exact
    largest = min(side, largest_side(len(pictures)))
    for limit in (largest, *(smaller for smaller in SIDES if smaller < largest)):
        shrunk = shrink_pictures(pictures, limit)
        for quality in QUALITIES:
            made = _encode(shrunk, quality)
            if made.encoded_bytes <= budget:
                return made
    return made


def shrink_pictures(pictures: Pictures, side: int) -> UInt8[np.ndarray, "n y x 3"]:
    """Return pictures of at most `side` pixels, averaged over the area of each new pixel."""
    height, width = pictures.shape[1:3]
    scale = side / max(height, width)
    if scale >= 1:
        return pictures
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.stack([np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX)) for picture in pictures])


def _encode(pictures: Pictures, quality: int | None) -> Atlas:
    height, width = pictures.shape[1:3]
    sheets = [_sheet(pictures[at : at + PER_SHEET], quality) for at in range(0, len(pictures), PER_SHEET)]
    mime = "image/png" if quality is None else "image/webp"
    return Atlas(tuple(sheets), mime, width, height, quality is None)


def _sheet(pictures: Pictures, quality: int | None) -> bytes:
    count, height, width = pictures.shape[:3]
    rows = math.ceil(count / ACROSS)
    cells = np.zeros((rows * ACROSS, height, width, 3), dtype=np.uint8)
    cells[:count] = pictures
    canvas = cells.reshape(rows, ACROSS, height, width, 3).swapaxes(1, 2).reshape(rows * height, ACROSS * width, 3)
    grey = (canvas[..., 0] == canvas[..., 1]).all() and (canvas[..., 0] == canvas[..., 2]).all()
    image = Image.fromarray(np.ascontiguousarray(canvas[..., 0]) if grey else np.ascontiguousarray(canvas))
    buffer = BytesIO()
    if quality is None:
        image.save(buffer, "PNG", optimize=False)
    else:
        image.save(buffer, "WEBP", quality=quality, method=SPEED)
    return buffer.getvalue()


def _encoded(count: int) -> int:
    """Return the number of base64 characters of `count` bytes."""
    return 4 * math.ceil(count / 3)


def shorten_to_budget(texts: Sequence[str], budget: int) -> list[str]:
    """Return texts of at most `budget` bytes in all, which are shortened in the middle if they must be."""
    limit = max(map(len, texts), default=0)
    while limit > 1 and sum(len(_shortened(text, limit).encode("utf-8", "replace")) for text in texts) > budget:
        limit = limit * 3 // 4
    return [_shortened(text, limit) for text in texts]


def _shortened(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    head = (limit - 1) // 2
    return f"{text[:head]}…{text[len(text) - (limit - 1 - head) :]}"
