"""The memory that the networks of a recipe need, computed before any of it is taken."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from latentclust.assemble.build import build_without_memory
from latentclust.assemble.resolve import Resolved
from latentclust.errors import LatentclustError
from latentclust.tensors import Shape

COPIES = 4
"""Copies of each trained weight: itself, its gradient, and the two moments of Adam."""

GIB = 2**30


@dataclass(frozen=True, slots=True)
class NetworkMemory:
    """Parameters and memory of the networks.

    Attributes:
        parameters: Number of parameters of each network by name.
        weights: Memory of all weights and buffers in bytes.
        training: Memory of weights, gradients and the optimizer's state in bytes, without activations.
    """

    parameters: Mapping[str, int]
    weights: int
    training: int

    def __str__(self) -> str:
        """Return both in one line."""
        total = sum(self.parameters.values())
        return f"{total:,} parameters, {self.training / GIB:.2g} GiB in training without activations"


def network_memory(resolved: Resolved, shape: Shape) -> NetworkMemory | None:
    """Return the memory of a recipe's networks for samples of `shape`. None if a backbone cannot tell it in advance."""
    networks = build_without_memory(resolved, shape)
    if networks is None:
        return None
    sizes = {name: bytes_of(network) for name, network in networks.items()}
    trained = sum(size for name, size in sizes.items() if not resolved.recipe.networks[name].frozen)
    parameters = {name: sum(p.numel() for p in network.parameters()) for name, network in networks.items()}
    weights = sum(sizes.values())
    return NetworkMemory(parameters, weights, weights + (COPIES - 1) * trained)


def bytes_of(network: nn.Module) -> int:
    """Return the memory of a network's weights and buffers."""
    return sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())


def physical_memory() -> int:
    """Return the memory of this machine in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def check_memory(resolved: Resolved, shape: Shape) -> None:
    """Raise LatentclustError if the weights alone exceed the memory of this machine."""
    found = network_memory(resolved, shape)
    if found is not None and found.weights > physical_memory():
        largest = max(found.parameters, key=lambda name: found.parameters[name])
        what = f"the networks have {found}, more than the {physical_memory() / GIB:.3g} GiB of this machine"
        fix = f"Lower the sizes of {largest}, or the size of the images (data.size)"
        raise LatentclustError.at(f"networks.{largest}", what, fix)


def memory_warning(resolved: Resolved, shape: Shape) -> str | None:
    """Return a warning if training needs more than half of the machine's memory. None otherwise."""
    found = network_memory(resolved, shape)
    if found is None or found.training <= physical_memory() / 2:
        return None
    largest = max(found.parameters, key=lambda name: found.parameters[name])
    return (
        f"the networks have {found}, of {physical_memory() / GIB:.3g} GiB: lower the sizes of networks.{largest}, "
        "data.size or train.batch_size"
    )
