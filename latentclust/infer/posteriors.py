"""Posteriors of many images by one inference."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import lcm

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from latentclust.assemble.preprocess import Preprocess
from latentclust.data.open_feed import sequential
from latentclust.errors import LatentclustError
from latentclust.networks.maps import EncoderMapNetwork, HeadsMapNetwork, LayeredGeneratorNetwork, TrunkMapNetwork
from latentclust.phases import SILENT, Count
from latentclust.specs.data import ImageSet, ImageSource, MaskSource
from latentclust.specs.inference import InferenceSpec, Model
from latentclust.specs.parts import MapPriorSpec, PriorSpec
from latentclust.tensors import Images, Mask, Posterior

State = Mapping[str, Tensor]
"""Tensors that an inference learned from the training images."""

STRIDED = (EncoderMapNetwork, HeadsMapNetwork, LayeredGeneratorNetwork, TrunkMapNetwork)
"""Networks of label maps that have a stride."""


def preprocessed(
    source: ImageSource, preprocess: Preprocess, batch_size: int, rng: torch.Generator
) -> Iterator[Images]:
    """Yield all samples in order, preprocessed, on the generator's device. Stored features are so already."""
    for images, _ in sequential(source, batch_size, rng.device):
        yield images if source.preprocessed else preprocess(images, rng)


def set_evaluation(model: Model) -> Model:
    """Put every network of a model into evaluation mode, and return the model."""
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
    count: Count | None = None,
    masks: MaskSource | None = None,
) -> Iterator[Posterior]:
    """Yield the posterior of each batch, float32 on the CPU.

    Images are padded to multiples of `stride`, and their label maps cropped back. `count` counts them. `masks` has the
    pixels with data of all images, in their order, unless all pixels have data.

    Raises:
        LatentclustError: If a probability is not finite.
    """
    set_evaluation(model)
    count = count or SILENT.begin("reading out")
    start = 0
    for images in count.each(batches):
        indices = np.arange(start, start + len(images), dtype=np.int64)
        start += len(images)
        valid = None if masks is None else Mask(torch.from_numpy(masks.read(indices)).to(images.device))
        yield checked_posterior(inference, model, images, state, rng, stride, count, valid)


def checked_posterior(
    inference: InferenceSpec,
    model: Model,
    images: Images,
    state: State,
    rng: torch.Generator,
    stride: int = 1,
    count: Count | None = None,
    valid: Mask | None = None,
) -> Posterior:
    """Return the posterior of one batch as `posterior_of` does, on the CPU. `count` tells its progress.

    Raises:
        LatentclustError: If a probability is not finite.
    """
    told = model if count is None else replace(model, on_step=count.part(len(images)))
    found = posterior_of(inference, told, images, state, rng, stride, valid)
    probabilities = found.probabilities.cpu()
    if not bool(probabilities.isfinite().all()):
        what = "returns probabilities that are not finite"
        raise LatentclustError.at("model", what, "Use an unchanged copy of its file, or retrain it")
    return Posterior(probabilities, found.style.cpu())


@torch.no_grad()
def posterior_of(
    inference: InferenceSpec,
    model: Model,
    images: Images,
    state: State,
    rng: torch.Generator,
    stride: int = 1,
    valid: Mask | None = None,
) -> Posterior:
    """Return the posterior of one batch, float32 on its device. The networks must be in evaluation mode.

    Images are padded to multiples of `stride`, and their label maps cropped back. `valid` has the pixels with data.
    """
    wide = padded(images, stride)
    if valid is None:
        found = inference.posterior(model, wide, state, rng)
    else:
        found = inference.posterior_valid(model, wide, _widened(valid, wide), state, rng)
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
    count: Count | None = None,
) -> Posterior:
    """Return the posterior of all batches, on the CPU. `count` counts their images."""
    parts = list(posteriors(inference, model, state, batches, rng, stride, count))
    return Posterior(torch.cat([part.probabilities for part in parts]), torch.cat([part.style for part in parts]))


@dataclass(frozen=True, slots=True)
class FittedImages:
    """The images that an inference is fitted to, with their valid pixels, as an iterable that can be read repeatedly.

    Attributes:
        data: The training images.
        preprocess: Preprocessing of the recipe.
        batch_size: Number of images per batch; the last batch may be smaller.
        rng: Generator whose device the batches are on.
        stride: Factor of the image sides. Images are padded to multiples of it, with pixels that are not valid.
    """

    data: ImageSet
    preprocess: Preprocess
    batch_size: int
    rng: torch.Generator
    stride: int = 1

    def __iter__(self) -> Iterator[tuple[Images, Mask]]:
        """Yield the preprocessed batches in order."""
        source, device = self.data.inputs, self.rng.device
        for stored, at in sequential(source, self.batch_size, device):
            images = stored if source.preprocessed else self.preprocess(stored, self.rng)
            valid = torch.ones(len(images), *images.shape[2:], dtype=torch.bool, device=device)
            if self.data.valid is not None and images.ndim > 2:  # rows of a feature bank have no pixels
                valid = torch.from_numpy(self.data.valid.read(at.cpu().numpy())).to(device)
            wide = padded(images, self.stride)
            yield wide, _widened(Mask(valid), wide)


@torch.no_grad()
def fit_inference(
    inference: InferenceSpec, model: Model, batches: Iterable[tuple[Images, Mask]], rng: torch.Generator
) -> dict[str, Tensor]:
    """Return what the inference learns once from the training images and their valid pixels."""
    return inference.fit_valid(set_evaluation(model), batches, rng)


def stride_of(networks: Mapping[str, nn.Module], prior: PriorSpec) -> int:
    """Return the factor of image sides that the networks require, in pixels; 1 for a prior of whole images.

    It is the least common multiple of the strides of the networks and of the prior's style grid.
    """
    if not isinstance(prior, MapPriorSpec):
        return 1
    return lcm(prior.style_stride, *(network.stride for network in networks.values() if isinstance(network, STRIDED)))


def padded(images: Images, stride: int) -> Images:
    """Return images `(b, c, h, w)` padded at the bottom and right to sides that are multiples of `stride`.

    The new pixels mirror those before the border. If there are too few of them, the border is repeated.
    """
    if stride == 1:
        return images
    height, width = images.shape[-2:]
    down, right = -height % stride, -width % stride
    mode = "reflect" if down < height and right < width else "replicate"
    return Images(functional.pad(images, (0, right, 0, down), mode=mode)) if down or right else images


def _widened(valid: Mask, images: Images) -> Mask:
    """Return a mask of images before they were padded with the pixels of the padding, which are not valid."""
    extra = [images.shape[axis] - valid.shape[axis - 1] for axis in range(images.ndim - 1, 1, -1)]
    return Mask(functional.pad(valid, [side for each in extra for side in (0, each)]))


def cropped(posterior: Posterior, height: int, width: int) -> Posterior:
    """Return the posterior of the upper left pixels. The style, on a coarser grid, is not cropped."""
    return Posterior(posterior.probabilities[..., :height, :width], posterior.style)
