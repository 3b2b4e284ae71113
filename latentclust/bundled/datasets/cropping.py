"""Resampling and cutting of an image together with its label map."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentclust.api import VOID


@dataclass(frozen=True, slots=True)
class Frame:
    """An image with its label map.

    Attributes:
        image: uint8 `(c, h, w)`.
        labels: int16 `(h, w)`: 0-based classes, or VOID; None where there are none.
        inside: Bool `(h, w)`: false where the frame reaches beyond the image.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.int16] | None
    inside: NDArray[np.bool_]

    @property
    def height(self) -> int:
        """Rows."""
        return len(self.inside)

    @property
    def width(self) -> int:
        """Columns."""
        return len(self.inside[0])


def frame(image: NDArray[np.uint8], labels: NDArray[np.int16] | None) -> Frame:
    """A whole image `(c, h, w)` with its label map `(h, w)`."""
    return Frame(image, labels, np.ones(image.shape[1:], np.bool_))


def brought_to(whole: Frame, height: int, width: int, smooth: bool = True) -> Frame:
    """A frame resampled to `height` x `width`: labels to the nearest, the image bilinearly with antialiasing.

    Args:
        whole: The frame.
        height: Rows wanted.
        width: Columns wanted.
        smooth: False takes the nearest pixel of the image too.
    """
    if (whole.height, whole.width) == (height, width):
        return whole
    rows, columns = _nearest(whole.height, height), _nearest(whole.width, width)
    grid = np.ix_(rows, columns)
    image = _smoothed(whole.image, height, width) if smooth else whole.image[:, rows[:, np.newaxis], columns]
    return Frame(image, None if whole.labels is None else whole.labels[grid], whole.inside[grid])


def _nearest(length: int, wanted: int) -> NDArray[np.int64]:
    """For each of `wanted` pixels the old pixel in which its centre lies, in whole numbers."""
    return (2 * np.arange(wanted) + 1) * length // (2 * wanted)


def _smoothed(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    out = np.empty((len(image), height, width), np.uint8)
    for channel, plane in zip(out, image, strict=True):
        channel[...] = np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR))
    return out


def scaled(whole: Frame, factor: float) -> Frame:
    """A frame scaled by a factor; its sides are rounded to whole pixels."""
    return brought_to(whole, round(whole.height * factor), round(whole.width * factor))


def short_side_to(whole: Frame, side: int, smooth: bool = True) -> Frame:
    """A frame whose shorter side is brought to `side` pixels, the other in proportion, rounded down."""
    short = min(whole.height, whole.width)
    return brought_to(whole, whole.height * side // short, whole.width * side // short, smooth)


def centred(whole: Frame, side: int) -> Frame:
    """The middle `side` x `side` pixels of a frame; where it is smaller, zeros without label surround it."""
    high, wide = max(side - whole.height, 0), max(side - whole.width, 0)
    around = ((high // 2, high - high // 2), (wide // 2, wide - wide // 2))
    top, left = max(whole.height - side, 0) // 2, max(whole.width - side, 0) // 2
    part = (slice(top, top + side), slice(left, left + side))
    labels = None if whole.labels is None else np.pad(whole.labels[part], around, constant_values=VOID)
    image = np.pad(whole.image[(slice(None), *part)], ((0, 0), *around))
    return Frame(image, labels, np.pad(whole.inside[part], around))


def whole_tiles(whole: Frame, side: int) -> tuple[Frame, ...]:
    """The `side` x `side` squares that fit in a frame, row by row from its upper left; the rest is left out."""
    corners = [
        (slice(top, top + side), slice(left, left + side))
        for top in range(0, whole.height - side + 1, side)
        for left in range(0, whole.width - side + 1, side)
    ]
    return tuple(
        Frame(
            whole.image[(slice(None), *part)],
            None if whole.labels is None else whole.labels[part],
            whole.inside[part],
        )
        for part in corners
    )
