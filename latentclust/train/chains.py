"""The chains of an inference, kept by sample index, advanced once per round and committed after it."""

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
from latentclust.train.full_dataset import evaluation_mode, place_tensors, select_rows
from latentclust.train.precision import Precision


@dataclass(slots=True)
class Chains:
    """The chains of one training.

    Every process holds the state of all samples. It advances the chains of its own samples, whose index modulo the
    number of processes is its rank.

    Attributes:
        spec: The inference.
        model: The networks and the prior.
        read: Returns the preprocessed images of a batch.
        training_images: All preprocessed images of the training set.
        precision: Precision of the networks' computations.
        rng: Generator of a training step, on the device.
        memory_limit: Largest size of the state on the device, in bytes.
        state: State tensors by name, float32 or int64, with one row per training sample.
        values: Quantities that the chains of the current batch provide.
        sums: Sum of each diagnostic since the last record.
        count: Number of rounds in `sums`.
    """

    spec: ChainSpec
    model: Model
    read: Callable[[Batch], Tensor]
    training_images: Iterable[Images]
    precision: Precision
    rng: torch.Generator
    memory_limit: int
    state: dict[str, Tensor] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    sums: dict[str, Tensor] = field(default_factory=dict)
    count: int = 0
    _next: tuple[Int64[Tensor, " b"], Mapping[str, Tensor]] | None = None

    def begin(self, seed: int) -> None:
        """Start new chains for all samples, equal on every process."""
        rng = torch.Generator(self.rng.device).manual_seed(seed)
        with evaluation_mode(self._networks()), torch.no_grad():
            self.restore(self.spec.begin(self.model, self.training_images, rng))

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Replace the state. It goes to host memory if it exceeds the memory limit."""
        self.state = place_tensors(state, self.rng.device, self.memory_limit)

    def advance(self, batch: Batch, progress: float) -> None:
        """Advance the chains of a batch. The state does not change until `commit`."""
        rows = {name: select_rows(tensor, batch.index, self.rng.device) for name, tensor in self.state.items()}
        networks = self._networks()
        with evaluation_mode(networks), self.precision.converted_weights(networks), self.precision.forward():
            valid = None if batch.valid is None else Mask(batch.valid)
            found = self.spec.advance(self.model, Images(self.read(batch)), rows, progress, self.rng, valid)
        self.values = dict(found.quantities)
        self._next = (batch.index, found.chains)
        for name, number in found.diagnostics.items():
            self.sums[name] = self.sums.get(name, torch.zeros((), device=number.device)) + number.detach().float()
        self.count += 1

    def commit(self) -> None:
        """Write the advanced chains of the last batch to the state."""
        assert self._next is not None, "call advance before commit"
        index, chains = self._next
        for name, rows in chains.items():
            kept = self.state[name]
            kept.index_copy_(0, index.to(kept.device), rows.detach().to(kept.device, kept.dtype))
        self._next = None

    def means(self) -> dict[str, float]:
        """Return the mean of each diagnostic since the last call of `drain`."""
        return {name: total.item() / max(self.count, 1) for name, total in self.sums.items()}

    def drain(self) -> dict[str, float]:
        """Return the mean of each diagnostic since the last call, and reset the sums."""
        means = self.means()
        self.sums, self.count = {}, 0
        return means

    def gather(self, fabric: Fabric) -> None:
        """Gather the states of all processes, so that every process holds the current state of all samples."""
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
