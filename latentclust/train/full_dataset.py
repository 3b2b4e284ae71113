"""Values computed from all training samples between steps: tables, starting weights and the rows of a batch."""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Int64
from lightning_fabric import Fabric
from torch import Tensor, nn

from latentclust.assemble.preprocess import Preprocess
from latentclust.data.open_feed import sequential
from latentclust.errors import RunFailedError, did_you_mean
from latentclust.specs.data import ImageSource
from latentclust.specs.inference import Model
from latentclust.specs.sample_tables import StartSpec
from latentclust.tensors import Images

ResultT = TypeVar("ResultT")
Compute = Callable[[Model, Iterable[Images], torch.Generator], ResultT]
"""A function of the networks, all preprocessed images and a generator."""


@dataclass(frozen=True, slots=True)
class TrainingImages:
    """All preprocessed images of a data set, in order, as an iterable that can be read repeatedly.

    Attributes:
        source: The samples as stored.
        preprocess: Preprocessing of the experiment.
        batch_size: Number of images per batch; the last batch may be smaller.
        rng: Generator whose device the batches are on.
    """

    source: ImageSource
    preprocess: Preprocess
    batch_size: int
    rng: torch.Generator

    def __iter__(self) -> Iterator[Images]:
        """Yield the batches in order."""
        for batch, _ in sequential(self.source, self.batch_size, self.rng.device):
            yield batch if self.source.preprocessed else self.preprocess(batch, self.rng)


@dataclass(frozen=True, slots=True)
class FullDatasetReader:
    """A reader that computes values from the whole training set, equal on every process.

    Attributes:
        model: The networks and the prior.
        training_images: All preprocessed images of the training set.
        seed: Seed of the recipe.
        fabric: The processes of the run.
    """

    model: Model
    training_images: Iterable[Images]
    seed: int
    fabric: Fabric

    def read(self, compute: Compute[ResultT], name: str, round_: int) -> ResultT:
        """Return the result of a function of all images, computed with the networks in evaluation mode.

        Args:
            compute: The function.
            name: Name of the result. The generator's seed depends on the recipe's seed, this name and the round alone.
            round_: The round, counted from 1.
        """
        entropy = np.random.SeedSequence((self.seed, zlib.crc32(name.encode()), round_))
        rng = torch.Generator(self.fabric.device).manual_seed(int(entropy.generate_state(1, np.uint64)[0] >> 1))
        with evaluation_mode(self.model.networks.values()), torch.no_grad():
            return compute(self.model, self.training_images, rng)

    def broadcast_from_first(self, tensor: Tensor) -> Tensor:
        """Return the first process's tensor. The others differ, because batch norm has seen other samples there."""
        if self.fabric.world_size == 1:
            return tensor.detach()
        own = tensor.detach() if self.fabric.is_global_zero else torch.zeros_like(tensor)
        first = self.fabric.all_reduce(own.to(self.fabric.device), reduce_op="sum")
        assert isinstance(first, Tensor)
        return first


@contextmanager
def evaluation_mode(networks: Iterable[nn.Module]) -> Iterator[None]:
    """Put networks into evaluation mode without gradients, and restore both afterwards."""
    networks = tuple(networks)
    training = [network.training for network in networks]
    moving = [p for network in networks for p in network.parameters() if p.requires_grad]
    for network in networks:
        network.eval()
    for parameter in moving:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for network, mode in zip(networks, training, strict=True):
            network.train(mode)
        for parameter in moving:
            parameter.requires_grad_(True)


def place_tensors(tensors: Mapping[str, Tensor], device: torch.device, memory_limit: int) -> dict[str, Tensor]:
    """Return tensors on the device if they fit, otherwise in host memory, pinned for a GPU.

    Args:
        tensors: Tensors with one row per training sample, by name.
        device: The device of the training.
        memory_limit: Largest total size on the device, in bytes.
    """
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    if size <= memory_limit:
        return {name: tensor.to(device) for name, tensor in tensors.items()}
    host = {name: tensor.cpu() for name, tensor in tensors.items()}
    return {name: tensor.pin_memory() if device.type == "cuda" else tensor for name, tensor in host.items()}


def select_rows(tensor: Tensor, index: Int64[Tensor, " b"], device: torch.device) -> Tensor:
    """Return the rows of a batch, `(b, ...)`, on the device."""
    return tensor.index_select(0, index.to(tensor.device)).to(device, non_blocking=True)


def set_start_weights(
    networks: nn.ModuleDict, start: StartSpec, dataset: FullDatasetReader, stage: str, round_: int
) -> set[str]:
    """Set the weights that a stage begins with. Return the names of the networks that they belong to.

    Raises:
        RunFailedError: If a weight belongs to no network, has another shape or is not finite.
    """
    where = f"stages.{stage}.start"
    weights = dataset.read(start.weights, where, round_)
    current = networks.state_dict()
    _check_weights(weights, current, where)
    with torch.no_grad():
        for name in sorted(weights):
            current[name].copy_(dataset.broadcast_from_first(weights[name]))
    return {name.partition(".")[0] for name in weights}


def _check_weights(weights: Mapping[str, Tensor], current: Mapping[str, Tensor], where: str) -> None:
    fix = "Fix the plugin that provides it, or choose another start"
    for name, tensor in weights.items():
        if name not in current:
            raise RunFailedError.at(where, f"no network has weights named {name!r}", did_you_mean(name, current))
        if tensor.shape != current[name].shape:
            what = f"{name!r} has shape {tuple(tensor.shape)}, expected {tuple(current[name].shape)}"
            raise RunFailedError.at(where, what, fix)
        if not torch.isfinite(tensor).all():
            raise RunFailedError.at(where, f"{name!r} is not finite", fix)
