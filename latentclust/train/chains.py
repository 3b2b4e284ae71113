"""Chains kept by sample index, advanced once a round, and committed after it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Int64
from lightning_fabric import Fabric
from torch import Tensor, nn

from latentclust.data.feed import Batch
from latentclust.specs.inference import ChainSpec, Model
from latentclust.tensors import Images, Mask
from latentclust.train.precision import Precision
from latentclust.train.sample_rows import place_tensors, select_rows

TrainingImages = Iterable[Images]
"""All preprocessed images of the training set, in order; may be gone through more than once."""


@dataclass(slots=True)
class Chains:
    """The chains of one training.

    Every process holds the state of all samples, and advances those of its own, whose index leaves its rank when
    divided by the number of processes.

    Attributes:
        state: A row a sample of the training set, float32 or int64.
        values: What the chains of the batch provide in this round.
        sums: Of each diagnostic since the last record.
    """

    spec: ChainSpec
    model: Model
    read: Callable[[Batch], Tensor]
    training_images: TrainingImages
    precision: Precision
    rng: torch.Generator
    memory_limit: int
    state: dict[str, Tensor] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    sums: dict[str, Tensor] = field(default_factory=dict)
    count: int = 0
    _next: tuple[Int64[Tensor, " b"], Mapping[str, Tensor]] | None = None

    def begin(self, seed: int) -> None:
        """New chains for all samples, the same on every process."""
        rng = torch.Generator(self.rng.device).manual_seed(seed)
        with EvaluationMode(self._networks()), torch.no_grad():
            self.restore(self.spec.begin(self.model, self.training_images, rng))

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Takes over a state: on the device where it fits the limit, else in the host's memory, pinned for a GPU."""
        self.state = place_tensors(state, self.rng.device, self.memory_limit)

    def advance(self, batch: Batch, progress: float) -> None:
        """Moves the chains of a batch; the state stays as it is until the round is over."""
        rows = {name: select_rows(tensor, batch.index, self.rng.device) for name, tensor in self.state.items()}
        with EvaluationMode(self._networks()), self.precision.forward():
            valid = None if batch.valid is None else Mask(batch.valid)
            found = self.spec.advance(self.model, Images(self.read(batch)), rows, progress, self.rng, valid)
        self.values = dict(found.quantities)
        self._next = (batch.index, found.chains)
        for name, number in found.diagnostics.items():
            self.sums[name] = self.sums.get(name, torch.zeros((), device=number.device)) + number.detach().float()
        self.count += 1

    def commit(self) -> None:
        """The chains of the batch stay where they are now."""
        assert self._next is not None, "advance comes first"
        index, chains = self._next
        for name, rows in chains.items():
            kept = self.state[name]
            kept.index_copy_(0, index.to(kept.device), rows.detach().to(kept.device, kept.dtype))
        self._next = None

    def means(self) -> dict[str, float]:
        """The mean of each diagnostic since the last drain."""
        return {name: total.item() / max(self.count, 1) for name, total in self.sums.items()}

    def drain(self) -> dict[str, float]:
        """The mean of each diagnostic since the last call."""
        means = self.means()
        self.sums, self.count = {}, 0
        return means

    def gather(self, fabric: Fabric) -> None:
        """Every process takes over what the others made of their own samples."""
        if fabric.world_size == 1:
            return
        for tensor in self.state.values():
            owner = torch.arange(len(tensor), device=tensor.device) % fabric.world_size == fabric.global_rank
            own = torch.where(owner.view(-1, *[1] * (tensor.dim() - 1)), tensor, torch.zeros_like(tensor))
            summed = fabric.all_reduce(own.to(fabric.device), reduce_op="sum")
            assert isinstance(summed, Tensor)
            tensor.copy_(summed)

    def _networks(self) -> tuple[nn.Module, ...]:
        return tuple(self.model.networks[name] for name in self.spec.needs)


class EvaluationMode:
    """Networks in evaluation mode and held while open, and as they were afterwards."""

    def __init__(self, networks: Iterable[nn.Module]) -> None:
        """Takes the networks; nothing happens yet."""
        self._networks = tuple(networks)
        self._training = [network.training for network in self._networks]
        self._moving = [p for network in self._networks for p in network.parameters() if p.requires_grad]

    def __enter__(self) -> None:
        """Holds them."""
        for network in self._networks:
            network.eval()
        for parameter in self._moving:
            parameter.requires_grad_(False)

    def __exit__(self, *exception: object) -> None:
        """Lets them go."""
        for network, training in zip(self._networks, self._training, strict=True):
            network.train(training)
        for parameter in self._moving:
            parameter.requires_grad_(True)
