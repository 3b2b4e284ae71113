"""Losses and quantities bound as a recipe binds them, for each variant of batches."""

import inspect
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from latentclust.assemble.step_plan import (
    ALIGNMENT,
    ENGINE_VALUES,
    UNREACHED,
    Binder,
    StepPlan,
    has_after_step,
    is_compatible,
    parameter_types,
)
from latentclust.data.feed import Batch
from latentclust.errors import Issue
from latentclust.plugins.registry import Part, Registry
from latentclust.recipe.training_tables import LossTable, PlayerTable
from latentclust.specs.inference import ChainSpec
from latentclust.specs.parts import LossSpec
from latentclust.tensors import Images, Scalar
from latentclust.testing.sample_table_checks import network_of, table_rows
from latentclust.testing.subject import CheckedPart, CheckFailed
from latentclust.testing.variants import Variant, variants
from latentclust.train.precision import Precision
from latentclust.train.step import Player

Functions = Mapping[str, Callable[..., Any]]

EMPTY_BATCH = Batch(raw=torch.zeros(0, 0), index=torch.zeros(0, dtype=torch.int64), views={})
"""A batch from which nothing is read, because the values of a variant are set beforehand."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The plan of one loss for one variant of batches.

    Attributes:
        plan: Plan of the player.
        values: Values that the plan starts from, by name.
        networks: Names of the networks among the values.
    """

    variant: Variant
    plan: StepPlan
    values: dict[str, Any]
    networks: tuple[str, ...]

    @property
    def trainable(self) -> tuple[str, ...]:
        """Names of the networks that have parameters; a queue has none."""
        return tuple(name for name in self.networks if next(self.values[name].parameters(), None) is not None)

    def player(self, moving: str, precision: str = "fp32") -> Player:
        """Return the player that trains one of the networks, with the step code of training."""
        plan = replace(self.plan, networks=(moving,))
        table, weights = PlayerTable(networks=(moving,)), {term.name: 1.0 for term in plan.terms}
        return Player(plan, table, weights, self.values, {}, Precision(precision, torch.device("cpu")), None)

    def computed(self, precision: str = "fp32") -> dict[str, Any]:
        """Return all values of the plan by name, computed with a reset generator."""
        self.values["rng"].manual_seed(0)
        values = dict(self.values)
        with Precision(precision, torch.device("cpu")).forward():
            for node in self.plan.nodes:
                values[node.name] = node.function(*[values[name] for name in node.reads])
        return values


class QuantityProbe(LossSpec):
    """A loss with one parameter of any type, which is never computed."""

    def __call__(self, quantity: Any) -> Scalar:
        """Raise AssertionError: the loss is never computed."""
        raise AssertionError


def bound_loss(subject: CheckedPart) -> list[Bound]:
    """Bind a loss for every variant of batches in which a recipe can bind it.

    A parameter that does not name a quantity is bound, as by `on`, to a quantity of its type, preferably of the same
    distribution.

    Raises:
        CheckFailed: If it cannot be bound for any variant.
    """
    loss = subject.build()
    return _in_any_variant([_Binding(subject, variant, *_calls(loss)).loss(loss) for variant in variants(subject)])


def bound_quantity(subject: CheckedPart) -> list[Bound]:
    """Bind a quantity for every variant of batches. Raise CheckFailed if there is none."""
    name = subject.part.name
    return _in_any_variant([_Binding(subject, variant).quantity(name) for variant in variants(subject)])


def _in_any_variant(found: list["Bound | str"]) -> list[Bound]:
    bound = [one for one in found if isinstance(one, Bound)]
    if not bound:
        raise CheckFailed("no recipe can bind it; " + "; ".join(one for one in found if isinstance(one, str)))
    return bound


class _Binding:
    """The names that are available in one variant of batches, and the plans that use them."""

    def __init__(self, subject: CheckedPart, variant: Variant, *calls: Callable[..., Any]) -> None:
        self._subject, self._variant = subject, variant
        quantities = subject.registry.parts("quantity")
        self._own = {
            part.name for part in quantities if part.provider.distribution == subject.part.provider.distribution
        }
        self._functions = functions(subject)
        readers = [*self._functions.values(), *calls]
        self._roles = {**{role: role for role in variant.roles}, **dict(self._other_networks(readers))}
        self._types = {name: variant.roles[role] for name, role in self._roles.items()}
        self._tables = dict(self._own_tables(subject, readers))
        rows = {name: table.part.value.provides for name, table in self._tables.items()}
        self._provided = _provided(subject, variant, self._functions) | rows
        self._views = ("view", *self._other_views())

    def _unknown(self, reader: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
        """Return the parameters that name neither a quantity, nor an engine value, nor a role."""
        wanted, _ = parameter_types(reader)
        known = {*self._functions, *ENGINE_VALUES, *self._variant.roles, "view", "view" + ALIGNMENT, "self"}
        return ((name, type_) for name, type_ in wanted.items() if name not in known)

    def _other_networks(self, readers: list[Callable[..., Any]]) -> Iterator[tuple[str, str]]:
        """Yield the networks that are not named after their role, with the role that their readers annotate."""
        for reader in readers:
            for name, type_ in self._unknown(reader):
                for role, protocol in self._variant.roles.items():
                    if type_ is protocol:
                        yield name, role

    def _own_tables(self, subject: CheckedPart, readers: list[Callable[..., Any]]) -> Iterator[tuple[str, CheckedPart]]:
        """Yield the parameters whose type a sample table of the distribution provides, with that table."""
        own = subject.part.provider.distribution
        for part in subject.registry.parts("table"):
            if part.provider.distribution == own and part.value.provides is not Any:
                wanting = [
                    name for reader in readers for name, type_ in self._unknown(reader) if type_ is part.value.provides
                ]
                yield from ((name, CheckedPart(part, subject.registry)) for name in wanting)

    def _other_views(self) -> tuple[str, ...]:
        """Return the names of other views that quantities read."""
        found = [pair for function in self._functions.values() for pair in self._unknown(function)]
        return tuple(dict.fromkeys(name for name, type_ in found if type_ is Images and name not in self._provided))

    def quantity(self, name: str) -> "Bound | str":
        """Return the plan of a quantity, or the reason why there is none."""
        return self._bound(QuantityProbe(), {"quantity": name})

    def loss(self, loss: LossSpec) -> "Bound | str":
        """Return the plan of a loss, or the reason why there is none."""
        return self._bound(loss, self._chosen(loss))

    def _bound(self, loss: LossSpec, on: Mapping[str, str]) -> "Bound | str":
        issues: list[Issue] = []
        binder = Binder(self._functions, self._types, self._views, issues, self._provided)
        table = LossTable(use="any", player="all", on=on)
        plan = binder.plan("all", tuple(self._types), {"loss": loss}, {"loss": table})
        # A quantity need not depend on a network.
        wrong = [
            issue.what for issue in issues if not (isinstance(loss, QuantityProbe) and issue.what.startswith(UNREACHED))
        ]
        if wrong:
            return f"of {self._variant.name}: {wrong[0]}"
        networks = tuple(name for name in plan.given if name in self._types)
        values = self._variant.given(self._views, self._provided)
        values |= {name: self._network(name) for name in networks}
        tables = {name: self._tables[name] for name in plan.given if name in self._tables}
        values |= {name: table_rows(table, self._variant) for name, table in tables.items()}
        absent = [name for name in plan.given if name not in values]
        if absent:
            return f"of {self._variant.name}: {absent[0]} is not available"
        return Bound(self._variant, plan, {name: values[name] for name in (*plan.given, "rng")}, networks)

    def _network(self, name: str) -> Any:
        """Return a small network, or centroids with a backbone of the same distribution, such as a queue."""
        role = self._roles[name]
        if role == "centroids":
            return network_of(self._subject, self._variant, name, role)
        return self._variant.network(name, role)

    def _chosen(self, loss: LossSpec) -> dict[str, str]:
        """Return a quantity of the right type for every parameter that names none, a different one each if possible."""
        on: dict[str, str] = {}
        for parameter, wanted in (pair for call in _calls(loss) for pair in self._unknown(call)):
            if parameter in self._types or parameter in self._provided:
                continue
            fitting = [name for name in self._candidates(wanted) if isinstance(self.quantity(name), Bound)]
            fresh = [name for name in fitting if name not in on.values()]
            if fitting:
                on[parameter] = (fresh or fitting)[0]
        return on

    def _candidates(self, wanted: Any) -> list[str]:
        """Return the quantities of a type, those of the distribution first."""
        found = [name for name, f in self._functions.items() if is_compatible(parameter_types(f)[1], wanted)]
        return sorted(found, key=lambda name: (name not in self._own, name))


def _calls(loss: LossSpec) -> tuple[Callable[..., Any], ...]:
    """Return the functions of a loss whose parameters are bound: `__call__`, and `after_step` if it has one."""
    later = (type(loss).after_step,) if has_after_step(type(loss)) else ()
    return (type(loss).__call__, *later)


def functions(subject: CheckedPart) -> dict[str, Callable[..., Any]]:
    """Return all quantities by name. If several have one name, the checked part or the bare name wins."""
    found: dict[str, Callable[..., Any]] = {}
    for part in subject.registry.parts("quantity"):
        found.setdefault(part.name, _function(part, subject.registry))
    if subject.part.kind == "quantity":
        found[subject.part.name] = _function(subject.part, subject.registry)
    return found


def _function(part: Part, registry: Registry) -> Callable[..., Any]:
    """Return what computes a quantity: a function, or the spec built from its examples."""
    function: Callable[..., Any] = CheckedPart(part, registry).build() if isinstance(part.value, type) else part.value
    return function


def _provided(subject: CheckedPart, variant: Variant, known: Functions) -> dict[str, Any]:
    """Return the types of the values that only chains provide to a step, by name."""
    samplers = [part.value for part in subject.registry.parts("inference") if issubclass(part.value, ChainSpec)]
    of_variant = [sampler for sampler in samplers if sampler.reads_maps == variant.prior.per_pixel]
    return {name: type_ for sampler in of_variant for name, type_ in sampler.provides.items() if name not in known}


def annotated_signature(function: Callable[..., Any], skip_self: bool = False) -> tuple[dict[str, Any], Any]:
    """Return the parameter types by name, and the result type. Raise CheckFailed if any annotation is missing."""
    hints = typing.get_type_hints(function)
    names = [*list(inspect.signature(function).parameters)[1 if skip_self else 0 :], "return"]
    missing = [name for name in names if hints.get(name, Any) is Any]
    if missing:
        raise CheckFailed(f"it does not annotate {', '.join(missing)}")
    return {name: hints[name] for name in names[:-1]}, hints["return"]
