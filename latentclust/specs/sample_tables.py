"""What is computed from the whole training set: tables with a row for each sample, and weights to begin with."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from latentclust.specs.inference import Model
from latentclust.specs.parts import Spec
from latentclust.tensors import Images


class TableSpec(Spec, ABC):
    """A row for each sample of the training set, computed from all of them.

    A training step is given the rows of its batch, under the name of the recipe's table.
    """

    provides: ClassVar[Any] = Any
    """The type of a batch's rows, which is compared with what reads them."""

    of_samples: ClassVar[bool] = False
    """Whether a row holds indices of samples; `NAME_images` then gives the images of one drawn from each row."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The names of the networks that it reads; assembly reports a recipe that lacks one."""
        return ()

    @abstractmethod
    def compute(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Tensor:
        """The table, `(n, ...)`, on any device; finite, and of samples `(n, m)` int64, counted from 0.

        Args:
            model: The networks as they are now, held and in evaluation mode, and the prior; float32, without autocast.
            batches: All preprocessed images of the training set, in order, on the generator's device. They may be gone
                through more than once.
            rng: The same on every process.
        """


class StartSpec(Spec, ABC):
    """Weights that a stage of the training begins with."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The names of the networks that it reads or sets; assembly reports a recipe that lacks one."""
        return ()

    @abstractmethod
    def weights(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Mapping[str, Tensor]:
        """New values of parameters and buffers, finite, by network and name: `encoder.head.bias`; others stay.

        The arguments are those of `TableSpec.compute`.
        """
