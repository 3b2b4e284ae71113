"""A check of the samples that a network is called with, which names the network and both widths."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from latentclust.errors import LatentclustError
from latentclust.tensors import Latent, Shape


@dataclass(frozen=True, slots=True)
class InputCheck:
    """A hook that a network calls before it reads a batch.

    Attributes:
        name: Name of the network in the recipe.
        shape: Shape of one sample. For a network of label maps, the number of channels alone.
    """

    name: str
    shape: Shape

    def __call__(self, network: nn.Module, inputs: tuple[Any, ...]) -> None:
        """Raise LatentclustError if the samples of a batch have another shape."""
        if not inputs or torch.compiler.is_compiling():  # a recorded graph has symbols as sizes
            return
        found = _shape_of(inputs)
        if found[: len(self.shape)] == self.shape:
            return
        what = f"reads {_named(self.shape)}, but is given {_named(found)}"
        fix = "Bind what calls it to other values with `on`, or set `reads` or `features_of` of the network"
        raise LatentclustError.at(f"networks.{self.name}", what, fix)


def _shape_of(inputs: tuple[Any, ...]) -> Shape:
    """Return the shape of one sample of a batch. Latents and pairs are concatenated."""
    first = inputs[0]
    if isinstance(first, Latent):
        return (first.category.shape[1] + first.style.shape[1],)
    if len(inputs) > 1 and isinstance(inputs[1], Tensor):
        return (first.shape[1] + inputs[1].shape[1],)
    return tuple(first.shape[1:])


def _named(shape: Shape) -> str:
    if len(shape) == 1:
        return f"{shape[0]} values per sample"
    return f"samples of shape {' x '.join(map(str, shape))}"
