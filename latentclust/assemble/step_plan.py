"""Binding of loss parameters to quantities by name, into one static, ordered step plan per player."""

import inspect
import types
import typing
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import torch

from latentclust.errors import Issue, LatentclustError, did_you_mean
from latentclust.recipe.training_tables import LossTable
from latentclust.specs.parts import LossSpec, PriorSpec
from latentclust.specs.quantities import QuantitySpec
from latentclust.tensors import Alignment, Images, Mask, Scalar

ENGINE_VALUES: Mapping[str, Any] = {
    "images": Images,
    "valid": Mask,
    "prior": PriorSpec,
    "batch_size": int,
    "rng": torch.Generator,
}
"""Types of the values that every training step provides, by name."""

UNREACHED = "does not depend on any network"
"""Beginning of the issue of a loss that reads no network of its player."""

ALIGNMENT = "_alignment"
"""Suffix of the name of a view's alignment."""


@dataclass(frozen=True, slots=True)
class PlannedQuantity:
    """A quantity of a plan.

    Attributes:
        name: Name of the quantity.
        function: Function that computes it.
        reads: Names of the function's arguments, in order.
    """

    name: str
    function: Callable[..., Any]
    reads: tuple[str, ...]

    @property
    def type(self) -> Any:
        """Type of the quantity, as its function declares it; Any without an annotation."""
        return parameter_types(self.function)[1]


@dataclass(frozen=True, slots=True)
class PlannedLoss:
    """A loss of a plan.

    Attributes:
        name: Name of the loss in the recipe.
        loss: Loss part.
        reads: Names that the loss's parameters are bound to, in order.
        after: Names that the parameters of its `after_step` are bound to; None if it has none.
    """

    name: str
    loss: LossSpec
    reads: tuple[str, ...]
    after: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class StepPlan:
    """The computations of a player's step, in order: first the quantities, each once, then the loss terms.

    Attributes:
        player: Name of the player.
        networks: Names of the networks that the player trains.
        given: Names of the engine's values, views, tables and networks that the plan reads.
        nodes: Quantities, each after those that it reads.
        terms: Losses.
    """

    player: str
    networks: tuple[str, ...]
    given: tuple[str, ...]
    nodes: tuple[PlannedQuantity, ...]
    terms: tuple[PlannedLoss, ...]

    @property
    def after(self) -> frozenset[str]:
        """Names that losses read after a step; networks among them may change then."""
        return frozenset(name for term in self.terms for name in term.after or ())

    def restricted(self, losses: Container[str]) -> "StepPlan":
        """Return the plan of some of the losses."""
        terms = tuple(term for term in self.terms if term.name in losses)
        wanted = {name for term in terms for name in (*term.reads, *(term.after or ()))}
        for node in reversed(self.nodes):  # the quantities that a node reads come before it
            wanted |= set(node.reads) if node.name in wanted else set()
        wanted |= {name.removesuffix(ALIGNMENT) for name in wanted if name.endswith(ALIGNMENT)}
        given = tuple(name for name in self.given if name in wanted)
        return StepPlan(self.player, self.networks, given, tuple(n for n in self.nodes if n.name in wanted), terms)


@dataclass(slots=True)
class _PlanBuilder:
    """A plan that is being built."""

    given: dict[str, None] = field(default_factory=dict)
    nodes: dict[str, PlannedQuantity] = field(default_factory=dict)
    pending: list[str] = field(default_factory=list)


class Binder:
    """A binder of names to the quantities, networks and views of one recipe; it collects issues.

    Args:
        quantities: Functions by name, or an error for an ambiguous quantity, which is reported if it is read.
        networks: Role protocols by name. These names take precedence over those of quantities.
        views: Names of the views.
        issues: List that issues are added to.
        provided: Types of the values that chains and tables provide. These names take precedence, too.
        offers: Quantities that other inferences would provide, with the name of the inference.
        rebound: Bindings `on` of the parameters of quantities, by name of the quantity.
    """

    def __init__(
        self,
        quantities: Mapping[str, Callable[..., Any] | LatentclustError],
        networks: Mapping[str, Any],
        views: tuple[str, ...],
        issues: list[Issue],
        provided: Mapping[str, Any] = MappingProxyType({}),
        offers: Mapping[str, str] = MappingProxyType({}),
        rebound: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    ) -> None:
        self.quantities = {name: found for name, found in quantities.items() if name not in {*networks, *provided}}
        self.given: dict[str, Any] = {**ENGINE_VALUES, **_of_views(views), **networks, **provided}
        self.alignments = {view + ALIGNMENT: view for view in views}
        self.issues = issues
        self.offers = offers
        self.rebound = rebound

    def plan(
        self, player: str, moved: tuple[str, ...], losses: Mapping[str, LossSpec], tables: Mapping[str, LossTable]
    ) -> StepPlan:
        """Return the plan of a player.

        Args:
            player: Name of the player.
            moved: Names of the networks that it trains.
            losses: Its enabled losses by name.
            tables: Recipe tables of the losses.
        """
        draft = _PlanBuilder()
        terms = []
        for name, loss in losses.items():
            reads, after = self._loss(draft, name, loss, tables[name].on)
            terms.append(PlannedLoss(name, loss, reads, after))
            if reads and not self._reaches(draft, reads, moved):
                what = f"{UNREACHED} of player {player!r} ({', '.join(moved)})"
                self.issues.append(
                    Issue(f"losses.{name}", what, "Set another player, or bind its parameters with `on`")
                )
        return StepPlan(player, moved, tuple(draft.given), tuple(draft.nodes.values()), tuple(terms))

    def _loss(
        self, draft: _PlanBuilder, name: str, loss: LossSpec, on: Mapping[str, str]
    ) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
        """Return what the parameters of a loss are bound to, empty after an issue, and those of its `after_step`."""
        where = f"losses.{name}"
        wanted, result = parameter_types(type(loss).__call__, skip_self=True)
        if result not in (Scalar, Any):
            fix = "Annotate its __call__ with -> Scalar"
            self.issues.append(Issue(where, f"must return a Scalar, returns {_type_name(result)}", fix))
        later = parameter_types(type(loss).after_step, skip_self=True)[0] if has_after_step(type(loss)) else None
        known = {**wanted, **(later or {})}
        for parameter in on:
            if parameter not in known:
                fix = did_you_mean(parameter, known)
                self.issues.append(Issue(f"{where}.on", f"the loss has no parameter {parameter!r}", fix))
        names = {parameter: on.get(parameter, parameter) for parameter in known}
        places = {parameter: f"{where}.on.{parameter}" if parameter in on else where for parameter in known}
        found = [self._bind(draft, names[p], known[p], "the loss", places[p]) for p in known]
        if not all(found):
            return (), None
        return tuple(names[p] for p in wanted), None if later is None else tuple(names[p] for p in later)

    def _bind(self, draft: _PlanBuilder, name: str, wanted: Any, reader: str, where: str) -> bool:
        """Make `name` available to a reader that expects a type. Return False after adding an issue."""
        if name in self.given:
            if name in self.alignments:  # the view is drawn with its alignment
                draft.given[self.alignments[name]] = None
            draft.given[name] = None
            return self._fits(name, self.given[name], wanted, reader, where)
        if name not in self.quantities:
            self._unknown(name, reader, where)
            return False
        function = self.quantities[name]
        if isinstance(function, LatentclustError):
            self.issues.extend(function.issues)
            return False
        reads, produced = parameter_types(function)
        if name not in draft.nodes and not self._compute(draft, name, function, reads, where):
            return False
        return self._fits(name, produced, wanted, reader, where)

    def _compute(
        self, draft: _PlanBuilder, name: str, function: Callable[..., Any], reads: Mapping[str, Any], where: str
    ) -> bool:
        """Add a quantity to the plan after those that it reads. Return False after adding an issue."""
        if name in draft.pending:
            circle = " -> ".join([*draft.pending[draft.pending.index(name) :], name])
            self.issues.append(
                Issue(where, f"quantities form a cycle: {circle}", "Bind one of them otherwise with `on`")
            )
            return False
        on = self.rebound.get(name, {})
        places = {read: f"quantities.{name}.on.{read}" if read in on else where for read in reads}
        draft.pending.append(name)
        found = [
            self._bind(draft, on.get(read, read), wanted, repr(name), places[read]) for read, wanted in reads.items()
        ]
        draft.pending.pop()
        if not all(found):
            return False
        draft.nodes[name] = PlannedQuantity(name, function, tuple(on.get(read, read) for read in reads))
        return True

    def _unknown(self, name: str, reader: str, where: str) -> None:
        roles = ("encoder", "generator", "critic", "discriminator", "trunk", "heads", "overclustering", "centroids")
        if name in roles:
            fix = f"Add [networks.{name}], or set enabled = false"
            self.issues.append(Issue(where, f"requires a network {name!r}, which is missing", fix))
        elif name in ("view", "view" + ALIGNMENT):
            what = "requires a view named 'view', which is missing"
            self.issues.append(Issue(where, what, "Add [views.view], or set enabled = false"))
        elif name in self.offers:
            what = f"{reader} reads {name!r}, which the inference does not provide"
            self.issues.append(Issue(where, what, f"Set inference.use = {self.offers[name]!r}"))
        else:
            advice = did_you_mean(name, [*self.quantities, *self.given])
            self.issues.append(Issue(where, f"{reader} reads {name!r}, which is not a known quantity", advice))

    def _fits(self, name: str, produced: Any, wanted: Any, reader: str, where: str) -> bool:
        if is_compatible(produced, wanted):
            return True
        what = f"{reader} expects {_type_name(wanted)}, but {name!r} is {_type_name(produced)}"
        self.issues.append(Issue(where, what, "Bind a quantity of that type with `on`"))
        return False

    def _reaches(self, draft: _PlanBuilder, reads: tuple[str, ...], moved: tuple[str, ...]) -> bool:
        """Return whether any of the names depends on a trained network."""
        return any(
            name in moved or (name in draft.nodes and self._reaches(draft, draft.nodes[name].reads, moved))
            for name in reads
        )


def has_after_step(loss: type[LossSpec]) -> bool:
    """Return whether a loss changes networks after a step."""
    return loss.after_step is not LossSpec.after_step


def _of_views(views: tuple[str, ...]) -> dict[str, Any]:
    """Return the types of each view's images and alignment."""
    return {**dict.fromkeys(views, Images), **{view + ALIGNMENT: Alignment for view in views}}


def parameter_types(function: Callable[..., Any], skip_self: bool = False) -> tuple[dict[str, Any], Any]:
    """Return the parameter types by name and the result's type. Missing annotations are Any."""
    if isinstance(function, QuantitySpec):
        function, skip_self = type(function).__call__, True
    hints = typing.get_type_hints(function)
    names = list(inspect.signature(function).parameters)[1 if skip_self else 0 :]
    return {name: hints.get(name, Any) for name in names}, hints.get("return", Any)


def is_compatible(produced: Any, wanted: Any) -> bool:
    """Return whether every type that a producer may return is accepted by the consumer.

    Types are compared by identity, not by structure: an encoder and a critic are both callable, but not the same.
    """
    if Any in (produced, wanted):
        return True
    takes = _members(wanted)
    return all(any(other in (one, *getattr(one, "__mro__", ())) for other in takes) for one in _members(produced))


def _members(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the type itself."""
    is_union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    return typing.get_args(annotation) if is_union else (annotation,)


def _type_name(annotation: Any) -> str:
    """Return a type as text for messages."""
    return " or ".join(getattr(member, "__name__", str(member)) for member in _members(annotation))
