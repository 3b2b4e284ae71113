"""SVHN, Netzer et al. 2011: cropped house numbers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from latentclust.api import SplitProtocol, decode_errors
from latentclust.bundled.datasets.array_files import read_mat
from latentclust.bundled.datasets.published_images import Part, PublishedImages, Split, concatenate_parts
from latentclust.bundled.datasets.split_protocols import SVHN

_ZERO = 10
"""Published label of the digit 0."""


class Svhn(PublishedImages):
    """99,289 digits of 32x32 pixels from house numbers, and 531,131 easier ones with `extra`.

    Example:
        ```toml
        [data]
        use = "svhn"
        split = "train"
        extra = true
        ```
    """

    summary: ClassVar[str] = "73,257 + 26,032 house-number digits (531,131 extra), 32x32 RGB, 10 classes"
    licence: ClassVar[str] = "research use"
    layout: ClassVar[str] = "svhn/{train,test,extra}_32x32.mat"
    name: ClassVar[str] = "svhn"
    marks: ClassVar[tuple[str, ...]] = ("svhn/*_32x32.mat", "SVHN/*_32x32.mat")
    origin: ClassVar[str] = "Stanford University"
    downloads: ClassVar[bool] = True
    classes: ClassVar[tuple[str, ...]] = tuple("0123456789")
    protocols: ClassVar[Mapping[str, SplitProtocol]] = SVHN

    split: Split = "all"
    """Published split that is read. `all` is train followed by test."""

    protocol: Literal["all-all", "train-test", "cgm-svhn"] | None = None
    """Named protocol of the samples to train on and to score. None: those of `split` and `evaluate.split`."""

    extra: bool = False
    """Whether the extra images follow the training images."""

    def images(self, mark: Path) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """Return images `(n, 3, 32, 32)` and labels."""
        return concatenate_parts(lambda part: self._read_part(mark.parent, part), self.split)

    def _read_part(self, folder: Path, part: Part) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        names = ("train", "extra") if self.extra and part == "train" else (part,)
        images, labels = zip(*(_read_file(folder / f"{name}_32x32.mat") for name in names), strict=True)
        return np.concatenate(images), np.concatenate(labels)

    def download(self, root: Path) -> None:
        """Download the files with the checksums of torchvision."""
        from torchvision import datasets

        for name in ("train", "test", "extra") if self.extra else ("train", "test"):
            datasets.SVHN(root / "svhn", split=name, download=True)


def _read_file(path: Path) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    images, labels = read_mat(path, "X", "y")
    assert labels is not None, "labels were requested"
    with decode_errors(path):
        return images.transpose(3, 2, 0, 1), labels.ravel().astype(np.int64) % _ZERO
