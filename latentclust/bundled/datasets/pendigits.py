"""Pen-based digits, Alpaydin and Alimoglu 1996: eight resampled pen positions per digit."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from latentclust.api import ArraySource, ImageSet, LatentclustError, SplitProtocol, decode_errors, image_set, to_unit
from latentclust.bundled.datasets.published_images import Part, Published, Split, concatenate_parts
from latentclust.bundled.datasets.split_protocols import PENDIGITS

_FEATURES = 16
_TABLET = 100.0
"""Largest coordinate."""

_FILES: dict[Part, str] = {"train": "pendigits.tra", "test": "pendigits.tes"}


class Pendigits(Published):
    """10,992 digits as vectors of 16 coordinates in [0, 1].

    Example:
        ```toml
        [data]
        use = "pendigits"
        split = "train"
        ```
    """

    summary: ClassVar[str] = "7,494 + 3,498 pen-drawn digits, 16 features, 10 classes"
    licence: ClassVar[str] = "CC BY 4.0"
    layout: ClassVar[str] = "pendigits/pendigits.{tra,tes}"
    name: ClassVar[str] = "pendigits"
    marks: ClassVar[tuple[str, ...]] = ("pendigits/pendigits.tra", "pendigits/pendigits.tes")
    origin: ClassVar[str] = "the UCI Machine Learning Repository"
    protocols: ClassVar[Mapping[str, SplitProtocol]] = PENDIGITS

    split: Split = "all"
    """Published split that is read. `all` is train followed by test."""

    protocol: Literal["all-all", "train-test", "clustergan-pendigits", "dls-pendigits-1000"] | None = None
    """Named protocol of the samples to train on and to score. None: those of `split` and `evaluate.split`."""

    def read(self, mark: Path) -> ImageSet:
        """Return vectors `(n, 16)` and labels."""
        vectors, labels = concatenate_parts(lambda part: _read_part(mark.with_name(_FILES[part])), self.split)
        return image_set(ArraySource(vectors, str(mark)), labels, tuple("0123456789"), str(mark))


def _read_part(path: Path) -> tuple[NDArray[np.float32], NDArray[Any]]:
    with decode_errors(path):
        table = np.loadtxt(path.read_text(encoding="ascii").splitlines(), delimiter=",", dtype=np.int64, ndmin=2)
    if table.shape[1] != _FEATURES + 1:
        what = f"{table.shape[1]} columns, not {_FEATURES} coordinates and a digit"
        raise LatentclustError.at(str(path), what, "Download or copy the file again")
    return to_unit(table[:, :-1], 0.0, _TABLET, str(path)), table[:, -1]
