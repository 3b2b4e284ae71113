"""What any body owes: weights that a seed decides, that gradients reach, and that a file can hold."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from latentclust.testing.randomness import bitwise_equal
from latentclust.testing.subject import CheckFailed, require
from latentclust.train.precision import Precision

Made = TypeVar("Made", bound=nn.Module)
Net = TypeVar("Net", bound=nn.Module)

SEEDS = range(3)
"""Of weights from one of which a gradient must not be 0: a rectifier may close on all samples of a few."""

NOISE = 0.1
"""Deviation of what is added to weights that begin constant."""


@dataclass(frozen=True, slots=True)
class NetworkUse:
    """How a body is built, and what is read from it."""

    make: Callable[[], nn.Module]
    read: Callable[[nn.Module], Tensor]


def seeded(make: Callable[..., Made], *arguments: Any, seed: int = 0) -> Made:
    """A module with the weights that torch's global generator gives after a seed; the generator is put back."""
    with torch.random.fork_rng(devices=()):
        torch.default_generator.manual_seed(seed)
        return make(*arguments)


def check_reached(make: Callable[[int], Net], read: Callable[[Net], Sequence[Tensor]], given: Tensor) -> None:
    """Requires gradients that are finite and, from one of a few seeds, not all 0, of every weight and of the input.

    A bias may have the gradient 0, as one has that a normalisation takes away again; without any it is not read.

    Args:
        make: The network with the weights of a seed.
        read: What it computes; the sum of all squares is differentiated.
        given: What it reads, a leaf.
    """
    unreached: list[str] = []
    for seed in SEEDS:
        network = _perturbed(make(seed), seed)
        given.grad = None
        torch.stack([found.square().sum() for found in read(network)]).sum().backward()  # type: ignore[no-untyped-call]
        leaves = {**_moving(network), "what it is given": given}
        finite = all(torch.isfinite(leaf.grad).all() for leaf in leaves.values() if leaf.grad is not None)
        require(finite, "a gradient is not finite")
        still = [name for name, leaf in leaves.items() if not _reached(name, leaf)]
        unreached = [name for name in still if seed == SEEDS[0] or name in unreached]
        if not unreached:
            return
    raise CheckFailed(f"no gradient reaches {', '.join(unreached)}")


def _moving(network: nn.Module) -> dict[str, Tensor]:
    return {name: parameter for name, parameter in network.named_parameters() if parameter.requires_grad}


def _reached(name: str, leaf: Tensor) -> bool:
    return leaf.grad is not None and (name.endswith("bias") or not leaf.numel() or bool(leaf.grad.any()))


@torch.no_grad()
def _perturbed(network: Net, seed: int) -> Net:
    """The network with noise on all that begins constant: before a layer of zeros nothing learns in the first step."""
    rng = torch.Generator().manual_seed(seed)
    for parameter in _moving(network).values():
        if parameter.numel() and (parameter == parameter.flatten()[0]).all():
            parameter.add_(NOISE * torch.randn(parameter.shape, generator=rng))
    return network


def check_seeded(use: NetworkUse) -> None:
    """Requires the same weights of two bodies built from one seed."""
    first, again = seeded(use.make).state_dict(), seeded(use.make).state_dict()
    moved = [name for name in first if name not in again or not bitwise_equal(first[name], again[name])]
    require(first.keys() == again.keys() and not moved, "built twice from one seed it has other weights")


@torch.no_grad()
def check_bf16(use: NetworkUse) -> None:
    """Requires finite values under bf16 autocast."""
    body = seeded(use.make)
    with Precision("bf16", torch.device("cpu")).forward():
        require(torch.isfinite(use.read(body)).all(), "under bf16 autocast it is not finite")


@torch.no_grad()
def check_saved(use: NetworkUse) -> None:
    """Requires the same bits of a body and of a new one that was given its weights by way of safetensors."""
    body = seeded(use.make).eval()
    try:
        kept = saved_and_loaded(body.state_dict())
        fresh = seeded(use.make, seed=1).eval()
        fresh.load_state_dict(kept)
    except (RuntimeError, ValueError, TypeError) as error:
        raise CheckFailed(f"its weights cannot be kept in a checkpoint: {error}") from error
    alike = bitwise_equal(use.read(fresh), use.read(body))
    require(alike, "with its weights read back from a checkpoint it computes something else: is a value no buffer?")


def saved_and_loaded(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors by way of a safetensors file."""
    return load(save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}))
