"""One inference over many images."""

from collections.abc import Iterable, Iterator, Mapping
from math import lcm

import torch
from torch import Tensor, nn
from torch.nn import functional

from latentclust.assemble.experiment import Preprocess
from latentclust.data.open_feed import sequential
from latentclust.networks.maps import EncoderMapNetwork, HeadsMapNetwork, LayeredGeneratorNetwork, TrunkMapNetwork
from latentclust.specs.data import ImageSource
from latentclust.specs.inference import InferenceSpec, Model
from latentclust.specs.parts import MapPriorSpec, PriorSpec
from latentclust.tensors import Images, Posterior

State = Mapping[str, Tensor]

STRIDED = (EncoderMapNetwork, HeadsMapNetwork, LayeredGeneratorNetwork, TrunkMapNetwork)
"""The networks of label maps."""


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


def stride_of(networks: Mapping[str, nn.Module], prior: PriorSpec) -> int:
    """Pixels of which the sides of images must be multiples; 1 for a prior of whole images.

    It is the least common multiple of the strides of the networks and of the prior's grid of styles.
    """
    if not isinstance(prior, MapPriorSpec):
        return 1
    return lcm(prior.style_stride, *(network.stride for network in networks.values() if isinstance(network, STRIDED)))


def padded(images: Images, stride: int) -> Images:
    """Images `(b, c, h, w)` with sides that are multiples of `stride`.

    The new pixels mirror those before the border, or repeat the border where there are too few of them.
    """
    if stride == 1:
        return images
    height, width = images.shape[-2:]
    down, right = -height % stride, -width % stride
    mode = "reflect" if down < height and right < width else "replicate"
    return Images(functional.pad(images, (0, right, 0, down), mode=mode)) if down or right else images


def cropped(posterior: Posterior, height: int, width: int) -> Posterior:
    """The posterior of the upper left pixels alone; the style, on a coarser grid, stays whole."""
    return Posterior(posterior.probabilities[..., :height, :width], posterior.style)
