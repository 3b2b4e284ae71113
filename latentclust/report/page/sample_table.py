"""The samples that a page shows, each with a picture in the sprite sheets and what is known about it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64
from numpy.typing import NDArray

from latentclust.report.page.atlas import ACROSS, PER_SHEET, place
from latentclust.report.page.section import Json

DECIMALS = 3


@dataclass(frozen=True, slots=True)
class SampleTable:
    """Samples of a page. The position of a sample is the slot of its picture.

    Attributes:
        index: Number of each sample in the data set, `(m,)`, from 0.
        cluster: Its cluster, 0-based.
        confidence: Probability of its cluster.
        second: Second most probable cluster, 0-based; -1 for none.
        second_probability: Probability of this one.
        classes: Class of each sample, 0-based; -1 for none. None for data without labels.
        cluster_names: Display names of the clusters, from `cluster 1`.
        class_names: Names of the classes. Empty for data without labels.
        paths: File of each sample, possibly shortened. Empty if the samples are rows of one file.
    """

    index: NDArray[np.int64]
    cluster: NDArray[np.int64]
    confidence: NDArray[np.float32]
    second: NDArray[np.int64]
    second_probability: NDArray[np.float32]
    cluster_names: tuple[str, ...]
    class_names: tuple[str, ...] = ()
    classes: NDArray[np.int64] | None = None
    paths: tuple[str, ...] = ()

    def slots(self, samples: Int64[np.ndarray, " n"]) -> list[int]:
        """Return the slots of samples of the data set, which must be in the table."""
        order = np.argsort(self.index)
        found = order[np.searchsorted(self.index, samples, sorter=order)]
        assert (self.index[found] == samples).all(), "a sample is not in the table"
        return [int(slot) for slot in found]

    def data(self) -> Json:
        """Return the table as the scripts read it: a list for each column."""
        return {
            "index": self.index.tolist(),
            "cluster": self.cluster.tolist(),
            "confidence": _rounded(self.confidence),
            "second": self.second.tolist(),
            "secondProbability": _rounded(self.second_probability),
            "classes": None if self.classes is None else self.classes.tolist(),
            "paths": list(self.paths),
            "clusterNames": list(self.cluster_names),
            "classNames": list(self.class_names),
            "across": ACROSS,
            "perSheet": PER_SHEET,
        }

    def name(self, slot: int) -> str:
        """Return the file of a sample, or else its number."""
        return self.paths[slot] if self.paths else f"#{self.index[slot]}"

    def thumb(self, slot: int) -> tuple[int, int, int]:
        """Return the sheet, the column and the row of a picture."""
        return place(slot)


def _rounded(values: NDArray[np.float32]) -> list[float]:
    return [round(float(value), DECIMALS) for value in values]
