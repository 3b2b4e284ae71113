"""The optical digits of Alpaydin and Kaynak 1998, as scikit-learn ships them."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from latentclust.api import ImageSet
from latentclust.bundled.datasets.published_images import PublishedImages
from latentclust.bundled.datasets.scaling import to_uint8

_INK = 16.0
"""The greatest pixel value: black pixels of a 4x4 block of the scan."""


class Digits(PublishedImages):
    """1,797 handwritten digits of 8x8 pixels; always at hand, for scikit-learn carries them."""

    summary: ClassVar[str] = "1,797 handwritten digits, 8x8 grey, 10 classes"
    licence: ClassVar[str] = "CC BY 4.0"
    layout: ClassVar[str] = "nothing: scikit-learn carries it"
    name: ClassVar[str] = "digits"
    marks: ClassVar[tuple[str, ...]] = ("digits.csv.gz",)
    origin: ClassVar[str] = "scikit-learn"
    classes: ClassVar[tuple[str, ...]] = tuple("0123456789")

    def located(self, roots: tuple[Path, ...]) -> Path | None:
        """scikit-learn's own file; the roots are not looked at."""
        from sklearn.datasets import data

        return super().located((Path(data.__path__[0]),))

    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        """Opens scikit-learn's copy."""
        return self.read(Path("digits"))

    def fetch(self, root: Path) -> None:
        """Nothing: it came with scikit-learn."""

    def images(self, mark: Path) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """Images `(1797, 1, 8, 8)` and labels."""
        from sklearn.datasets import load_digits

        bunch = load_digits()
        return to_uint8(bunch.images[:, np.newaxis], 0.0, _INK, str(mark)), bunch.target
