"""The file assignments.csv of a run folder: the cluster of each sample, or of some pixels of label maps."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from latentclust.files import write_atomic
from latentclust.tensors import Posterior

ASSIGNMENTS = "assignments.csv"


def assignments(posterior: Posterior, files: Sequence[str] = ()) -> dict[str, ArrayLike]:
    """Return the columns of the file, with one row per sample in the order of the data set.

    They are the index of the sample (from 0), its file if there is one, the cluster (from 1) and the confidence.

    Args:
        posterior: Posterior of the samples.
        files: File of each sample, relative to the data's folder. Empty if the samples are rows of one file.
    """
    return {
        "index": np.arange(len(posterior.probabilities)),
        **({"path": files} if files else {}),
        "cluster": posterior.labels.numpy() + 1,
        "confidence": posterior.confidence.numpy(),
    }


def write_assignments(folder: Path, columns: Mapping[str, ArrayLike]) -> None:
    """Write assignments.csv to a run folder. Raise LatentclustError if it cannot be written."""
    write_atomic(folder / ASSIGNMENTS, pd.DataFrame(columns).to_csv(index=False, float_format="%.6f"))
