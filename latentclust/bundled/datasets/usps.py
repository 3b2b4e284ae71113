"""USPS, the postal digits of Hull 1994, in the three forms in which they are passed on."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from latentclust.api import LatentclustError, decode_errors
from latentclust.bundled.datasets.hdf5 import open_hdf5
from latentclust.bundled.datasets.npz import open_npz
from latentclust.bundled.datasets.published_images import Part, PublishedImages, Split, joined
from latentclust.bundled.datasets.scaling import to_uint8

_SIDE = 16
_NPZ_SCALE = 2000.0
"""The npz file keeps pixel values in [0, 1] as whole multiples of 1/2000."""


class Usps(PublishedImages):
    """9,298 digits of 16x16 pixels from envelopes."""

    summary: ClassVar[str] = "7,291 + 2,007 handwritten digits, 16x16 grey, 10 classes"
    licence: ClassVar[str] = "research use"
    layout: ClassVar[str] = (
        "usps/{usps,usps.t}[.bz2] (libsvm text), usps/usps.npz (x_times_2000, y, n_train) or usps/usps.h5"
    )
    name: ClassVar[str] = "usps"
    marks: ClassVar[tuple[str, ...]] = (
        "usps/usps.npz",
        "usps/usps.h5",
        "usps/usps.bz2",
        "usps/usps",
        "usps.bz2",
    )
    origin: ClassVar[str] = "the LIBSVM data collection"
    downloads: ClassVar[bool] = True
    classes: ClassVar[tuple[str, ...]] = tuple("0123456789")

    split: Split = "all"
    """Which of the authors' parts are read; `all` is train followed by test."""

    def images(self, mark: Path) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """Images `(n, 1, 16, 16)` and labels."""
        read = {".npz": _from_npz, ".h5": _from_hdf5}.get(mark.suffix, _from_libsvm)
        pixels, labels = joined(lambda part: read(mark, part), self.split)
        with decode_errors(mark):
            return pixels.reshape(-1, 1, _SIDE, _SIDE), labels

    def download(self, root: Path) -> None:
        """Gets the two libsvm files into usps/ by torchvision's checked download."""
        from torchvision import datasets

        for train in (True, False):
            datasets.USPS(root / "usps", train=train, download=True)


def _from_npz(path: Path, part: Part) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    with open_npz(path) as file:
        cut = int(file["n_train"])
        rows = slice(cut) if part == "train" else slice(cut, None)
        values, labels = file["x_times_2000"][rows], file["y"][rows]
    return to_uint8(values, 0.0, _NPZ_SCALE, str(path)), labels


def _from_hdf5(path: Path, part: Part) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    with open_hdf5(path) as file:
        values, labels = file[part]["data"][...], file[part]["target"][...]
    return to_uint8(values, 0.0, 1.0, str(path)), labels


def _from_libsvm(mark: Path, part: Part) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Pixel values in [-1, 1], zeros left out; labels from 1 to 10."""
    from sklearn.datasets import load_svmlight_file

    path = mark if part == "train" else mark.with_name(mark.name.replace("usps", "usps.t", 1))
    if not path.is_file():
        raise LatentclustError.at(str(path), "is absent", "Fetch or copy the missing file")
    with decode_errors(path):
        values, labels = load_svmlight_file(str(path), n_features=_SIDE**2)
    return to_uint8(values.toarray(), -1.0, 1.0, str(path)), labels.astype(np.int64) - 1
