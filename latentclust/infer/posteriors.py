"""One inference over many images."""

from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor

from latentclust.assemble.experiment import Preprocess
from latentclust.data.open_feed import sequential
from latentclust.infer.padding import cropped, padded
from latentclust.specs.data import ImageSource
from latentclust.specs.inference import InferenceSpec, Model
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


def posteriors(
    inference: InferenceSpec,
    model: Model,
    state: State,
    batches: Iterable[Images],
    rng: torch.Generator,
    stride: int = 1,
) -> Iterator[Posterior]:
    """The posterior of each batch, float32 on the CPU.

    Images are padded to multiples of `stride`, and their label maps cropped back.
    """
    set_evaluation(model)
    for images in batches:
        found = posterior_of(inference, model, images, state, rng, stride)
        yield Posterior(found.probabilities.cpu(), found.style.cpu())


@torch.no_grad()
def posterior_of(
    inference: InferenceSpec, model: Model, images: Images, state: State, rng: torch.Generator, stride: int = 1
) -> Posterior:
    """The posterior of one batch, float32 on its device, of networks in evaluation mode.

    Images are padded to multiples of `stride`, and their label maps cropped back.
    """
    found = inference.posterior(model, padded(images, stride), state, rng)
    if found.probabilities.ndim > 2:
        found = cropped(found, *images.shape[-2:])
    return Posterior(found.probabilities.float(), found.style.float())


def collect_posterior(
    inference: InferenceSpec,
    model: Model,
    state: State,
    batches: Iterable[Images],
    rng: torch.Generator,
    stride: int = 1,
) -> Posterior:
    """The posterior of all batches, on the CPU."""
    parts = list(posteriors(inference, model, state, batches, rng, stride))
    return Posterior(torch.cat([part.probabilities for part in parts]), torch.cat([part.style for part in parts]))


@torch.no_grad()
def fit_inference(
    inference: InferenceSpec, model: Model, batches: Iterable[Images], rng: torch.Generator, stride: int = 1
) -> dict[str, Tensor]:
    """What the inference learns from the training images, once."""
    return inference.fit(set_evaluation(model), (padded(images, stride) for images in batches), rng)
