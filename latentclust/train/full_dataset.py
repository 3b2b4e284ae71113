"""What is computed from all samples of the training set outside of steps, alike on every process."""

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from latentclust.errors import RunFailedError, did_you_mean
from latentclust.specs.inference import Model
from latentclust.specs.sample_tables import StartSpec
from latentclust.tensors import Images
from latentclust.train.chains import EvaluationMode, TrainingImages

FoundT = TypeVar("FoundT")
Read = Callable[[Model, Iterable[Images], torch.Generator], FoundT]
"""What is computed of the networks and all preprocessed images, by a generator."""


@dataclass(frozen=True, slots=True)
class FullDatasetReader:
    """The training set and the networks that read it."""

    model: Model
    training_images: TrainingImages
    seed: int
    fabric: Fabric

    def read(self, what: Read[FoundT], name: str, round_: int) -> FoundT:
        """Computes something, the networks held; its draws depend on seed, name and round alone."""
        entropy = np.random.SeedSequence((self.seed, zlib.crc32(name.encode()), round_))
        rng = torch.Generator(self.fabric.device).manual_seed(int(entropy.generate_state(1, np.uint64)[0] >> 1))
        with EvaluationMode(self.model.networks.values()), torch.no_grad():
            return what(self.model, self.training_images, rng)

    def broadcast_from_first(self, tensor: Tensor) -> Tensor:
        """What the first process has: others have seen other samples, and batch norm with them."""
        if self.fabric.world_size == 1:
            return tensor.detach()
        own = tensor.detach() if self.fabric.is_global_zero else torch.zeros_like(tensor)
        first = self.fabric.all_reduce(own.to(self.fabric.device), reduce_op="sum")
        assert isinstance(first, Tensor)
        return first


def set_start_weights(
    networks: nn.ModuleDict, start: StartSpec, whole: FullDatasetReader, stage: str, round_: int
) -> None:
    """Puts the weights that a stage begins with into the networks.

    Raises:
        RunFailedError: where one is of no network, of another shape or not finite.
    """
    where = f"stages.{stage}.start"
    found = whole.read(start.weights, where, round_)
    kept = networks.state_dict()
    _check_weights(found, kept, where)
    with torch.no_grad():
        for name in sorted(found):
            kept[name].copy_(whole.broadcast_from_first(found[name]))


def _check_weights(found: Mapping[str, Tensor], kept: Mapping[str, Tensor], where: str) -> None:
    fix = "Mend the plugin that provides it, or choose another start"
    for name, tensor in found.items():
        if name not in kept:
            raise RunFailedError.at(where, f"no network has weights named {name!r}", did_you_mean(name, kept))
        if tensor.shape != kept[name].shape:
            what = f"{name!r} of shape {tuple(tensor.shape)}, and the network's is {tuple(kept[name].shape)}"
            raise RunFailedError.at(where, what, fix)
        if not torch.isfinite(tensor).all():
            raise RunFailedError.at(where, f"{name!r} is not finite", fix)
