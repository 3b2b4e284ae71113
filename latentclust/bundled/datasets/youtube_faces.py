"""YTF: frames of YouTube Faces, Wolf, Hassner and Maoz 2011, prepared for clustering by Yang, Parikh and Batra 2016."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from latentclust.bundled.datasets.array_files import read_published_hdf5
from latentclust.bundled.datasets.published_images import PublishedImages


class YouTubeFaces(PublishedImages):
    """10,000 faces of 41 persons, 55x55, in colour.

    Example:
        ```toml
        [data]
        use = "ytf"
        size = 32
        ```
    """

    summary: ClassVar[str] = "10,000 faces of 41 persons, 55x55 RGB"
    licence: ClassVar[str] = "research use"
    layout: ClassVar[str] = "ytf/ytf.h5 (data: n x 3 x 55 x 55 in 0 to 255, labels: 1 to 41)"
    name: ClassVar[str] = "ytf"
    marks: ClassVar[tuple[str, ...]] = ("ytf/ytf.h5", "ytf/*.h5", "YTF/*.h5")
    origin: ClassVar[str] = "the authors of JULE (Yang, Parikh and Batra 2016)"
    classes: ClassVar[tuple[str, ...]] = tuple(f"person {number}" for number in range(1, 42))

    def images(self, mark: Path) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """Return images `(10000, 3, 55, 55)` and labels."""
        return read_published_hdf5(mark, len(self.classes))
