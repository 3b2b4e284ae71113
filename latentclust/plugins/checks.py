"""Checks of the parts that a plugin provides: name, type and completeness."""

import inspect
import re
import tomllib
import typing
from collections.abc import Mapping
from importlib.resources.abc import Traversable
from typing import Any

from latentclust.plugins.containment import error_summary
from latentclust.specs.backbones import BackboneSpec
from latentclust.specs.evaluation import Baseline, MetricSpec
from latentclust.specs.inference import ChainSpec, InferenceSpec
from latentclust.specs.parts import DatasetSpec, LossSpec, PriorSpec, Spec
from latentclust.specs.quantities import QuantitySpec
from latentclust.specs.sample_tables import StartSpec, TableSpec
from latentclust.specs.views import ViewSpec

SPECS: Mapping[str, type[Spec]] = {
    "backbone": BackboneSpec,
    "prior": PriorSpec,
    "loss": LossSpec,
    "view": ViewSpec,
    "table": TableSpec,
    "start": StartSpec,
    "inference": InferenceSpec,
    "dataset": DatasetSpec,
    "metric": MetricSpec,
    "baseline": Baseline,
}
"""Kinds whose parts are specs, with the base class of each."""

KINDS = (*SPECS, "quantity", "system")

RECIPE = "recipe"

PROVIDED = (*KINDS, RECIPE)
"""All kinds that hooks provide. The recipes that ship are files, which no hook provides."""

FILES = ("system", RECIPE)
"""Kinds whose parts are TOML files."""

NAME_PATTERNS = {"quantity": r"[A-Za-z_]\w*", "system": r"[A-Za-z0-9][\w.+-]*@\d+"}
"""Patterns of the names of these kinds."""

NAME_PATTERN = r"[A-Za-z0-9][\w.+-]*"
"""Pattern of the names of all other kinds. A colon would separate the name of a distribution."""

DATASET_TEXTS = ("summary", "licence", "layout")
"""Attributes with which a data set describes itself."""


PREFIX = "provide_"
"""Beginning of the names of hooks."""

IRREGULAR = {"losses": "loss", "quantities": "quantity"}
"""Kinds by their plural, if it has more than an s."""


def hook_kind(hook: str) -> str:
    """Return the kind of a hook: `loss` for `provide_losses`."""
    plural = hook.removeprefix(PREFIX)
    return IRREGULAR.get(plural, plural.removesuffix("s"))


def kind_hook(kind: str) -> str:
    """Return the hook of a kind: `provide_losses` for `loss`."""
    return PREFIX + next((plural for plural, one in IRREGULAR.items() if one == kind), f"{kind}s")


def check_part(kind: str, name: object, value: object) -> str | None:
    """Return the problem of a part, as a predicate, or None if it can be used."""
    pattern = NAME_PATTERNS.get(kind, NAME_PATTERN)
    if not (isinstance(name, str) and re.fullmatch(pattern, name)):
        return f"is not a valid name: it must match {pattern}"
    try:
        return _check_value(kind, value)
    except Exception as error:  # code of a plugin, such as a metaclass, may raise anything
        return f"cannot be examined ({error_summary(error)})"


def _check_value(kind: str, value: Any) -> str | None:
    if kind in FILES:
        return _no_recipe(value) if isinstance(value, Traversable) else "is not a file"
    if kind == "quantity":
        return _check_quantity(value)
    if not (isinstance(value, type) and issubclass(value, SPECS[kind])):
        return f"is not a {SPECS[kind].__name__}"
    return _missing_members(value) or _unexpected_members(kind, value)


def _check_quantity(value: Any) -> str | None:
    """Return the problem of a quantity: a function, or a class with options."""
    if inspect.isroutine(value):
        return _unbindable(value, 0)
    if not (isinstance(value, type) and issubclass(value, QuantitySpec)):
        return "is not a function or a QuantitySpec"
    return _missing_members(value) or _unexpected_members("quantity", value)


def _missing_members(spec: type[Spec]) -> str | None:
    """Return the problem of a class that does not define everything that its base class requires."""
    missing = sorted(spec.__abstractmethods__) if inspect.isabstract(spec) else []
    ours = [base for base in spec.__mro__ if issubclass(base, Spec) and base.__module__.startswith("latentclust.")]
    missing += sorted(
        name
        for name in {name for base in ours for name in base.__class_vars__}
        if not any(name in vars(base) for base in spec.__mro__)
    )
    if missing:
        return f"does not define {', '.join(missing)}"
    if not spec.__pydantic_complete__:
        spec.model_rebuild()  # raises an error that names the unresolved type
    return None


def _unexpected_members(kind: str, spec: Any) -> str | None:
    """Return the problem of a complete class with a member of the wrong form."""
    if kind in ("loss", "quantity"):
        call = next((vars(base)["__call__"] for base in spec.__mro__ if "__call__" in vars(base)), None)
        return _unbindable(call, 1) if call else "does not define __call__"
    if kind == "dataset":
        wrong = [name for name in DATASET_TEXTS if not isinstance(getattr(spec, name), str)]
        return f"does not define {', '.join(wrong)} as text" if wrong else None
    if issubclass(spec, ChainSpec) and not isinstance(spec.provides, Mapping):
        return "does not define provides as a mapping"
    return None


def _unbindable(function: Any, skipped: int) -> str | None:
    """Return the problem of a signature whose parameters must name quantities, after the first `skipped` ones."""
    try:
        typing.get_type_hints(function)
    except Exception as error:  # quoted annotations may contain any expression, and so raise anything
        return f"has annotations that do not resolve ({error_summary(error)})"
    bound = list(inspect.signature(function).parameters.values())[skipped:]
    if loose := [str(one) for one in bound if one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]:
        return f"takes {', '.join(loose)}, which cannot name a quantity"
    if keyed := [one.name for one in bound if one.kind is one.KEYWORD_ONLY]:
        return f"takes {', '.join(keyed)} by keyword only: name values before the `*`; options are fields of a spec"
    return None


def _no_recipe(file: Traversable) -> str | None:
    """Return the problem of a file that is not a base recipe."""
    try:
        tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return f"is not a readable TOML file ({error_summary(error)})"
    return None
