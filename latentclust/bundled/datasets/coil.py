"""COIL-20 and COIL-100, Nene, Nayar and Murase 1996: objects on a turntable."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from latentclust.api import FileSource, LatentclustError
from latentclust.bundled.datasets.array_files import open_npz, read_published_hdf5
from latentclust.bundled.datasets.published_images import PublishedImages

_VIEW = re.compile(r"obj(\d+)__(\d+)")
"""Name of an image: the number of the object, from 1, and its view or angle."""


class Coil20(PublishedImages):
    """1,440 grey images of 20 objects.

    Example:
        ```toml
        [data]
        use = "coil20"
        size = 32
        ```
    """

    summary: ClassVar[str] = "1,440 images of 20 objects in 72 poses, grey, 128x128 as published"
    licence: ClassVar[str] = "research use"
    layout: ClassVar[str] = "coil-20-proc/objN__M.png, or coil20/coil20*.npz (x, y)"
    name: ClassVar[str] = "coil20"
    marks: ClassVar[tuple[str, ...]] = ("coil20/coil20*.npz", "coil-20-proc/obj1__0.png", "coil20/*/obj1__0.png")
    origin: ClassVar[str] = "Columbia University's CAVE laboratory"
    classes: ClassVar[tuple[str, ...]] = tuple(f"object {number}" for number in range(1, 21))

    def images(self, mark: Path) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """Return images `(1440, 1, h, w)` and labels."""
        return _read(mark)


class Coil100(PublishedImages):
    """7,200 colour images of 100 objects.

    Example:
        ```toml
        [data]
        use = "coil100"
        size = 32
        ```
    """

    summary: ClassVar[str] = "7,200 images of 100 objects in 72 poses, RGB, 128x128 as published"
    licence: ClassVar[str] = "research use"
    layout: ClassVar[str] = (
        "coil-100/objN__ANGLE.png, coil100/coil100*.npz (x, y) "
        "or coil100/*.h5 (data: n x 3 x 128 x 128, labels: 1 to 100)"
    )
    name: ClassVar[str] = "coil100"
    marks: ClassVar[tuple[str, ...]] = (
        "coil100/coil100*.npz",
        "coil-100/obj1__0.png",
        "coil100/*/obj1__0.png",
        "coil100/*.h5",
        "coil/coil-100.h5",
    )
    origin: ClassVar[str] = "Columbia University's CAVE laboratory"
    classes: ClassVar[tuple[str, ...]] = tuple(f"object {number}" for number in range(1, 101))

    def images(self, mark: Path) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """Return images `(7200, 3, h, w)` and labels."""
        return read_published_hdf5(mark, len(self.classes)) if mark.suffix == ".h5" else _read(mark)


def _read(mark: Path) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    return _from_npz(mark) if mark.suffix == ".npz" else _from_files(sorted(mark.parent.glob("obj*.png")))


def _from_npz(path: Path) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Read an archive in which `x` is `(n, h, w)` or `(n, h, w, c)`."""
    with open_npz(path) as file:
        images, labels = file["x"], file["y"]
    if images.dtype != np.uint8 or images.ndim not in {3, 4}:
        what = f"x must be uint8 (n, h, w) or (n, h, w, c), got {images.dtype} of shape {images.shape}"
        raise LatentclustError.at(str(path), what, "Write x with this type and shape")
    return images[:, np.newaxis] if images.ndim == 3 else images.transpose(0, 3, 1, 2), labels


def _from_files(paths: Sequence[Path]) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    views = sorted((int(m[1]), int(m[2]), path) for path in paths if (m := _VIEW.fullmatch(path.stem)))
    images = FileSource([path for _, _, path in views]).read(np.arange(len(views)))
    return images, np.array([thing - 1 for thing, _, _ in views])
