"""Labelled part of STL-10, Coates, Lee and Ng 2011."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from latentclust.api import LatentclustError, SplitProtocol, decode_errors
from latentclust.bundled.datasets.published_images import Part, PublishedImages, Split, concatenate_parts
from latentclust.bundled.datasets.split_protocols import plain

_SHAPE = (3, 96, 96)


class Stl10(PublishedImages):
    """13,000 labelled photographs of 96x96 pixels. Unlabelled photographs are not read.

    Example:
        ```toml
        [data]
        use = "stl10"
        size = 64
        ```
    """

    summary: ClassVar[str] = "5,000 + 8,000 photographs, 96x96 RGB, 10 classes"
    licence: ClassVar[str] = "research use"
    layout: ClassVar[str] = "stl10_binary/{train,test}_{X,y}.bin"
    name: ClassVar[str] = "stl10"
    marks: ClassVar[tuple[str, ...]] = ("stl10_binary/*_X.bin", "stl10/stl10_binary/*_X.bin", "stl10/*_X.bin")
    origin: ClassVar[str] = "Stanford University"
    protocols: ClassVar[Mapping[str, SplitProtocol]] = plain("stl10")
    downloads: ClassVar[bool] = True
    classes: ClassVar[tuple[str, ...]] = (
        "airplane",
        "bird",
        "car",
        "cat",
        "deer",
        "dog",
        "horse",
        "monkey",
        "ship",
        "truck",
    )

    split: Split = "all"
    """Published split that is read. `all` is train followed by test."""

    protocol: Literal["all-all", "train-test"] | None = None
    """Named protocol of the samples to train on and to score. None: those of `split` and `evaluate.split`."""

    def images(self, mark: Path) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """Return images `(n, 3, 96, 96)` and labels."""
        return concatenate_parts(lambda part: _read_part(mark.parent, part), self.split)

    def download(self, root: Path) -> None:
        """Download and unpack the archive with the checksum of torchvision."""
        from torchvision import datasets

        datasets.STL10(root, split="train", download=True)


def _read_part(folder: Path, part: Part) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Read a part. Images are stored column by column, and labels count from 1."""
    path = folder / f"{part}_X.bin"
    with decode_errors(path):
        content = np.fromfile(path, np.uint8)
    with decode_errors(folder / f"{part}_y.bin"):
        labels = np.fromfile(folder / f"{part}_y.bin", np.uint8)
    if not len(content) or len(content) % np.prod(_SHAPE):
        what = f"{len(content)} bytes are not a multiple of the image size {np.prod(_SHAPE)}"
        raise LatentclustError.at(str(path), what, "Download or copy the file again")
    return content.reshape(-1, *_SHAPE).transpose(0, 1, 3, 2), labels.astype(np.int64) - 1
