"""How latent variables, and so cluster labels, are obtained: at once, or by chains that persist in training."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from latentclust.specs.parts import PriorSpec, Spec
from latentclust.tensors import Images, Mask, Posterior


@dataclass(frozen=True, slots=True)
class Model:
    """What an inference reads: trained networks, in evaluation mode, and the prior."""

    networks: Mapping[str, nn.Module]
    prior: PriorSpec


class InferenceSpec(Spec, ABC):
    """How latent variables, and so cluster labels, are obtained for given images."""

    reads_maps: ClassVar[bool] = False
    """Whether it can give every pixel a cluster, under a prior of label maps."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The names of the networks that it reads; assembly reports a recipe that lacks one."""
        return ()

    def objection(self, prior: PriorSpec) -> str | None:
        """Why it cannot work with a prior, or None; assembly reports it."""
        return None

    def fit(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> dict[str, Tensor]:
        """What it must learn from the training images once, such as centroids; saved in the model file."""
        return {}

    @abstractmethod
    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        """The posterior of a batch, given what `fit` returned."""


@dataclass(frozen=True, slots=True)
class Advance:
    """What chains come to in one round.

    Attributes:
        chains: Their new state, a row a sample, kept between rounds and in checkpoints.
        quantities: What the inference's `provides` names, for the losses of this round.
        diagnostics: Scalars by name, 0-d, for the log; one that is not finite ends the training.
    """

    chains: Mapping[str, Tensor]
    quantities: Mapping[str, Any]
    diagnostics: Mapping[str, Tensor]


class ChainSpec(InferenceSpec, ABC):
    """An inference that samples latent variables while networks are trained, by chains that persist between rounds.

    Each sample of the training set has its own row of every tensor of the state. In a round one batch is drawn, its
    chains advance, and all players step on that batch and on what the chains provide.
    """

    provides: ClassVar[Mapping[str, Any]]
    """The quantities that it gives to a training step: name to type."""

    @abstractmethod
    def begin(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> dict[str, Tensor]:
        """New chains for all images of the training set, in order; tensors `(n, ...)`.

        `batches` may be gone through more than once.
        """

    @abstractmethod
    def advance(
        self,
        model: Model,
        images: Images,
        chains: Mapping[str, Tensor],
        progress: float,
        rng: torch.Generator,
        valid: Mask | None = None,
    ) -> Advance:
        """The chains of a batch after one round's steps, the networks held and in evaluation mode.

        Args:
            model: The networks as they are now, and the prior.
            images: The batch.
            chains: Its rows of the state.
            progress: How much of the training has passed, in [0, 1].
            rng: On the images' device.
            valid: Which pixels count, of a system of label maps whose data leave any out.
        """

    def lengths(self) -> Mapping[int, "ChainSpec"]:
        """The same inference with shorter and longer chains, by their steps, for the report's curve; may be empty."""
        return {}
