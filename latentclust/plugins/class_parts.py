"""The parts that the classes of a module are, named after their classes."""

import re
from collections.abc import Mapping
from types import ModuleType
from typing import Any, TypeGuard

from latentclust.errors import LatentclustError
from latentclust.plugins.checks import SPECS, check_part, kind_hook
from latentclust.plugins.discovery import ProvidedParts
from latentclust.plugins.distributions import Provider
from latentclust.specs.parts import Spec
from latentclust.specs.quantities import QuantitySpec

CLASSES: Mapping[str, type[Spec]] = {**SPECS, "quantity": QuantitySpec}
"""Kinds whose parts may be classes, with the base class of each."""

WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Places between the words of a class's name."""


def kind_of(given: type) -> str | None:
    """Return the kind of a class, or None if it is no part."""
    return next((kind for kind, base in CLASSES.items() if issubclass(given, base)), None)


def part_name(given: type, kind: str) -> str:
    """Return the name of a class as a part: `ConfidencePenalty` is `confidence-penalty`, a quantity `my_quantity`."""
    kebab = WORDS.sub("-", given.__name__).replace("_", "-").lower()
    return kebab.replace("-", "_") if kind == "quantity" else kebab


def class_part(given: type, provider: Provider) -> ProvidedParts:
    """Return the part that a class is."""
    kind = kind_of(given)
    assert kind is not None, "the caller has checked the class"
    return ProvidedParts(provider, kind_hook(kind), {part_name(given, kind): given})


def parts_of_classes(module: ModuleType, provider: Provider) -> tuple[ProvidedParts, ...]:
    """Return the parts that a module defines as classes, without private ones and incomplete base classes of others.

    Raises:
        LatentclustError: If there is none, or two get the same name.
    """
    found = list(dict.fromkeys(one for one in vars(module).values() if _is_part(one, module)))
    bases = {base for one in found for base in one.__mro__[1:]}
    provided: dict[tuple[str, str], type] = {}
    for one in found:
        kind = kind_of(one) or ""
        key = kind, part_name(one, kind)
        if one in bases and check_part(*key, one) is not None:
            continue
        if key in provided:
            what = f"{provided[key].__name__} and {one.__name__} would both be the {kind} {key[1]!r}"
            raise LatentclustError.at(f"plugin {provider.distribution}", what, "Rename one of them")
        provided[key] = one
    if not provided:
        what = "defines no part: no class derived from LossSpec, ViewSpec, MetricSpec, ... and no hook"
        fix = "Import such a class from latentclust.api and derive yours from it; a function needs a hook"
        raise LatentclustError.at(f"plugin {provider.distribution}", what, fix)
    return tuple(class_part(one, provider) for one in provided.values())


def _is_part(value: Any, module: ModuleType) -> TypeGuard[type]:
    """Return whether a value of a module is the class of a part that the module defines for others."""
    own = isinstance(value, type) and value.__module__ == module.__name__ and not value.__name__.startswith("_")
    return own and kind_of(value) is not None
