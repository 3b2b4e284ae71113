"""A loss or a quantity bound as a recipe would bind it, in each form of batches."""

import inspect
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from latentclust.assemble.step_plan import ALIGNMENT, ENGINE_VALUES, Binder, StepPlan, is_compatible, parameter_types
from latentclust.data.feed import Batch
from latentclust.errors import Issue
from latentclust.recipe.schema import LossTable, PlayerTable
from latentclust.specs.inference import ChainSpec
from latentclust.specs.parts import LossSpec
from latentclust.tensors import Images, Scalar
from latentclust.testing.sample_table_checks import table_rows
from latentclust.testing.subject import CheckedPart, CheckFailed
from latentclust.testing.variants import Form, forms
from latentclust.train.precision import Precision
from latentclust.train.step import Player

Functions = Mapping[str, Callable[..., Any]]

EMPTY_BATCH = Batch(raw=torch.zeros(0, 0), index=torch.zeros(0, dtype=torch.int64), views={})
"""A batch from which nothing is read, because the values of a variant are set beforehand."""

UNREACHED = "it depends on none of the networks"
"""What the binder says of a loss without networks; a quantity may well have none."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A plan of one loss in one form.

    Attributes:
        plan: Its player's plan.
        values: What the plan is given, by name.
        networks: The names of those among them that are networks.
    """

    form: Form
    plan: StepPlan
    values: dict[str, Any]
    networks: tuple[str, ...]

    def player(self, moving: str, precision: str = "fp32") -> Player:
        """The player that moves one of the networks; the code of its step is that of training."""
        plan = replace(self.plan, networks=(moving,))
        table, weights = PlayerTable(networks=(moving,)), {term.name: 1.0 for term in plan.terms}
        return Player(plan, table, weights, self.values, {}, Precision(precision, torch.device("cpu")), None)

    def computed(self, precision: str = "fp32") -> dict[str, Any]:
        """Every value of the plan, by name, from a generator in its first state."""
        self.values["rng"].manual_seed(0)
        values = dict(self.values)
        with Precision(precision, torch.device("cpu")).forward():
            for node in self.plan.nodes:
                values[node.name] = node.function(*[values[name] for name in node.reads])
        return values


class QuantityProbe(LossSpec):
    """A loss that asks for one quantity of any type, and is never computed."""

    def __call__(self, quantity: Any) -> Scalar:
        """Nothing."""
        raise AssertionError


def bound_loss(subject: CheckedPart) -> list[Bound]:
    """A loss in every form in which a recipe can bind it.

    A parameter that has no namesake is bound, as `on` would, to a quantity of its type: the distribution's own first.

    Raises:
        Unfit: It cannot be bound in any form.
    """
    loss = subject.build()
    return _in_any_form([_Binding(subject, form, type(loss).__call__).loss(loss) for form in forms(subject)])


def bound_quantity(subject: CheckedPart) -> list[Bound]:
    """A quantity in every form in which a recipe can compute it; raises Unfit where there is none."""
    name = subject.part.name
    return _in_any_form([_Binding(subject, form, None).quantity(name) for form in forms(subject)])


def _in_any_form(found: list["Bound | str"]) -> list[Bound]:
    bound = [one for one in found if isinstance(one, Bound)]
    if not bound:
        raise CheckFailed("no recipe can bind it; " + "; ".join(one for one in found if isinstance(one, str)))
    return bound


class _Binding:
    """The names that there are in one form, and plans made of them."""

    def __init__(self, subject: CheckedPart, form: Form, call: Callable[..., Any] | None) -> None:
        self._form = form
        quantities = subject.registry.parts("quantity")
        self._own = {
            part.name for part in quantities if part.provider.distribution == subject.part.provider.distribution
        }
        self._functions = functions(subject)
        readers = [*self._functions.values(), *([call] if call else [])]
        self._roles = {**{role: role for role in form.roles}, **dict(self._other_networks(readers))}
        self._types = {name: form.roles[role] for name, role in self._roles.items()}
        self._tables = dict(self._own_tables(subject, readers))
        rows = {name: table.part.value.provides for name, table in self._tables.items()}
        self._provided = _provided(subject, form, self._functions) | rows
        self._views = ("view", *self._other_views())

    def _unknown(self, reader: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
        """The parameters of a function that name neither a quantity, nor an engine's value, nor a role."""
        wanted, _ = parameter_types(reader)
        known = {*self._functions, *ENGINE_VALUES, *self._form.roles, "view", "view" + ALIGNMENT, "self"}
        return ((name, type_) for name, type_ in wanted.items() if name not in known)

    def _other_networks(self, readers: list[Callable[..., Any]]) -> Iterator[tuple[str, str]]:
        """Networks of other names than their role's, by the role that their readers annotate."""
        for reader in readers:
            for name, type_ in self._unknown(reader):
                for role, protocol in self._form.roles.items():
                    if type_ is protocol:
                        yield name, role

    def _own_tables(self, subject: CheckedPart, readers: list[Callable[..., Any]]) -> Iterator[tuple[str, CheckedPart]]:
        """The parameters that want what a table of the distribution provides, by that table."""
        own = subject.part.provider.distribution
        for part in subject.registry.parts("table"):
            if part.provider.distribution == own and part.value.provides is not Any:
                wanting = [
                    name for reader in readers for name, type_ in self._unknown(reader) if type_ is part.value.provides
                ]
                yield from ((name, CheckedPart(part, subject.registry)) for name in wanting)

    def _other_views(self) -> tuple[str, ...]:
        """The names of other views that quantities read."""
        found = [pair for function in self._functions.values() for pair in self._unknown(function)]
        return tuple(dict.fromkeys(name for name, type_ in found if type_ is Images and name not in self._provided))

    def quantity(self, name: str) -> "Bound | str":
        """The plan of one quantity, or why there is none."""
        return self._bound(QuantityProbe(), {"quantity": name})

    def loss(self, loss: LossSpec) -> "Bound | str":
        """The plan of a loss, or why there is none."""
        return self._bound(loss, self._chosen(loss))

    def _bound(self, loss: LossSpec, on: Mapping[str, str]) -> "Bound | str":
        issues: list[Issue] = []
        binder = Binder(self._functions, self._types, self._views, issues, self._provided)
        table = LossTable(use="any", player="all", on=on)
        plan = binder.plan("all", tuple(self._types), {"loss": loss}, {"loss": table})
        wrong = [
            issue.what for issue in issues if not (isinstance(loss, QuantityProbe) and issue.what.startswith(UNREACHED))
        ]
        if wrong:
            return f"of {self._form.name}: {wrong[0]}"
        networks = tuple(name for name in plan.given if name in self._types)
        values = self._form.given(self._views, self._provided)
        values |= {name: self._form.network(name, self._roles[name]) for name in networks}
        tables = {name: self._tables[name] for name in plan.given if name in self._tables}
        values |= {name: table_rows(table, self._form) for name, table in tables.items()}
        absent = [name for name in plan.given if name not in values]
        if absent:
            return f"of {self._form.name}: there is no {absent[0]}"
        return Bound(self._form, plan, {name: values[name] for name in (*plan.given, "rng")}, networks)

    def _chosen(self, loss: LossSpec) -> dict[str, str]:
        """A quantity of its type for every parameter without a namesake, each its own while there are enough."""
        on: dict[str, str] = {}
        for parameter, wanted in self._unknown(type(loss).__call__):
            if parameter in self._types or parameter in self._provided:
                continue
            fitting = [name for name in self._candidates(wanted) if isinstance(self.quantity(name), Bound)]
            fresh = [name for name in fitting if name not in on.values()]
            if fitting:
                on[parameter] = (fresh or fitting)[0]
        return on

    def _candidates(self, wanted: Any) -> list[str]:
        """The quantities of a type: the distribution's own before others."""
        found = [name for name, f in self._functions.items() if is_compatible(parameter_types(f)[1], wanted)]
        return sorted(found, key=lambda name: (name not in self._own, name))


def functions(subject: CheckedPart) -> dict[str, Callable[..., Any]]:
    """Every quantity by name; of several of one name the subject itself, or what a bare name means."""
    found: dict[str, Callable[..., Any]] = {}
    for part in subject.registry.parts("quantity"):
        found.setdefault(part.name, part.value)
    if subject.part.kind == "quantity":
        found[subject.part.name] = subject.part.value
    return found


def _provided(subject: CheckedPart, form: Form, known: Functions) -> dict[str, Any]:
    """What chains of the form give to a step and no quantity does, by type."""
    samplers = [part.value for part in subject.registry.parts("inference") if issubclass(part.value, ChainSpec)]
    of_form = [sampler for sampler in samplers if sampler.reads_maps == form.prior.per_pixel]
    return {name: type_ for sampler in of_form for name, type_ in sampler.provides.items() if name not in known}


def annotated_signature(function: Callable[..., Any], skip_self: bool = False) -> tuple[dict[str, Any], Any]:
    """Return the parameter types by name, and the result type. Raise CheckFailed if any annotation is missing."""
    hints = typing.get_type_hints(function)
    names = [*list(inspect.signature(function).parameters)[1 if skip_self else 0 :], "return"]
    missing = [name for name in names if hints.get(name, Any) is Any]
    if missing:
        raise CheckFailed(f"it does not annotate {', '.join(missing)}")
    return {name: hints[name] for name in names[:-1]}, hints["return"]
