"""Checks of quantities, for every variant of batches in which a recipe can compute them."""

import typing
from functools import partial
from typing import Any

import torch
from torch import Tensor

from latentclust.tensors import (
    ClusterImages,
    Code,
    Features,
    HeadLogits,
    Images,
    Latent,
    Mask,
    Permutation,
    Scores,
    Vectors,
)
from latentclust.testing.binding import Bound, annotated_signature, bound_quantity
from latentclust.testing.randomness import repeats
from latentclust.testing.small_networks import tensors_of
from latentclust.testing.subject import CheckedPart, accepted, require, unless_refused
from latentclust.testing.variants import BATCH

OF_EACH_SAMPLE = (ClusterImages, Code, Features, HeadLogits, Images, Latent, Mask, Permutation, Scores, Vectors)
"""Types whose tensors have one row per sample of the batch."""

DTYPES: dict[Any, tuple[torch.dtype, ...]] = {
    Mask: (torch.bool,),
    Permutation: (torch.int64,),
}
"""Data types of the tensors of types that are not float32."""


def binds_by_its_parameters(subject: CheckedPart) -> None:
    """Parameters and result are annotated, and every parameter names a value of a training step."""
    call, is_spec = _call(subject)
    annotated_signature(call, skip_self=is_spec)
    bound_quantity(subject)


def matches_its_return_type(subject: CheckedPart) -> None:
    """For every variant the value has the declared type, and its tensors are finite and have one row per sample."""
    declared = typing.get_type_hints(_call(subject)[0])["return"]
    for value in _for_each_variant(subject, "fp32"):
        if isinstance(declared, type):
            require(isinstance(value, declared), f"it returns {type(value).__name__}, not {declared.__name__}")
        tensors = tensors_of(value)
        require(tensors, "it returns no tensor")
        for tensor in tensors:
            _check(tensor, declared)


def runs_in_bf16(subject: CheckedPart) -> None:
    """Its tensors under bf16 autocast are finite."""
    for value in _for_each_variant(subject, "bf16"):
        require(
            all(torch.isfinite(tensor).all() for tensor in tensors_of(value)),
            "its value is not finite under bf16 autocast",
        )


def is_deterministic_for_a_generator(subject: CheckedPart) -> None:
    """The same generator state gives the same value bit for bit, and no other generator is used."""
    name = subject.part.name
    for bound in bound_quantity(subject):
        if unless_refused(bound.computed) is not None:
            repeats(partial(_tensors, bound, name))


def _call(subject: CheckedPart) -> tuple[Any, bool]:
    """Return the function that computes the quantity, and whether its first parameter is `self`."""
    is_spec = isinstance(subject.part.value, type)
    return (subject.part.value.__call__ if is_spec else subject.part.value), is_spec


def _for_each_variant(subject: CheckedPart, precision: str) -> list[Any]:
    """Return its values for the accepted variants. Raise CheckFailed if it rejects all of them."""
    name = subject.part.name
    found = accepted("every variant of batches", Bound.computed, bound_quantity(subject), precision)
    return [values[name] for values in found]


def _tensors(bound: Bound, name: str) -> list[Tensor]:
    return tensors_of(bound.computed()[name])


def _check(tensor: Tensor, declared: Any) -> None:
    require(torch.isfinite(tensor).all(), "one of its values is not finite")
    dtypes = DTYPES.get(declared, (torch.float32,))
    if declared in OF_EACH_SAMPLE:
        require(tensor.dtype in dtypes, f"it gives {tensor.dtype}, and not {' or '.join(map(str, dtypes))}")
        rows = tensor.shape[0] if tensor.dim() else 0
        require(rows == BATCH, f"it returns {rows} rows for {BATCH} samples")
