"""Images of a data set by index as PNG, shrunk and kept in memory for a while."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from io import BytesIO
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from latentclust.errors import LatentclustError
from latentclust.report.image_figures import as_colour, shrink
from latentclust.specs.data import ImageSource

THUMBNAIL, ENLARGED = 96, 1024
"""Longest side in pixels of an image on a card, and of an enlarged one. Smaller images keep their size."""

KEPT_BYTES = 2**25
"""Maximum size of the images that are kept in memory."""

WIDE = 2
"""Width of the profile of a vector by its height."""

EDGE, LINE = 0.05, 0.02
"""Margin of a profile, and the width of its line, as shares of its height."""

INK, PAPER = (63, 144, 218), (255, 255, 255)


@final
class LockedSource(ImageSource):
    """A source that one thread reads at a time, because readers of files are not made for several.

    Args:
        source: The source.
    """

    def __init__(self, source: ImageSource) -> None:
        self.shape, self.dtype, self.preprocessed = source.shape, source.dtype, source.preprocessed
        self._source, self._lock = source, threading.Lock()

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self._source)

    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return the samples of the given indices."""
        with self._lock:
            return self._source.read(indices)


@final
class Pictures:
    """Images as PNG. Vectors are drawn as profiles. Its methods may be called by several threads.

    Args:
        source: The samples.
        shown: Returns the channels of images that are shown.
    """

    def __init__(self, source: ImageSource, shown: Callable[[NDArray[Any]], NDArray[Any]]) -> None:
        self._source, self._shown = source, shown
        self._kept: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def png(self, index: int, side: int = THUMBNAIL) -> bytes:
        """Return an image as PNG of about `side` pixels at most.

        Raises:
            LatentclustError: If there is no such image, or its file is missing or damaged.
        """
        if not 0 <= index < len(self._source):
            raise LatentclustError.at("images", f"there is no image {index}", "Load the page again")
        key = (index, side)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        drawn = encode(self._shown(self._source.read(np.array([index])))[0], side)
        with self._lock:
            self._size += len(drawn) - len(self._kept.pop(key, b""))
            self._kept[key] = drawn
            while self._size > KEPT_BYTES and len(self._kept) > 1:
                self._size -= len(self._kept.popitem(last=False)[1])
        return drawn


def encode(sample: NDArray[Any], side: int) -> bytes:
    """Return an image `(c, h, w)`, or the profile of a vector `(d,)`, as PNG."""
    if sample.ndim == 1:
        picture = profile(sample, side)
    else:
        colour = np.rint(as_colour(shrink(sample, side)) * 255).astype(np.uint8)
        picture = Image.fromarray(colour)
        picture.thumbnail((side, side))
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def profile(vector: NDArray[Any], height: int) -> Image.Image:
    """Return the values of a vector as a line from its smallest to its largest value, twice as wide as high."""
    width, edge = WIDE * height, EDGE * height
    picture = Image.new("RGB", (width, height), PAPER)
    low, high = float(vector.min()), float(vector.max())
    scaled = (vector - low) / (high - low) if high > low else np.full(len(vector), 0.5)
    across = np.linspace(edge, width - edge, max(2, len(vector)))
    down = height - edge - np.resize(scaled, len(across)) * (height - 2 * edge)
    points = [(float(x), float(y)) for x, y in zip(across, down, strict=True)]
    ImageDraw.Draw(picture).line(points, INK, max(1, round(LINE * height)), joint="curve")
    return picture
