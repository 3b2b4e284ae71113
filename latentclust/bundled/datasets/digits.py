"""Optical digits of Alpaydin and Kaynak 1998, shipped with scikit-learn."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from latentclust.api import ImageSet, to_uint8
from latentclust.bundled.datasets.published_images import PublishedImages

_INK = 16.0
"""Largest pixel value: the number of black pixels in a 4x4 block of the scan."""


class Digits(PublishedImages):
    """1,797 handwritten digits of 8x8 pixels, which are installed with scikit-learn.

    Example:
        ```toml
        [data]
        use = "digits"
        size = 16
        ```
    """

    summary: ClassVar[str] = "1,797 handwritten digits, 8x8 grey, 10 classes"
    licence: ClassVar[str] = "CC BY 4.0"
    layout: ClassVar[str] = "nothing: scikit-learn contains the data"
    name: ClassVar[str] = "digits"
    marks: ClassVar[tuple[str, ...]] = ("digits.csv.gz",)
    origin: ClassVar[str] = "scikit-learn"
    classes: ClassVar[tuple[str, ...]] = tuple("0123456789")

    def located(self, roots: tuple[Path, ...]) -> Path | None:
        """Return the path of the file in scikit-learn. The roots are not searched."""
        from sklearn.datasets import data

        return super().located((Path(data.__path__[0]),))

    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        """Open the copy of scikit-learn."""
        return self.read(Path("digits"))

    def fetch(self, root: Path) -> None:
        """Do nothing: the data are installed with scikit-learn."""

    def images(self, mark: Path) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """Return images `(1797, 1, 8, 8)` and labels."""
        from sklearn.datasets import load_digits

        bunch = load_digits()
        return to_uint8(bunch.images[:, np.newaxis], 0.0, _INK, str(mark)), bunch.target
