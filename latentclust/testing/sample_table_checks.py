"""Checks of sample tables and of starts, which compute the weights that a stage begins with."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor, nn

from latentclust.errors import LatentclustError
from latentclust.specs.backbones import BackboneSpec, CentroidsSpec, DecoderSpec, EncoderHeadSpec, ExtractorSpec
from latentclust.specs.inference import Model
from latentclust.specs.sample_tables import StartSpec, TableSpec
from latentclust.tensors import Images, Shape
from latentclust.testing.network_checks import seeded
from latentclust.testing.randomness import bitwise_equal, repeats
from latentclust.testing.small_networks import own_network, role_of
from latentclust.testing.subject import CheckedPart, CheckFailed, NotApplicable, accepted, require, unless_refused
from latentclust.testing.variants import BATCH, Variant, variants
from latentclust.train.full_dataset import evaluation_mode

T = TypeVar("T")

BATCHES = 3
SAMPLES = BATCHES * BATCH
"""Number of training samples."""

LARGER: tuple[Shape, ...] = ((1, 28, 28), (3, 32, 32))
"""Shapes of images that convolutional backbones read."""

ROLE_SPECS: Mapping[str, type[BackboneSpec]] = {"centroids": CentroidsSpec, "generator": DecoderSpec}
"""Specs of the backbones of each role; those of other roles are extractors."""


def has_one_row_per_sample(subject: CheckedPart) -> None:
    """The table is finite and has one row per sample. Indices of samples are int64 `(n, m)` and in range."""
    spec: TableSpec = subject.build()
    for table in _for_each_variant(subject, _table):
        rows = len(table) if table.dim() else 0
        require(rows == SAMPLES, f"it has {rows} rows for {SAMPLES} samples")
        if spec.of_samples:
            layout = f"{table.dtype} {tuple(table.shape)}"
            require(table.dtype == torch.int64 and table.dim() == 2, f"its indices are {layout}, and not int64 (n, m)")
            inside = table.numel() and table.min() >= 0 and table.max() < SAMPLES
            require(inside, f"its indices are not those of {SAMPLES} samples, counted from 0")
        require(torch.isfinite(table).all(), "one of its values is not finite")


def gives_weights_of_networks(subject: CheckedPart) -> None:
    """The weights are finite and have the names and shapes of weights of the networks."""
    for networks, weights in _for_each_variant(subject, _named_weights):
        require(weights, "it returns no weights")
        for name, weight in weights.items():
            require(name in networks, f"no network has weights named {name!r}")
            shape = tuple(networks[name].shape)
            require(
                tuple(weight.shape) == shape, f"its weight {name} has shape {tuple(weight.shape)}, expected {shape}"
            )
            require(torch.isfinite(weight).all(), f"its {name} is not finite")


def declares_the_networks_it_reads(subject: CheckedPart) -> None:
    """`needs` names all networks that it reads."""
    for variant in _variants(subject):
        try:
            unless_refused(_found, subject, variant, True)
        except KeyError as error:
            raise CheckFailed(f"it reads the network {error}, which `needs` does not name") from error


def is_deterministic_for_a_generator(subject: CheckedPart) -> None:
    """The same generator state gives the same result bit for bit, and no other generator is used."""
    for variant in _variants(subject):
        if unless_refused(_found, subject, variant) is not None:
            repeats(partial(_bits, subject, variant))


def does_not_change_weights(subject: CheckedPart) -> None:
    """Computing it does not change the weights of the networks."""
    for variant in _variants(subject):
        model = unless_refused(_model, subject, variant)
        if model is None:
            continue
        before = _state(model.networks)
        if unless_refused(_of, subject, model, variant) is not None:
            moved = [name for name, weight in _state(model.networks).items() if not bitwise_equal(weight, before[name])]
            require(not moved, f"it changes {' and '.join(moved)}")


def table_rows(subject: CheckedPart, variant: Variant) -> Tensor:
    """Return the rows of a table for a batch."""
    return _table(subject, variant)[:BATCH]


def _for_each_variant(subject: CheckedPart, compute: Callable[[CheckedPart, Variant], T]) -> list[T]:
    """Return its results for the accepted variants. Raise CheckFailed if it rejects all of them."""
    return accepted("every variant of batches", partial(compute, subject), _variants(subject))


def _table(subject: CheckedPart, variant: Variant) -> Tensor:
    return _found(subject, variant)[""]


def _named_weights(subject: CheckedPart, variant: Variant) -> tuple[dict[str, Tensor], Mapping[str, Tensor]]:
    model = _model(subject, variant)
    return _state(model.networks), _of(subject, model, variant)


def _found(subject: CheckedPart, variant: Variant, only: bool = False) -> Mapping[str, Tensor]:
    return _of(subject, _model(subject, variant, only), variant)


def _bits(subject: CheckedPart, variant: Variant) -> list[Tensor]:
    return [tensor for _, tensor in sorted(_found(subject, variant).items())]


def _of(subject: CheckedPart, model: Model, variant: Variant) -> Mapping[str, Tensor]:
    """Return a table under an empty name, or weights by name."""
    spec: TableSpec | StartSpec = subject.build()
    batches, rng = list(_batches(variant)), torch.Generator().manual_seed(1)
    with evaluation_mode(model.networks.values()), torch.no_grad():
        if isinstance(spec, TableSpec):
            return {"": spec.compute(model, batches, rng)}
        try:
            spec.check(model.networks)
        except LatentclustError as error:
            raise NotApplicable(str(error)) from error
        return spec.weights(model, batches, rng)


def _batches(variant: Variant) -> Iterator[Images]:
    rng = torch.Generator().manual_seed(2)
    return (Images(torch.rand(BATCH, *variant.shape, generator=rng)) for _ in range(BATCHES))


def _model(subject: CheckedPart, variant: Variant, only: bool = False) -> Model:
    """Return networks in all roles and those that `needs` names, or with `only` just the latter."""
    needs = subject.build().needs
    roles = {name: role_of(subject, name, variant.roles) for name in needs}
    named = roles if only else {role: role for role in variant.roles} | roles
    others = {name: variant.network(name, role) for name, role in named.items() if name not in roles}
    read = {name: network_of(subject, variant, name, role) for name, role in roles.items()}
    return Model(others | read, variant.prior)


def network_of(subject: CheckedPart, variant: Variant, name: str, role: str) -> nn.Module:
    """Return a network with a backbone of the same distribution, if one fits the role, or a small one.

    Only a start may set weights that such a backbone alone has, so that a table gets a small network instead of one
    that cannot read the samples.

    Raises:
        LatentclustError: If all backbones that fit the role cannot read or draw the samples.
    """
    known = [spec for spec in _own_backbones(subject) if isinstance(spec, ROLE_SPECS.get(role, ExtractorSpec))]
    refusals: list[str] = []
    for spec in sorted(known, key=lambda spec: not isinstance(spec, EncoderHeadSpec)):
        build = partial(own_network, spec, role, variant.prior, variant.shape)
        found: nn.Module | None = unless_refused(seeded, build, refusals=refusals)
        if found is not None:
            return found
    if refusals and subject.part.kind == "start":
        fix = "Check the start with samples that the backbones of its distribution read"
        raise LatentclustError.at(f"networks.{name}", "; ".join(refusals), fix)
    return variant.network(name, role)


def _own_backbones(subject: CheckedPart) -> list[BackboneSpec]:
    """Return the backbones of the same distribution."""
    parts = subject.registry.parts("backbone")
    own = [part for part in parts if part.provider.distribution == subject.part.provider.distribution]
    return [CheckedPart(part, subject.registry).build() for part in own]


def _variants(subject: CheckedPart) -> tuple[Variant, ...]:
    """Return the variants of batches; larger images if it is a start and small ones suit no backbone beside it."""
    found = variants(subject)
    images = [variant for variant in found if variant.name == "images"]
    if subject.part.kind != "start" or any(unless_refused(_model, subject, variant) for variant in images):
        return found
    return (*found, *(replace(variant, shape=shape) for variant in images for shape in LARGER))


def _state(networks: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """Return copies of all parameters and buffers by network and name."""
    return {
        f"{name}.{key}": value.detach().clone()
        for name, network in networks.items()
        for key, value in network.state_dict().items()
    }
