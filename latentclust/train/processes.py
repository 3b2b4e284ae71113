"""What the processes of a data-parallel training agree on between steps."""

import torch
from lightning_fabric import Fabric
from torch import Tensor

from latentclust.train.checkpoint import TrainingState


def average_over_processes(fabric: Fabric, state: TrainingState) -> None:
    """Average the values that processes compute from their own batches, so that all log, select and stop equally.

    These are the sums of terms and diagnostics, and batch norm's statistics. Counters are equal already.
    """
    if fabric.world_size == 1:
        return
    others = [*(state.chains.sums.values() if state.chains else ()), *([state.watch.sums] if state.watch else ())]
    for tensor in (*(p.sums for p in state.players.values()), *state.networks.buffers(), *others):
        mean = fabric.all_reduce(tensor.double(), reduce_op="mean")
        assert isinstance(mean, Tensor)
        tensor.copy_(mean)


def true_in_any(fabric: Fabric, *said: bool) -> tuple[bool, ...]:
    """Return for each value whether it is true in any process, so that all stop and save in the same round."""
    if fabric.world_size == 1:
        return said
    own = torch.tensor(said, dtype=torch.float, device=fabric.device)
    total = fabric.all_reduce(own, reduce_op="sum")
    assert isinstance(total, Tensor)
    return tuple(map(bool, total.tolist()))
