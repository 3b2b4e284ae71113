"""Codes and features of images by a trained model, batch by batch."""

from collections.abc import Iterator

import torch

from latentclust.errors import LatentclustError
from latentclust.infer.codes import Codes, Represent, codes_of, representing_network
from latentclust.infer.posteriors import posterior_of, set_evaluation
from latentclust.model.model import ClusteringModel
from latentclust.phases import SILENT, Phases
from latentclust.specs.data import ImageSource
from latentclust.tensors import Images


def read_codes(
    model: ClusteringModel,
    source: ImageSource,
    batch_size: int = 500,
    seed: int = 0,
    *,
    features: bool = False,
    phases: Phases = SILENT,
) -> Iterator[Codes]:
    """Return an iterator over the codes of images in order.

    Args:
        model: A model of whole images.
        source: The images.
        batch_size: Number of images per batch.
        seed: Random seed of an inference that samples.
        features: Whether features are computed as well.
        phases: Tells the progress.

    Raises:
        LatentclustError: If the model computes label maps or has no features, or the images do not match it.
    """
    check_whole_images(model)
    represent = represent_by(model) if features else None
    batches, rng = model.batches(source, batch_size, seed)
    count = phases.begin("reading out", len(source), "images")
    return codes_of(model.inference, model.model, model.state, batches, rng, represent, count)


@torch.no_grad()
def draws_numbers(model: ClusteringModel) -> bool:
    """Return whether preprocessing or inference of images draw random numbers, by a read-out of one image of zeros."""
    if model.inference.random:
        return True
    set_evaluation(model.model)
    rng = torch.Generator(model.device).manual_seed(0)
    before = rng.get_state()
    images = model.preprocess(Images(torch.zeros(1, *model.raw_shape, device=model.device)), rng)
    posterior_of(model.inference, model.model, images, model.state, rng, model.stride)
    return not torch.equal(before, rng.get_state())


def check_whole_images(model: ClusteringModel) -> None:
    """Raise LatentclustError if the model computes label maps, which have a cluster and a code for every pixel."""
    if model.per_pixel:
        what = "computes label maps, which have no code of a whole image"
        raise LatentclustError.at("model", what, "Use a model of whole images")


def represent_by(model: ClusteringModel) -> Represent:
    """Return the function from preprocessed images to features.

    Features are the output of the frozen network of `[features]`, or else the input of the head of the network that the
    inference reads.

    Raises:
        LatentclustError: If no network of the inference has a representation of images.
    """
    if model.features is not None:
        return lambda images: images
    read = model.model
    name = representing_network(model.inference, read)
    if name is None:
        used = model.resolved.recipe.inference.use
        what = f"has no features: its inference {used!r} reads no encoder, critic, trunk or heads"
        raise LatentclustError.at("model", what, "Take the code alone, or train with [features]")
    return lambda images: read.represent(name, images)
