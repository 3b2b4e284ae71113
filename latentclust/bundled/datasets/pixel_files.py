"""Image files, read and checked."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentclust.api import LatentclustError, decode_errors, image_to_array

_DEEP = ("I", "F")
"""How the modes of more than 8 bits a channel begin."""


def image_mode(path: Path) -> str:
    """`L` where an image file is grey, else `RGB`; reads the header alone.

    Raises:
        LatentclustError: a file that is no image, or has more than 8 bits a channel.
    """
    with _header(path) as file:
        mode = file.mode
    if mode.startswith(_DEEP):
        raise LatentclustError.at(str(path), f"more than 8 bits a channel (mode {mode})", "Convert it to 8 bits")
    return "L" if mode in {"1", "L", "LA"} else "RGB"


def image_extent(path: Path) -> tuple[int, int]:
    """Height and width of an image file, pixels; raises LatentclustError where it is no image."""
    with _header(path) as file:
        return file.height, file.width


@contextmanager
def _header(path: Path) -> Iterator[Image.Image]:
    with decode_errors(path, "Replace it by an image, or take it away"), Image.open(path) as file:
        yield file


def read_image(path: Path, mode: str = "RGB") -> NDArray[np.uint8]:
    """An image `(c, h, w)`; raises LatentclustError on a damaged file, or on more than 8 bits a channel."""
    image_mode(path)
    with decode_errors(path), Image.open(path) as file:
        return image_to_array(file, mode)


def check_alike(image: NDArray[Any], labels: NDArray[Any], image_path: Path, labels_path: Path) -> None:
    """Raises LatentclustError where an image `(c, h, w)` and its label map `(h, w)` differ in size."""
    (height, width), (rows, columns) = image.shape[-2:], labels.shape
    if (height, width) != (rows, columns):
        what = f"is {columns}x{rows}, and its image {image_path.name} is {width}x{height}"
        raise LatentclustError.at(str(labels_path), what, "Give the two one size, pixel on pixel")
