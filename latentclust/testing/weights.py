"""What any body owes: weights that a seed decides, that gradients reach, and that a file can hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from latentclust.testing.randomness import same
from latentclust.testing.subject import Unfit, require
from latentclust.train.precision import Precision

Made = TypeVar("Made", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class Use:
    """How a body is built, and what is read from it."""

    make: Callable[[], nn.Module]
    read: Callable[[nn.Module], Tensor]


def seeded(make: Callable[..., Made], *arguments: Any, seed: int = 0) -> Made:
    """A module with the weights that torch's global generator gives after a seed; the generator is put back."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        return make(*arguments)


def check_unreached(network: nn.Module, given: Tensor) -> None:
    """After a backward pass: gradients reached every weight that may move, are finite, and reached the input."""
    moving = [(name, parameter) for name, parameter in network.named_parameters() if parameter.requires_grad]
    unreached = [name for name, parameter in moving if parameter.grad is None]
    require(not unreached, f"no gradient reaches {', '.join(unreached)}")
    finite = all(torch.isfinite(parameter.grad).all() for _, parameter in moving if parameter.grad is not None)
    require(finite, "a gradient is not finite")
    require(given.grad is not None and given.grad.abs().sum() > 0, "no gradient reaches what it is given")


def check_seeded(use: Use) -> None:
    """Requires the same weights of two bodies built from one seed."""
    first, again = seeded(use.make).state_dict(), seeded(use.make).state_dict()
    moved = [name for name in first if name not in again or not same(first[name], again[name])]
    require(first.keys() == again.keys() and not moved, "built twice from one seed it has other weights")


@torch.no_grad()
def check_bf16(use: Use) -> None:
    """Requires finite values under bf16 autocast."""
    body = seeded(use.make)
    with Precision("bf16", torch.device("cpu")).forward():
        require(torch.isfinite(use.read(body)).all(), "under bf16 autocast it is not finite")


@torch.no_grad()
def check_kept(use: Use) -> None:
    """Requires the same bits of a body and of a new one that was given its weights by way of safetensors."""
    body = seeded(use.make).eval()
    try:
        kept = kept_in_file(body.state_dict())
        fresh = seeded(use.make, seed=1).eval()
        fresh.load_state_dict(kept)
    except (RuntimeError, ValueError, TypeError) as error:
        raise Unfit(f"its weights cannot be kept in a checkpoint: {error}") from error
    alike = same(use.read(fresh), use.read(body))
    require(alike, "with its weights read back from a checkpoint it computes something else: is a value no buffer?")


def kept_in_file(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors by way of a safetensors file."""
    return load(save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}))
