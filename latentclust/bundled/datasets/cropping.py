"""Resizing and cropping of images together with their label maps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentclust.api import VOID


@dataclass(frozen=True, slots=True)
class ImagePair:
    """An image with its label map.

    Attributes:
        image: Image `(c, h, w)`, uint8.
        labels: Label map `(h, w)`, int16, of 0-based classes or VOID. None if there is no label map.
        valid: Mask `(h, w)`, false for padding outside the original image.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.int16] | None
    valid: NDArray[np.bool_]

    @property
    def height(self) -> int:
        """Height in pixels."""
        return len(self.valid)

    @property
    def width(self) -> int:
        """Width in pixels."""
        return len(self.valid[0])


def image_pair(image: NDArray[np.uint8], labels: NDArray[np.int16] | None) -> ImagePair:
    """Return the pair of an image `(c, h, w)` and its label map `(h, w)`."""
    return ImagePair(image, labels, np.ones(image.shape[1:], np.bool_))


def resize_to(whole: ImagePair, height: int, width: int, smooth: bool = True) -> ImagePair:
    """Resize a pair: labels to the nearest pixel, the image bilinearly with antialiasing.

    Args:
        whole: Image with its label map.
        height: New height in pixels.
        width: New width in pixels.
        smooth: Whether the image is interpolated. If False, it is resampled to the nearest pixel.
    """
    if (whole.height, whole.width) == (height, width):
        return whole
    rows, columns = _nearest(whole.height, height), _nearest(whole.width, width)
    grid = np.ix_(rows, columns)
    image = _smoothed(whole.image, height, width) if smooth else whole.image[:, rows[:, np.newaxis], columns]
    return ImagePair(image, None if whole.labels is None else whole.labels[grid], whole.valid[grid])


def _nearest(length: int, wanted: int) -> NDArray[np.int64]:
    """Return the index of the old pixel that contains the centre of each of `wanted` pixels, in integer arithmetic."""
    return (2 * np.arange(wanted) + 1) * length // (2 * wanted)


def _smoothed(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    out = np.empty((len(image), height, width), np.uint8)
    for channel, plane in zip(out, image, strict=True):
        channel[...] = np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR))
    return out


def rescale(whole: ImagePair, factor: float) -> ImagePair:
    """Resize a pair by a factor. The sides are rounded to pixels."""
    return resize_to(whole, round(whole.height * factor), round(whole.width * factor))


def resize_short_side(whole: ImagePair, side: int, smooth: bool = True) -> ImagePair:
    """Resize a pair to `side` pixels on the shorter side, with the other in proportion, rounded down."""
    short = min(whole.height, whole.width)
    return resize_to(whole, whole.height * side // short, whole.width * side // short, smooth)


def centre_crop(whole: ImagePair, side: int) -> ImagePair:
    """Crop the central `side` x `side` pixels of a pair. Smaller images are padded with zeros without a label."""
    high, wide = max(side - whole.height, 0), max(side - whole.width, 0)
    around = ((high // 2, high - high // 2), (wide // 2, wide - wide // 2))
    top, left = max(whole.height - side, 0) // 2, max(whole.width - side, 0) // 2
    part = (slice(top, top + side), slice(left, left + side))
    labels = None if whole.labels is None else np.pad(whole.labels[part], around, constant_values=VOID)
    image = np.pad(whole.image[(slice(None), *part)], ((0, 0), *around))
    return ImagePair(image, labels, np.pad(whole.valid[part], around))


def full_tiles(whole: ImagePair, side: int) -> tuple[ImagePair, ...]:
    """Cut a pair into the `side` x `side` tiles that fit, row by row from the upper left. The rest is dropped."""
    corners = [
        (slice(top, top + side), slice(left, left + side))
        for top in range(0, whole.height - side + 1, side)
        for left in range(0, whole.width - side + 1, side)
    ]
    return tuple(
        ImagePair(
            whole.image[(slice(None), *part)],
            None if whole.labels is None else whole.labels[part],
            whole.valid[part],
        )
        for part in corners
    )
