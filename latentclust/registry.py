"""Names to parts, with the distribution that provides each."""

import inspect
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources.abc import Traversable
from typing import Any

from latentclust.bodies import BackboneSpec
from latentclust.errors import LatentclustError, did_you_mean
from latentclust.inferences import InferenceSpec
from latentclust.plugins import BUNDLED, BrokenPlugin, Discovery, Provider, discover
from latentclust.specs import Baseline, DatasetSpec, LossSpec, MetricSpec, PriorSpec, Spec, ViewSpec
from latentclust.validation import validate
from latentclust.whole_set import StartSpec, TableSpec

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
            misfits = {name: _misfit(kind, value) for name, value in provision.parts.items()}
            wrong = [f"{name} {misfit}" for name, misfit in misfits.items() if misfit]
            if wrong:
                broken.append(BrokenPlugin(provision.provider, f"{provision.hook}: {'; '.join(wrong)}"))
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
            claims = " or ".join(sorted(part.qualified for part in candidates))
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


def _kind(hook: str) -> str:
    """`provide_losses` to `loss`."""
    plural = hook.removeprefix("provide_")
    irregular = {"losses": "loss", "quantities": "quantity"}
    return irregular.get(plural, plural.removesuffix("s"))


def _misfit(kind: str, value: object) -> str | None:
    """Why a provided value is not what its kind asks for; None where it is."""
    if kind == "system":
        return None if isinstance(value, Traversable) else "is no file"
    if kind == "quantity":
        return _unresolved(value) if callable(value) else "is no function"
    if not (isinstance(value, type) and issubclass(value, SPECS[kind])):
        return f"is no {SPECS[kind].__name__}"
    if inspect.isabstract(value):
        return f"lacks {', '.join(sorted(value.__abstractmethods__))}"
    if kind == "loss":
        call = next((vars(base)["__call__"] for base in value.__mro__ if "__call__" in vars(base)), None)
        return _unresolved(call) if call else "lacks __call__"
    return None


def _unresolved(function: Any) -> str | None:
    """What is wrong with a signature by which quantities are to be bound."""
    try:
        typing.get_type_hints(function)
    except Exception as error:  # annotations in quotes may hold any expression, and so raise anything
        return f"has annotations that do not resolve ({type(error).__name__}: {error})"
    return None


@cache
def installed() -> Registry:
    """The registry of everything that is installed, discovered once a process."""
    return Registry(discover())
