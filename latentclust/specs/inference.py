"""Specs of inference: how cluster probabilities and styles of images are obtained from a trained model."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from latentclust.errors import LatentclustError
from latentclust.specs.parts import PriorSpec, Spec
from latentclust.specs.roles import Represents
from latentclust.tensors import Code, Images, Mask, Posterior


def _ignore(_step: int, _steps: int) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Model:
    """The networks and the prior that an inference reads.

    Attributes:
        networks: Networks by their name in the recipe, in evaluation mode.
        prior: Prior of the recipe.
        features_of: Network whose features another one reads, by the name of the reader. Others read images.
        codes_of: Encoder whose code, as a vector, centroids read, by the name of the reader.
        on_step: A method whose posterior, or fit, takes long calls it after each of its steps, with the number of steps
            that are done and of all steps, for the progress. It must not be called by `advance`.
    """

    networks: Mapping[str, nn.Module]
    prior: PriorSpec
    features_of: Mapping[str, str] = field(default_factory=dict)
    codes_of: Mapping[str, str] = field(default_factory=dict)
    on_step: Callable[[int, int], None] = field(default=_ignore, kw_only=True)

    def read(self, name: str, images: Images) -> Any:
        """Return the output of a network for images, through the networks whose features it reads."""
        return self.networks[name](self.input_of(name, images))

    def represent(self, name: str, images: Images) -> Tensor:
        """Return a network's representation of images, `(b, width)` or a map `(b, width, h', w')`, float32.

        Raises:
            LatentclustError: If the network has no representation.
        """
        network = self.networks.get(name)
        if not isinstance(network, Represents):
            what = f"{name!r} has no representation of images"
            raise LatentclustError.at(f"networks.{name}", what, "Name an encoder, a critic, a trunk or heads")
        return network.represent(self.input_of(name, images)).float()

    def input_of(self, name: str, images: Images) -> Tensor:
        """Return what a network reads for images: themselves, or the features or the code of another network."""
        if name in self.codes_of:
            vectors: Tensor = self.read(self.codes_of[name], images).vector()
            return vectors
        if name not in self.features_of:
            return images
        output = self.read(self.features_of[name], images)
        features: Tensor = output.features if isinstance(output, Code) else output
        return features


class InferenceSpec(Spec, ABC):
    """A method that computes the posterior of given images."""

    reads_maps: ClassVar[bool] = False
    """Whether the method can compute a cluster for every pixel, under a prior of label maps."""

    random: ClassVar[bool] = False
    """Whether `posterior` draws random numbers. A model with such a method cannot be exported as a graph."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the networks that the method reads. A recipe without one of them is invalid."""
        return ()

    @property
    def represents(self) -> tuple[str, ...]:
        """Names of the networks whose representation the method reads, by `Model.represent`."""
        return ()

    def objection(self, prior: PriorSpec) -> str | None:
        """Return why the method cannot be used with a prior, or None if it can. The recipe is then invalid."""
        return None

    def clusters_style_of(self, prior: PriorSpec) -> str | None:
        """Return the name of the encoder whose style decides the clusters. None, the default, if no style does.

        A warning is given if no loss trains that style.
        """
        return None

    def fit(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> dict[str, Tensor]:
        """Return what the method learns once from the training images, such as centroids; empty by default.

        Args:
            model: The trained networks and the prior.
            batches: All preprocessed training images, in order, on the generator's device.
            rng: The only source of randomness.

        Returns:
            Tensors by name, which are saved in the model file and passed to `posterior` as `state`.
        """
        return {}

    def fit_valid(
        self, model: Model, batches: Iterable[tuple[Images, Mask]], rng: torch.Generator
    ) -> dict[str, Tensor]:
        """Return what the method learns once from the valid pixels of the training images.

        This method is called when a model is fitted. By default it calls `fit` with all pixels. A method that must not
        learn from pixels without data overrides it.

        Args:
            model: The trained networks and the prior.
            batches: As for `fit`, with the masks of valid pixels `(b, h, w)`, or `(b,)` for vectors. They may be
                iterated repeatedly.
            rng: The only source of randomness.

        Returns:
            Tensors by name, as those of `fit`.
        """
        return self.fit(model, (images for images, _ in batches), rng)

    @abstractmethod
    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        """Compute the posterior of a batch.

        Args:
            model: The trained networks and the prior.
            images: Preprocessed images `(b, c, h, w)` or vectors `(b, d)`, on the generator's device.
            state: Tensors that `fit`, or `fit_valid`, returned.
            rng: The only source of randomness.
        """

    def posterior_valid(
        self, model: Model, images: Images, valid: Mask, state: Mapping[str, Tensor], rng: torch.Generator
    ) -> Posterior:
        """Compute the posterior of a batch some of whose pixels have no data.

        This method is called if such pixels are known. By default it calls `posterior`. A method under which pixels
        depend on their neighbours overrides it, so that they do not depend on pixels without data. The posterior of
        those is not used.

        Args:
            model: The trained networks and the prior.
            images: As for `posterior`. Pixels without data have values of others.
            valid: Valid pixels `(b, h, w)`.
            state: As for `posterior`.
            rng: As for `posterior`.
        """
        return self.posterior(model, images, state, rng)

    def as_function(self, model: Model, state: Mapping[str, Tensor]) -> Callable[[Images], Posterior]:
        """Return the posterior as a function of images alone, whose operations `latentclust export` records.

        By default it calls `posterior`. A method overrides it if its posterior decomposes the state, or loops over the
        images or their pixels, which a graph for batches of any size cannot do. The sizes of the images must not be
        converted to integers: use `images.shape[0]`, and not `len(images)`.

        Args:
            model: The trained networks and the prior.
            state: Tensors that `fit`, or `fit_valid`, returned.
        """
        return lambda images: self.posterior(model, images, state, torch.Generator(images.device))


@dataclass(frozen=True, slots=True)
class Advance:
    """The result of advancing chains by one round.

    Attributes:
        chains: New state with one row per sample of the batch, kept between rounds and in checkpoints.
        quantities: Values of the names in the inference's `provides`, for the losses of this round.
        diagnostics: 0-d tensors by name, for the training log. A value that is not finite ends the training.
    """

    chains: Mapping[str, Tensor]
    quantities: Mapping[str, Any]
    diagnostics: Mapping[str, Tensor]


class ChainSpec(InferenceSpec, ABC):
    """An inference whose MCMC chains also run during training and persist between rounds.

    Every sample of the training set has one row in each tensor of the state. In a round, one batch is drawn and its
    chains advance; then all players step on that batch with the quantities that the chains provide.
    """

    random: ClassVar[bool] = True

    provides: ClassVar[Mapping[str, Any]]
    """Types of the quantities that the chains provide to a training step, by name."""

    @abstractmethod
    def begin(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> dict[str, Tensor]:
        """Return new chains for all training images.

        Args:
            model: The networks, held and in evaluation mode, and the prior.
            batches: All preprocessed training images, in order; may be iterated repeatedly.
            rng: The only source of randomness, equal on every process.

        Returns:
            State tensors `(n, ...)` by name, float32 or integers, which are categories of the prior.
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
        """Advance the chains of a batch by the steps of one round.

        Args:
            model: The current networks, held and in evaluation mode, and the prior.
            images: Preprocessed images of the batch.
            chains: Rows of the state for the batch.
            progress: Fraction of the stage that has passed, in [0, 1).
            rng: The only source of randomness, on the images' device.
            valid: Valid pixels. None if all are valid, and for priors of whole images.
        """

    def lengths(self) -> Mapping[int, "ChainSpec"]:
        """Return the inference with shorter and longer chains by number of steps, for the report. Defaults to none."""
        return {}
