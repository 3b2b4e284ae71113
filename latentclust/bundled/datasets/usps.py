"""USPS, the postal digits of Hull 1994, in three file formats."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from latentclust.api import LatentclustError, SplitProtocol, decode_errors, to_uint8
from latentclust.bundled.datasets.array_files import open_hdf5, open_npz
from latentclust.bundled.datasets.published_images import Part, PublishedImages, Split, concatenate_parts
from latentclust.bundled.datasets.split_protocols import plain

_SIDE = 16
_NPZ_SCALE = 2000.0
"""Factor of the pixel values in the npz file, which contains multiples of 1/2000 in [0, 1] as integers."""


class Usps(PublishedImages):
    """9,298 digits of 16x16 pixels from envelopes.

    Example:
        ```toml
        [data]
        use = "usps"
        size = 28
        ```
    """

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
    protocols: ClassVar[Mapping[str, SplitProtocol]] = plain("usps")

    split: Split = "all"
    """Published split that is read. `all` is train followed by test."""

    protocol: Literal["all-all", "train-test"] | None = None
    """Named protocol of the samples to train on and to score. None: those of `split` and `evaluate.split`."""

    def images(self, mark: Path) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """Return images `(n, 1, 16, 16)` and labels."""
        read = {".npz": _from_npz, ".h5": _from_hdf5}.get(mark.suffix, _from_libsvm)
        pixels, labels = concatenate_parts(lambda part: read(mark, part), self.split)
        with decode_errors(mark):
            return pixels.reshape(-1, 1, _SIDE, _SIDE), labels

    def download(self, root: Path) -> None:
        """Download the two libsvm files to usps/ with the checksums of torchvision."""
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
    """Read sparse pixel values in [-1, 1] and labels from 1 to 10."""
    from sklearn.datasets import load_svmlight_file

    path = mark if part == "train" else mark.with_name(mark.name.replace("usps", "usps.t", 1))
    if not path.is_file():
        raise LatentclustError.at(str(path), "is missing", "Download or copy the missing file")
    with decode_errors(path):
        values, labels = load_svmlight_file(str(path), n_features=_SIDE**2)
    return to_uint8(values.toarray(), -1.0, 1.0, str(path)), labels.astype(np.int64) - 1
