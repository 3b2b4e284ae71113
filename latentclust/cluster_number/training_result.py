"""The result of one brief training, in a safetensors file of its own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentclust.errors import LatentclustError, first_problem
from latentclust.files import write_atomic

HEADER = "training"


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """The result of one brief training.

    Attributes:
        labels: Cluster of each sample or pixel that is compared, `(n,)`, 0-based. Empty after a failure.
        seconds: Time of the training in seconds.
        criterion: Value of the recipe's label-free criterion at the end. None if it has none.
        losses: Mean of each loss over the last logged rounds.
        failed: Why the training failed, one line. Empty if it did not.
    """

    labels: NDArray[np.int64]
    seconds: float = 0.0
    criterion: float | None = None
    losses: Mapping[str, float] = field(default_factory=dict)
    failed: str = ""

    def write(self, path: Path) -> None:
        """Write the result atomically."""
        from safetensors.numpy import save

        header = {
            "seconds": round(self.seconds, 2),
            "criterion": self.criterion,
            "losses": dict(self.losses),
            "failed": self.failed,
        }
        write_atomic(path, save({"labels": self.labels.astype(np.int32)}, {HEADER: json.dumps(header)}))

    @classmethod
    def read(cls, path: Path, count: int) -> "TrainingResult":
        """Read a result of `count` samples or pixels. Raise LatentclustError if the file is damaged."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "np") as file:
                header: dict[str, Any] = json.loads(file.metadata()[HEADER])
                labels = file.get_tensor("labels").astype(np.int64)
            found = cls(labels, header["seconds"], header["criterion"], header["losses"], header["failed"])
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            what = f"is not the result of a training ({first_problem(error)})"
            raise LatentclustError.at(str(path), what, "Delete it; it is then trained again") from error
        if len(labels) != (0 if found.failed else count) or (len(labels) and labels.min() < 0):
            what = f"has {len(labels):,} clusters of samples instead of {count:,}"
            raise LatentclustError.at(str(path), what, "Delete it; it is then trained again")
        return found
