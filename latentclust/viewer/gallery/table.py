"""The clusters of the images of a run: read from assignments.csv, counted and put in order."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from latentclust.errors import LatentclustError
from latentclust.report.assignments import ASSIGNMENTS

Order = Literal["surest", "unsurest", "index"]

FIX = "Start the run again, or evaluate its model"


@dataclass(frozen=True, slots=True)
class ImageTable:
    """The cluster of each image.

    Attributes:
        clusters: Cluster of each image, `(n,)`, counted from 1.
        confidence: Probability of that cluster, `(n,)`.
        paths: File of each image, relative to the data's folder; empty if the images are rows of one file.
    """

    clusters: NDArray[np.int64]
    confidence: NDArray[np.float64]
    paths: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.clusters)

    def path(self, index: int) -> str:
        """Return the file of an image; empty if it has none of its own."""
        return self.paths[index] if self.paths else ""

    def members(self, cluster: int, order: Order = "surest") -> NDArray[np.int64]:
        """Return the indices of a cluster's images in order; equal confidences by index."""
        found = np.flatnonzero(self.clusters == cluster)
        if order == "index":
            return found
        sign = -1.0 if order == "surest" else 1.0
        return found[np.argsort(sign * self.confidence[found], kind="stable")]

    def sizes(self, clusters: int) -> list[int]:
        """Return the number of images of each cluster, from 1."""
        return [int(size) for size in np.bincount(self.clusters, minlength=clusters + 1)[1:]]

    def mean_confidence(self, cluster: int) -> float | None:
        """Return the mean confidence of a cluster's images. None for an empty cluster."""
        members = self.clusters == cluster
        return float(self.confidence[members].mean()) if members.any() else None

    def check(self, indices: Iterable[int]) -> list[int]:
        """Return indices without repetition in their order. Raise LatentclustError if there is no such image."""
        found = list(dict.fromkeys(indices))
        wrong = next((index for index in found if not 0 <= index < len(self)), None)
        if wrong is not None:
            raise LatentclustError.at("images", f"there is no image {wrong}", "Load the page again")
        return found


def read_table(folder: Path, clusters: int) -> ImageTable:
    """Read assignments.csv of a run folder.

    Args:
        folder: Run folder.
        clusters: Number of clusters of the model.

    Raises:
        LatentclustError: If the file is missing or damaged, or has clusters that the model does not have.
    """
    path = folder / ASSIGNMENTS
    try:
        table = pd.read_csv(path, dtype={"path": str}, keep_default_na=False, na_values={"confidence": [""]})
        found = table["cluster"].to_numpy(np.int64)
        confidence = table["confidence"].to_numpy(np.float64)
        index = table["index"].to_numpy(np.int64)
    except FileNotFoundError as error:
        raise LatentclustError.at(str(path), "is missing", FIX) from error
    except (OSError, KeyError, ValueError, OverflowError) as error:
        problem = f"cannot be read ({type(error).__name__}: {error})"
        raise LatentclustError.at(str(path), problem, FIX) from error
    if not len(found):
        raise LatentclustError.at(str(path), "lists no images", FIX)
    if not np.array_equal(index, np.arange(len(index))):
        raise LatentclustError.at(str(path), "does not list the images in their order, from 0", FIX)
    if found.min() < 1 or found.max() > clusters:
        what = f"has the cluster {found.max() if found.max() > clusters else found.min()}, but the model has {clusters}"
        raise LatentclustError.at(str(path), what, FIX)
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise LatentclustError.at(str(path), "has confidences outside [0, 1]", FIX)
    return ImageTable(found, confidence, tuple(table["path"]) if "path" in table else ())
