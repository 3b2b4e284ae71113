"""Names to parts, with the distribution that provides each."""

import difflib
import inspect
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from latentclust.errors import Issue, LatentclustError
from latentclust.plugins import BUNDLED, BrokenPlugin, Discovery, Provider, discover
from latentclust.specs import (
    BackboneSpec,
    BaselineSpec,
    DatasetSpec,
    InferenceSpec,
    LossSpec,
    MetricSpec,
    PriorSpec,
    Spec,
    ViewSpec,
)

SPECS: Mapping[str, type[Spec]] = {
    "backbone": BackboneSpec,
    "prior": PriorSpec,
    "loss": LossSpec,
    "view": ViewSpec,
    "inference": InferenceSpec,
    "dataset": DatasetSpec,
    "metric": MetricSpec,
    "baseline": BaselineSpec,
}
"""The kinds whose parts are specs, by the base class that each must have."""

ModelT = TypeVar("ModelT", bound=BaseModel)

KINDS = (*SPECS, "quantity", "system")


@dataclass(frozen=True, slots=True)
class Part:
    """A registered part: a spec class, a quantity's function, or a system's TOML file."""

    kind: str
    name: str
    provider: Provider
    value: Any

    @property
    def qualified(self) -> str:
        """`distribution:name`, which names this part whatever else is installed."""
        return f"{self.provider.distribution}:{self.name}"

    @property
    def summary(self) -> str:
        """The first line of its docstring; empty for a system."""
        return (inspect.getdoc(self.value) or "").split("\n")[0] if callable(self.value) else ""


class Registry:
    """Every part of every plugin that loads; immutable."""

    def __init__(self, discovery: Discovery) -> None:
        """Sorts what was discovered; a part of the wrong type spoils that provision of its plugin, not the rest."""
        self._parts: dict[tuple[str, str], list[Part]] = {}
        broken = list(discovery.broken)
        for provision in discovery.provisions:
            kind = _kind(provision.hook)
            wrong = [name for name, value in provision.parts.items() if not _fits(kind, value)]
            if wrong:
                broken.append(BrokenPlugin(provision.provider, f"{provision.hook}: not a {kind}: {', '.join(wrong)}"))
                continue
            for name, value in provision.parts.items():
                self._parts.setdefault((kind, name), []).append(Part(kind, name, provision.provider, value))
        self.broken: tuple[BrokenPlugin, ...] = tuple(broken)

    def parts(self, kind: str) -> tuple[Part, ...]:
        """All parts of a kind, by name."""
        return tuple(part for key in sorted(self._parts) if key[0] == kind for part in self._parts[key])

    def providers(self) -> dict[str, Provider]:
        """The distributions that provide parts, by name."""
        return {part.provider.distribution: part.provider for parts in self._parts.values() for part in parts}

    def find(self, kind: str, name: str, where: str) -> Part:
        """The part of that name; raises LatentclustError where there is none, or where two third parties claim it."""
        distribution, _, bare = name.rpartition(":")
        candidates = self._parts.get((kind, bare), [])
        if distribution:
            candidates = [part for part in candidates if part.provider.distribution == distribution]
        bundled = [part for part in candidates if part.provider.distribution == BUNDLED]
        candidates = bundled or candidates
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            claims = " and ".join(sorted(part.qualified for part in candidates))
            raise LatentclustError.at(
                where, f"two plugins provide a {kind} named {name!r}", f"Write {claims} to choose"
            )
        raise LatentclustError.at(where, f"there is no {kind} named {name!r}", self._suggest(kind, bare))

    def _suggest(self, kind: str, name: str) -> str:
        names = [part.name for part in self.parts(kind)]
        advice = did_you_mean(name, names)
        hint = "".join(f" (plugin {item.provider} is broken: {item.error})" for item in self.broken)
        return f"{advice}; `latentclust plugins list {kind}` lists them{hint}"

    def build(self, kind: str, name: str, options: Mapping[str, Any], where: str) -> Spec:
        """A part with its options, validated strictly; raises LatentclustError with every issue at once."""
        spec: type[Spec] = self.find(kind, name, f"{where}.use").value
        return validate(spec, options, where)


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Advice that names the closest match, or all names where none is close."""
    known = sorted(names)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"Use one of: {', '.join(known)}" if known else "None is installed"


def validate(model: type[ModelT], data: Mapping[str, Any], where: str) -> ModelT:
    """Data against a pydantic model, strictly and through JSON, which lets TOML lists be tuples but no string a number.

    Raises:
        LatentclustError: with an issue for every wrong, missing or unknown key.
    """
    try:
        return model.model_validate_json(json.dumps(data, allow_nan=True, default=str))
    except ValidationError as error:
        raise LatentclustError(*(_issue(model, item, where) for item in error.errors())) from error
    except LatentclustError as error:
        raise LatentclustError(*(Issue(f"{where}.{i.where}", i.what, i.fix) for i in error.issues)) from error


def _issue(model: type[BaseModel], error: Any, where: str) -> Issue:
    """One pydantic error in the words of this project."""
    location = ".".join(str(step) for step in error["loc"] if not str(step).startswith("function-"))
    place = ".".join(part for part in (where, location) if part)
    if error["type"] == "extra_forbidden":
        return Issue(
            place, f"unknown key {error['loc'][-1]!r}", did_you_mean(str(error["loc"][-1]), _keys(model, error["loc"]))
        )
    if error["type"] == "missing":
        return Issue(place, "this key is missing", "Add it")
    return Issue(place, f"{error['input']!r} is refused", f"{error['msg']}")


def _keys(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that are known in the table that holds `location`."""
    for step in location[:-1]:
        field = model.model_fields.get(str(step))
        nested = _models(field.annotation) if field else [model]
        model = nested[0] if nested else model
    return [field.alias or name for name, field in model.model_fields.items()]


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models named in an annotation such as `Mapping[str, PlayerTable]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in getattr(annotation, "__args__", ()) for model in _models(argument)]


def _kind(hook: str) -> str:
    """`provide_losses` to `loss`."""
    plural = hook.removeprefix("provide_")
    irregular = {"losses": "loss", "quantities": "quantity"}
    return irregular.get(plural, plural.removesuffix("s"))


def _fits(kind: str, value: object) -> bool:
    """Whether a provided value is what its kind asks for."""
    if kind in SPECS:
        return isinstance(value, type) and issubclass(value, SPECS[kind])
    return callable(value) if kind == "quantity" else True


@cache
def installed() -> Registry:
    """The registry of everything that is installed, discovered once a process."""
    return Registry(discover())
