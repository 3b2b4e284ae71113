"""Whether what a plugin provides is what its kind asks for."""

import inspect
import re
import tomllib
import typing
from collections.abc import Mapping
from importlib.resources.abc import Traversable
from typing import Any

from latentclust.plugins.containment import error_summary
from latentclust.specs.backbones import BackboneSpec
from latentclust.specs.inference import ChainSpec, InferenceSpec
from latentclust.specs.parts import Baseline, DatasetSpec, LossSpec, MetricSpec, PriorSpec, Spec, ViewSpec
from latentclust.specs.sample_tables import StartSpec, TableSpec

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
"""The kinds whose parts are specs, by the base class that each must have."""

KINDS = (*SPECS, "quantity", "system")

NAME_PATTERNS = {"quantity": r"[A-Za-z_]\w*", "system": r"[A-Za-z0-9][\w.+-]*@\d+"}
"""What the names of a kind look like."""

NAME_PATTERN = r"[A-Za-z0-9][\w.+-]*"
"""What the names of all other kinds look like; a colon would read as a distribution's name."""

DATASET_TEXTS = ("summary", "licence", "layout")
"""What a data set says of itself."""


def hook_kind(hook: str) -> str:
    """`provide_losses` to `loss`."""
    plural = hook.removeprefix("provide_")
    irregular = {"losses": "loss", "quantities": "quantity"}
    return irregular.get(plural, plural.removesuffix("s"))


def check_part(kind: str, name: object, value: object) -> str | None:
    """Why a part cannot be what its hook provided it as; None where it can."""
    pattern = NAME_PATTERNS.get(kind, NAME_PATTERN)
    if not (isinstance(name, str) and re.fullmatch(pattern, name)):
        return f"is no name: {pattern} is asked for"
    try:
        return _check_value(kind, value)
    except Exception as error:  # a third party's class or function may raise whatever it is asked
        return f"cannot be examined ({error_summary(error)})"


def _check_value(kind: str, value: Any) -> str | None:
    if kind == "system":
        return _no_recipe(value) if isinstance(value, Traversable) else "is no file"
    if kind == "quantity":
        return _unbindable(value, 0) if inspect.isroutine(value) else "is no function"
    if not (isinstance(value, type) and issubclass(value, SPECS[kind])):
        return f"is no {SPECS[kind].__name__}"
    return _missing_members(value) or _unexpected_members(kind, value)


def _missing_members(spec: type[Spec]) -> str | None:
    """What a class of the right kind has left open."""
    lacking = sorted(spec.__abstractmethods__) if inspect.isabstract(spec) else []
    ours = [base for base in spec.__mro__ if issubclass(base, Spec) and base.__module__.startswith("latentclust.")]
    lacking += sorted(
        name
        for name in {name for base in ours for name in base.__class_vars__}
        if not any(name in vars(base) for base in spec.__mro__)
    )
    if lacking:
        return f"lacks {', '.join(lacking)}"
    if not spec.__pydantic_complete__:
        spec.model_rebuild()  # raises, naming the type that does not resolve
    return None


def _unexpected_members(kind: str, spec: Any) -> str | None:
    """What of a complete class cannot be used."""
    if kind == "loss":
        call = next((vars(base)["__call__"] for base in spec.__mro__ if "__call__" in vars(base)), None)
        return _unbindable(call, 1) if call else "lacks __call__"
    if kind == "dataset":
        unsaid = [name for name in DATASET_TEXTS if not isinstance(getattr(spec, name), str)]
        return f"has no text as {', '.join(unsaid)}" if unsaid else None
    if issubclass(spec, ChainSpec) and not isinstance(spec.provides, Mapping):
        return "has no mapping as provides"
    return None


def _unbindable(function: Any, skipped: int) -> str | None:
    """What is wrong with a signature by which quantities are to be bound; `skipped` parameters are not."""
    try:
        typing.get_type_hints(function)
    except Exception as error:  # annotations in quotes may hold any expression, and so raise anything
        return f"has annotations that do not resolve ({error_summary(error)})"
    bound = list(inspect.signature(function).parameters.values())[skipped:]
    loose = [str(one) for one in bound if one.kind not in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    return f"takes {', '.join(loose)}, which names no quantity" if loose else None


def _no_recipe(file: Traversable) -> str | None:
    """Why a file is no base recipe."""
    try:
        tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return f"is no TOML file that can be read ({error_summary(error)})"
    return None
