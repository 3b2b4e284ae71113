"""Binding: loss parameters to quantities by name, into one static, ordered plan for each player."""

import inspect
import types
import typing
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import torch

from latentclust.errors import Issue, LatentclustError, did_you_mean
from latentclust.recipe.schema import LossTable
from latentclust.specs.parts import LossSpec, PriorSpec
from latentclust.tensors import Alignment, Images, Mask, Scalar

ENGINE_VALUES: Mapping[str, Any] = {
    "images": Images,
    "valid": Mask,
    "prior": PriorSpec,
    "batch_size": int,
    "rng": torch.Generator,
}
"""What the engine itself provides in every step, by type."""

ALIGNMENT = "_alignment"
"""What is put behind a view's name for the alignment that comes with it."""


@dataclass(frozen=True, slots=True)
class PlannedQuantity:
    """One quantity of a plan: a function and the names of what it reads."""

    name: str
    function: Callable[..., Any]
    reads: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlannedLoss:
    """One loss of a plan and the names that its parameters are bound to, in order."""

    name: str
    loss: LossSpec
    reads: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StepPlan:
    """What a player computes in a step, in order: first the quantities, each once, then the loss terms.

    Attributes:
        given: The engine's values, views and networks that the plan reads.
    """

    player: str
    networks: tuple[str, ...]
    given: tuple[str, ...]
    nodes: tuple[PlannedQuantity, ...]
    terms: tuple[PlannedLoss, ...]

    def restricted(self, losses: Container[str]) -> "StepPlan":
        """The same for some of the losses alone."""
        terms = tuple(term for term in self.terms if term.name in losses)
        wanted = {name for term in terms for name in term.reads}
        for node in reversed(self.nodes):  # what a node reads comes before it
            wanted |= set(node.reads) if node.name in wanted else set()
        wanted |= {name.removesuffix(ALIGNMENT) for name in wanted if name.endswith(ALIGNMENT)}
        given = tuple(name for name in self.given if name in wanted)
        return StepPlan(self.player, self.networks, given, tuple(n for n in self.nodes if n.name in wanted), terms)


@dataclass(slots=True)
class _PlanBuilder:
    """A plan in the making."""

    given: dict[str, None] = field(default_factory=dict)
    nodes: dict[str, PlannedQuantity] = field(default_factory=dict)
    pending: list[str] = field(default_factory=list)


class Binder:
    """Resolves names against the quantities, networks and views of one recipe, noting issues."""

    def __init__(
        self,
        quantities: Mapping[str, Callable[..., Any] | LatentclustError],
        networks: Mapping[str, Any],
        views: tuple[str, ...],
        issues: list[Issue],
        provided: Mapping[str, Any] = MappingProxyType({}),
        offers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Takes what may be named.

        Args:
            quantities: Functions by name; an error for one whose definition is in doubt, told where it is asked for.
            networks: Role protocols by name; these names win over those of quantities.
            views: Names of views, which are images.
            issues: Where issues are added.
            offers: What other inferences would provide: name to the inference's own.
            provided: Types of what chains and tables provide; these names win over those of quantities.
        """
        self.quantities = {name: found for name, found in quantities.items() if name not in {*networks, *provided}}
        self.given: dict[str, Any] = {**ENGINE_VALUES, **_of_views(views), **networks, **provided}
        self.alignments = {view + ALIGNMENT: view for view in views}
        self.issues = issues
        self.offers = offers

    def plan(
        self, player: str, moved: tuple[str, ...], losses: Mapping[str, LossSpec], tables: Mapping[str, LossTable]
    ) -> StepPlan:
        """The plan of a player whose enabled losses are `losses`."""
        draft = _PlanBuilder()
        terms = []
        for name, loss in losses.items():
            reads = self._loss(draft, name, loss, tables[name].on)
            terms.append(PlannedLoss(name, loss, reads))
            if reads and not self._reaches(draft, reads, moved):
                what = f"it depends on none of the networks of player {player!r} ({', '.join(moved)})"
                self.issues.append(
                    Issue(f"losses.{name}", what, "Give it another player, or bind it otherwise with `on`")
                )
        return StepPlan(player, moved, tuple(draft.given), tuple(draft.nodes.values()), tuple(terms))

    def _loss(self, draft: _PlanBuilder, name: str, loss: LossSpec, on: Mapping[str, str]) -> tuple[str, ...]:
        where = f"losses.{name}"
        wanted, result = parameter_types(type(loss).__call__, skip_self=True)
        if result not in (Scalar, Any):
            fix = "Annotate its __call__ with -> Scalar"
            self.issues.append(Issue(where, f"the loss returns {_type_name(result)}, not a Scalar", fix))
        for parameter in on:
            if parameter not in wanted:
                fix = did_you_mean(parameter, wanted)
                self.issues.append(Issue(f"{where}.on", f"the loss has no parameter {parameter!r}", fix))
        names = {parameter: on.get(parameter, parameter) for parameter in wanted}
        places = {parameter: f"{where}.on.{parameter}" if parameter in on else where for parameter in wanted}
        found = [self._bind(draft, names[p], wanted[p], "the loss", places[p]) for p in wanted]
        return tuple(names.values()) if all(found) else ()

    def _bind(self, draft: _PlanBuilder, name: str, wanted: Any, reader: str, where: str) -> bool:
        """Makes `name` available to a reader that wants a type; False after noting an issue."""
        if name in self.given:
            if name in self.alignments:  # which the view brings with it
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
        """Adds a quantity to the draft after all that it reads; False after noting an issue."""
        if name in draft.pending:
            circle = " -> ".join([*draft.pending[draft.pending.index(name) :], name])
            self.issues.append(Issue(where, f"quantities go round in a circle: {circle}", "Break the circle"))
            return False
        draft.pending.append(name)
        found = [self._bind(draft, read, wanted, repr(name), where) for read, wanted in reads.items()]
        draft.pending.pop()
        if not all(found):
            return False
        draft.nodes[name] = PlannedQuantity(name, function, tuple(reads))
        return True

    def _unknown(self, name: str, reader: str, where: str) -> None:
        roles = ("encoder", "generator", "critic", "discriminator", "trunk", "heads", "overclustering", "centroids")
        if name in roles:
            fix = f"Add [networks.{name}], or set enabled = false"
            self.issues.append(Issue(where, f"it needs a network {name!r}, which the recipe lacks", fix))
        elif name in ("view", "view" + ALIGNMENT):
            what = "it needs a view named 'view', which the recipe lacks"
            self.issues.append(Issue(where, what, "Add [views.view], or set enabled = false"))
        elif name in self.offers:
            what = f"{reader} asks for {name!r}, which the chosen inference does not provide"
            self.issues.append(Issue(where, what, f"Set inference.use = {self.offers[name]!r}"))
        else:
            advice = did_you_mean(name, [*self.quantities, *self.given])
            self.issues.append(Issue(where, f"{reader} asks for {name!r}, and there is no such quantity", advice))

    def _fits(self, name: str, produced: Any, wanted: Any, reader: str, where: str) -> bool:
        if is_compatible(produced, wanted):
            return True
        what = f"{name!r} is {_type_name(produced)}, and {reader} wants {_type_name(wanted)}"
        self.issues.append(Issue(where, what, "Bind a quantity of that type with `on`"))
        return False

    def _reaches(self, draft: _PlanBuilder, reads: tuple[str, ...], moved: tuple[str, ...]) -> bool:
        """Whether any of the names rests on a moved network."""
        return any(
            name in moved or (name in draft.nodes and self._reaches(draft, draft.nodes[name].reads, moved))
            for name in reads
        )


def _of_views(views: tuple[str, ...]) -> dict[str, Any]:
    """What each view gives: its images, and their alignment."""
    return {**dict.fromkeys(views, Images), **{view + ALIGNMENT: Alignment for view in views}}


def parameter_types(function: Callable[..., Any], skip_self: bool = False) -> tuple[dict[str, Any], Any]:
    """Parameter types by name, and the result's type; what is not annotated is Any."""
    hints = typing.get_type_hints(function)
    names = list(inspect.signature(function).parameters)[1 if skip_self else 0 :]
    return {name: hints.get(name, Any) for name in names}, hints.get("return", Any)


def is_compatible(produced: Any, wanted: Any) -> bool:
    """Whether every type that a producer may give is one that the consumer takes.

    By name alone: an encoder and a critic are both callable, which makes neither of them the other.
    """
    if Any in (produced, wanted):
        return True
    takes = _members(wanted)
    return all(any(other in (one, *getattr(one, "__mro__", ())) for other in takes) for one in _members(produced))


def _members(annotation: Any) -> tuple[Any, ...]:
    """The alternatives of a union, or the type itself."""
    is_union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    return typing.get_args(annotation) if is_union else (annotation,)


def _type_name(annotation: Any) -> str:
    """A type as a user would read it."""
    return " or ".join(getattr(member, "__name__", str(member)) for member in _members(annotation))
