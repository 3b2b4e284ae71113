"""Checks of tables with a row for each training sample, and of the weights that a stage begins with."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor, nn

from latentclust.networks.images import EncoderNetwork
from latentclust.specs.backbones import EncoderHeadSpec
from latentclust.specs.inference import Model
from latentclust.specs.sample_tables import StartSpec, TableSpec
from latentclust.tensors import Images
from latentclust.testing.network_checks import seeded
from latentclust.testing.randomness import bitwise_equal, repeats
from latentclust.testing.small_networks import role_of
from latentclust.testing.subject import CheckedPart, CheckFailed, require, unless_refused
from latentclust.testing.variants import BATCH, Form, forms
from latentclust.train.full_dataset import evaluation_mode

T = TypeVar("T")

BATCHES = 3
SAMPLES = BATCHES * BATCH
"""Of the training set."""


def has_one_row_per_sample(subject: CheckedPart) -> None:
    """The table is finite and has a row for each sample; of samples, indices `(n, m)` int64 of those there are."""
    spec: TableSpec = subject.build()
    for table in _in_each_form(subject, _table):
        rows = len(table) if table.dim() else 0
        require(rows == SAMPLES, f"of {SAMPLES} samples it has {rows} rows")
        if spec.of_samples:
            form = f"{table.dtype} {tuple(table.shape)}"
            require(table.dtype == torch.int64 and table.dim() == 2, f"its indices are {form}, and not int64 (n, m)")
            inside = table.numel() and table.min() >= 0 and table.max() < SAMPLES
            require(inside, f"its indices are not those of {SAMPLES} samples, counted from 0")
        require(torch.isfinite(table).all(), "a value of it is not finite")


def gives_weights_of_networks(subject: CheckedPart) -> None:
    """The weights are finite and have names and shapes of the networks'."""
    for networks, weights in _in_each_form(subject, _named_weights):
        require(weights, "it gives no weight")
        for name, weight in weights.items():
            require(name in networks, f"no network has weights named {name!r}")
            shape = tuple(networks[name].shape)
            require(tuple(weight.shape) == shape, f"its {name} is {tuple(weight.shape)}, and the network's {shape}")
            require(torch.isfinite(weight).all(), f"its {name} is not finite")


def declares_the_networks_it_reads(subject: CheckedPart) -> None:
    """`needs` names every network that it reads."""
    for form in forms(subject):
        try:
            unless_refused(_found, subject, form, True)
        except KeyError as error:
            raise CheckFailed(f"it reads the network {error}, which `needs` does not name") from error


def is_deterministic_for_a_generator(subject: CheckedPart) -> None:
    """The generator in the same state gives the same bits, and no other generator is drawn from."""
    for form in forms(subject):
        if unless_refused(_found, subject, form) is not None:
            repeats(partial(_bits, subject, form))


def does_not_change_weights(subject: CheckedPart) -> None:
    """Computing it changes no weight of the networks."""
    for form in forms(subject):
        model = _model(subject, form)
        before = _state(model.networks)
        if unless_refused(_of, subject, model, form) is not None:
            moved = [name for name, weight in _state(model.networks).items() if not bitwise_equal(weight, before[name])]
            require(not moved, f"it changes {' and '.join(moved)}")


def table_rows(subject: CheckedPart, form: Form) -> Tensor:
    """The rows that a table has for a batch."""
    return _table(subject, form)[:BATCH]


def _in_each_form(subject: CheckedPart, compute: Callable[[CheckedPart, Form], T]) -> list[T]:
    """What it gives in the forms that it does not refuse in words; raises Unfit where it refuses all."""
    found = [value for form in forms(subject) if (value := unless_refused(compute, subject, form)) is not None]
    require(found, "it refuses every form of batches")
    return found


def _table(subject: CheckedPart, form: Form) -> Tensor:
    return _found(subject, form)[""]


def _named_weights(subject: CheckedPart, form: Form) -> tuple[dict[str, Tensor], Mapping[str, Tensor]]:
    model = _model(subject, form)
    return _state(model.networks), _of(subject, model, form)


def _found(subject: CheckedPart, form: Form, only: bool = False) -> Mapping[str, Tensor]:
    return _of(subject, _model(subject, form, only), form)


def _bits(subject: CheckedPart, form: Form) -> list[Tensor]:
    return [tensor for _, tensor in sorted(_found(subject, form).items())]


def _of(subject: CheckedPart, model: Model, form: Form) -> Mapping[str, Tensor]:
    """A table, under an empty name, or weights by name."""
    spec: TableSpec | StartSpec = subject.build()
    batches, rng = list(_batches(form)), torch.Generator().manual_seed(1)
    with evaluation_mode(model.networks.values()), torch.no_grad():
        if isinstance(spec, TableSpec):
            return {"": spec.compute(model, batches, rng)}
        return spec.weights(model, batches, rng)


def _batches(form: Form) -> Iterator[Images]:
    rng = torch.Generator().manual_seed(2)
    return (Images(torch.rand(BATCH, *form.shape, generator=rng)) for _ in range(BATCHES))


def _model(subject: CheckedPart, form: Form, only: bool = False) -> Model:
    """Networks in each role and those that are needed beside them; `only` the needed ones."""
    needs = subject.build().needs
    roles = {name: role_of(subject, name, form.roles) for name in needs}
    named = roles if only else {role: role for role in form.roles} | roles
    return Model({name: _network(subject, form, name, role) for name, role in named.items()}, form.prior)


def _network(subject: CheckedPart, form: Form, name: str, role: str) -> nn.Module:
    """A small network, or an encoder with the head that the distribution's own backbone brings."""
    for part in subject.registry.parts("backbone"):
        own = part.provider.distribution == subject.part.provider.distribution
        fits = role == "encoder" and not form.prior.per_pixel and issubclass(part.value, EncoderHeadSpec)
        if own and fits:
            return seeded(_own_encoder, CheckedPart(part, subject.registry).build(), form)
    return form.network(name, role)


def _own_encoder(spec: EncoderHeadSpec, form: Form) -> EncoderNetwork:
    sizes = form.prior.clusters, form.prior.style_dim
    body = spec.extractor(form.shape)
    return EncoderNetwork(body, *sizes, head=spec.head(body.width, *sizes))


def _state(networks: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """Copies of all parameters and buffers, by network and name."""
    return {
        f"{name}.{key}": value.detach().clone()
        for name, network in networks.items()
        for key, value in network.state_dict().items()
    }
