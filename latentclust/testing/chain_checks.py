"""Checks of inferences that sample while networks are trained: what they keep for each sample, and give to a step."""

from collections.abc import Iterator, Mapping
from functools import partial

import torch
from torch import Tensor

from latentclust.specs.inference import Advance, ChainSpec, Model
from latentclust.testing.inference_checks import images_for, models
from latentclust.testing.network_checks import saved_and_loaded
from latentclust.testing.randomness import bitwise_equal, repeats
from latentclust.testing.small_networks import tensors_of
from latentclust.testing.subject import CheckedPart, require
from latentclust.train.full_dataset import evaluation_mode

COUNT = 6
HALFWAY = 0.5
"""Training progress, as a share."""

Rows = dict[str, Tensor]


def has_one_row_per_sample(subject: CheckedPart) -> None:
    """`begin` returns finite tensors with one row per sample, and `advance` preserves their shapes and types."""
    for spec, model in _chains(subject):
        chains = _begun(spec, model)
        require(chains, "`begin` gives no tensor")
        for name, rows in chains.items():
            _check_rows(name, rows, len(rows) if rows.dim() else 0)
        moved = _advanced(spec, model, chains).chains
        require(moved.keys() == chains.keys(), f"`advance` gives {sorted(moved)}, and `begin` gave {sorted(chains)}")
        for name, rows in moved.items():
            kept = rows.shape == chains[name].shape and rows.dtype == chains[name].dtype
            require(kept, f"`advance` changes {name} to {rows.dtype} of shape {tuple(rows.shape)}")
            _check_rows(name, rows, len(rows))


def _check_rows(name: str, rows: Tensor, count: int) -> None:
    require(count == COUNT, f"its {name} has {count} rows for {COUNT} samples")
    require(torch.isfinite(rows).all(), f"its {name} is not finite")


def provides_the_declared_quantities(subject: CheckedPart) -> None:
    """`advance` returns every quantity that `provides` names, and diagnostics that are finite 0-d tensors."""
    for spec, model in _chains(subject):
        advance = _advanced(spec, model, _begun(spec, model))
        said, given = set(spec.provides), set(advance.quantities)
        require(said == given, f"`provides` declares {sorted(said)}, but `advance` returns {sorted(given)}")
        for name, value in advance.diagnostics.items():
            scalar = isinstance(value, Tensor) and value.dim() == 0 and bool(torch.isfinite(value))
            require(scalar, f"the diagnostic {name!r} is not a finite 0-d tensor")


def advance_is_deterministic_for_a_generator(subject: CheckedPart) -> None:
    """The same generator state gives the same chains, and no other generator is used."""
    for spec, model in _chains(subject):
        repeats(partial(_run, spec, model))


def round_trips_through_a_checkpoint(subject: CheckedPart) -> None:
    """Chains restored from a checkpoint continue as without the interruption."""
    for spec, model in _chains(subject):
        chains = _begun(spec, model)
        went_on, again = _advanced(spec, model, chains), _advanced(spec, model, saved_and_loaded(chains))
        equal = all(map(bitwise_equal, tensors_of(went_on.chains), tensors_of(again.chains)))
        require(equal, "chains restored from a checkpoint continue differently")


def _chains(subject: CheckedPart) -> Iterator[tuple[ChainSpec, Model]]:
    for spec, model in models(subject):
        assert isinstance(spec, ChainSpec), "asked of chains alone"
        yield spec, model


@torch.no_grad()
def _begun(spec: ChainSpec, model: Model) -> Rows:
    batches = [images_for(model.prior, COUNT // 2, seed) for seed in range(2)]
    return spec.begin(model, batches, torch.Generator().manual_seed(1))


def _advanced(spec: ChainSpec, model: Model, chains: Mapping[str, Tensor]) -> Advance:
    images = images_for(model.prior, COUNT, 2)
    with evaluation_mode(model.networks.values()):
        return spec.advance(model, images, chains, HALFWAY, torch.Generator().manual_seed(3))


def _run(spec: ChainSpec, model: Model) -> list[Tensor]:
    return tensors_of(_advanced(spec, model, _begun(spec, model)))
