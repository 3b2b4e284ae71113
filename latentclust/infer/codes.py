"""Codes and features of images: what a model computes of each image besides its cluster."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from latentclust.errors import LatentclustError
from latentclust.infer.posteriors import State, checked_posterior, set_evaluation
from latentclust.phases import SILENT, Count
from latentclust.specs.inference import InferenceSpec, Model
from latentclust.specs.roles import Represents
from latentclust.tensors import Images, Posterior

Represent = Callable[[Images], Tensor]
"""A function from preprocessed images to their features `(b, f)`."""


@dataclass(frozen=True, slots=True)
class Codes:
    """The posterior of images, and their features.

    Attributes:
        posterior: Cluster probabilities and style.
        features: Features `(b, f)`, float32. None if they were not asked for.
    """

    posterior: Posterior
    features: Float[Tensor, "b f"] | None = None

    @property
    def code(self) -> Float[Tensor, "b d"]:
        """Code of each image: its cluster probabilities and then its style, as `Latent.vector` orders them."""
        return torch.cat((self.posterior.probabilities, self.posterior.style), dim=1)


def joined(parts: Iterable[Codes]) -> Codes:
    """Return the codes of all batches together."""
    batches = list(parts)
    features = [part.features for part in batches if part.features is not None]
    probabilities = torch.cat([part.posterior.probabilities for part in batches])
    style = torch.cat([part.posterior.style for part in batches])
    return Codes(Posterior(probabilities, style), torch.cat(features) if features else None)


def codes_of(
    inference: InferenceSpec,
    model: Model,
    state: State,
    batches: Iterable[Images],
    rng: torch.Generator,
    represent: Represent | None = None,
    count: Count | None = None,
) -> Iterator[Codes]:
    """Yield the codes of each batch of whole images, float32 on the CPU.

    Args:
        inference: Inference of the model.
        model: Networks and prior.
        state: Tensors that the inference learned.
        batches: Preprocessed images.
        rng: Generator on the device of the batches.
        represent: Function that computes the features. None: no features.
        count: Counts the images.

    Raises:
        LatentclustError: If a probability or a feature is not finite.
    """
    set_evaluation(model)
    count = count or SILENT.begin("reading out")
    for images in count.each(batches):
        posterior = checked_posterior(inference, model, images, state, rng, count=count)
        yield Codes(posterior, None if represent is None else _features(represent, images))


@torch.no_grad()
def _features(represent: Represent, images: Images) -> Float[Tensor, "b f"]:
    features = represent(images).flatten(1).float().cpu()
    if not bool(features.isfinite().all()):
        what = "returns features that are not finite"
        raise LatentclustError.at("model", what, "Use an unchanged copy of its file, or retrain it")
    return features


def representing_network(inference: InferenceSpec, model: Model) -> str | None:
    """Return the name of the network whose representation of images the inference reads. None if there is none.

    It is the first one that the inference needs and that has a representation, or else the one that this network reads.
    """
    for needed in (*inference.represents, *inference.needs):
        name: str | None = needed
        while name is not None and not isinstance(model.networks.get(name), Represents):
            name = model.codes_of.get(name) or model.features_of.get(name)
        if name is not None:
            return name
    return None
