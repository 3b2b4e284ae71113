"""Checks of any network: reproducible initial weights, gradients, bf16, and saving and loading."""

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
"""Seeds of the weights. A gradient must not be 0 for all of them; a rectifier may be closed for some."""

NOISE = 0.1
"""Standard deviation of the noise added to constant initial weights."""


@dataclass(frozen=True, slots=True)
class NetworkUse:
    """A way to build a backbone and to compute an output of it."""

    make: Callable[[], nn.Module]
    read: Callable[[nn.Module], Tensor]


def seeded(make: Callable[..., Made], *arguments: Any, seed: int = 0) -> Made:
    """Build a module after seeding torch's global generator, and restore the generator."""
    with torch.random.fork_rng(devices=()):
        torch.default_generator.manual_seed(seed)
        return make(*arguments)


def check_reached(make: Callable[[int], Net], read: Callable[[Net], Sequence[Tensor]], given: Tensor) -> None:
    """Require finite gradients of all weights and the input that are not all 0 for at least one seed.

    A bias may have the gradient 0, for example if a normalisation follows it, but it must have a gradient.

    Args:
        make: Function that returns the network with the weights of a seed.
        read: Function that returns the outputs, the sum of whose squares is differentiated.
        given: Input, a leaf tensor.
    """
    unreached: list[str] = []
    for seed in SEEDS:
        network = _perturbed(make(seed), seed)
        given.grad = None
        torch.stack([found.square().sum() for found in read(network)]).sum().backward()  # type: ignore[no-untyped-call]
        leaves = {**_moving(network), "the input": given}
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
    """Add noise to all constant parameters: no gradient passes a layer of zeros in the first step."""
    rng = torch.Generator().manual_seed(seed)
    for parameter in _moving(network).values():
        if parameter.numel() and (parameter == parameter.flatten()[0]).all():
            parameter.add_(NOISE * torch.randn(parameter.shape, generator=rng))
    return network


def check_seeded(use: NetworkUse) -> None:
    """Require the same weights of two backbones built from the same seed."""
    first, again = seeded(use.make).state_dict(), seeded(use.make).state_dict()
    moved = [name for name in first if name not in again or not bitwise_equal(first[name], again[name])]
    require(first.keys() == again.keys() and not moved, "built twice from the same seed it has different weights")


@torch.no_grad()
def check_bf16(use: NetworkUse) -> None:
    """Require finite outputs under bf16 autocast."""
    body = seeded(use.make)
    with Precision("bf16", torch.device("cpu")).forward():
        require(torch.isfinite(use.read(body)).all(), "under bf16 autocast it is not finite")


@torch.no_grad()
def check_saved(use: NetworkUse) -> None:
    """Require the same output of a backbone and of a new one with its weights, restored from safetensors."""
    body = seeded(use.make).eval()
    try:
        kept = saved_and_loaded(body.state_dict())
        fresh = seeded(use.make, seed=1).eval()
        fresh.load_state_dict(kept)
    except (RuntimeError, ValueError, TypeError) as error:
        raise CheckFailed(f"its weights cannot be saved in a checkpoint: {error}") from error
    equal = bitwise_equal(use.read(fresh), use.read(body))
    require(
        equal,
        "its output differs after its weights are restored from a checkpoint: is a value missing from the buffers?",
    )


def saved_and_loaded(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Save tensors in the safetensors format and load them again."""
    return load(save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}))
