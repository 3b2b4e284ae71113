"""One inference over many images."""

from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor

from latentclust.assemble.experiment import Preprocess
from latentclust.data.opening import sequential
from latentclust.samples import ImageSource
from latentclust.specs import InferenceSpec, Model
from latentclust.tensors import Images, Posterior

State = Mapping[str, Tensor]


def preprocessed(
    source: ImageSource, preprocess: Preprocess, batch_size: int, rng: torch.Generator
) -> Iterator[Images]:
    """All samples in order, as the networks read them, on the generator's device."""
    for images, _ in sequential(source, batch_size, rng.device):
        yield preprocess(images, rng)


def set_evaluation(model: Model) -> Model:
    """The same model with every network in evaluation mode."""
    for network in model.networks.values():
        network.eval()
    return model


@torch.no_grad()
def read_out(
    inference: InferenceSpec, model: Model, state: State, batches: Iterable[Images], rng: torch.Generator
) -> Posterior:
    """The posterior of all batches, on the CPU."""
    set_evaluation(model)
    parts = [inference.posterior(model, images, state, rng) for images in batches]
    probabilities = torch.cat([part.probabilities.float().cpu() for part in parts])
    return Posterior(probabilities, torch.cat([part.style.float().cpu() for part in parts]))


@torch.no_grad()
def fit_inference(
    inference: InferenceSpec, model: Model, batches: Iterable[Images], rng: torch.Generator
) -> dict[str, Tensor]:
    """What the inference learns from the training images, once."""
    return inference.fit(set_evaluation(model), batches, rng)
