"""Specs of values computed from the whole training set: sample tables, and the starting weights of a stage."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from latentclust.specs.inference import Model
from latentclust.specs.parts import Spec
from latentclust.tensors import Images


class TableSpec(Spec, ABC):
    """A sample table: one row per training sample, computed from all samples.

    A training step can read the rows of its batch under the name of the recipe table.
    """

    provides: ClassVar[Any] = Any
    """Type of a batch's rows, which is compared with the types of the losses and quantities that read them."""

    of_samples: ClassVar[bool] = False
    """Whether a row holds sample indices. A step can then also read `NAME_images`: one image drawn from each row."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the networks that the table reads. A recipe without one of them is invalid."""
        return ()

    @property
    def represents(self) -> tuple[str, ...]:
        """Names of the networks whose representation the table reads, by `Model.represent`."""
        return ()

    @abstractmethod
    def compute(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Tensor:
        """Compute the table.

        Args:
            model: The current networks, held and in evaluation mode, and the prior; float32 without autocast.
            batches: All preprocessed training images, in order, on the generator's device; may be iterated repeatedly.
            rng: The only source of randomness, equal on every process.

        Returns:
            A finite tensor `(n, ...)` on any device. With `of_samples`, indices `(n, m)` int64, counted from 0.
        """


class StartSpec(Spec, ABC):
    """A part that computes the weights a stage of the training begins with."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the networks that the part reads or sets. A recipe without one of them is invalid."""
        return ()

    def check(self, networks: Mapping[str, nn.Module]) -> None:
        """Raise LatentclustError, before anything is trained, if a file is missing or does not fit the networks."""
        return

    def fingerprint(self) -> str:
        """Return a hash of the files that the weights depend on. A training resumes only if it is the same.

        Empty, the default, for a part that reads none.
        """
        return ""

    @abstractmethod
    def weights(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Mapping[str, Tensor]:
        """Compute new weights. The arguments are those of `TableSpec.compute`.

        Returns:
            Finite values of parameters and buffers by network and name, such as `encoder.head.bias`. Weights that are
            not named do not change.
        """
