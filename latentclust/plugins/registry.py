"""Names to parts, with the distribution that provides each."""

import inspect
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from latentclust.errors import LatentclustError, did_you_mean
from latentclust.plugins.checks import KINDS, SPECS, check_part, hook_kind
from latentclust.plugins.discovery import BrokenPlugin, Discovery, PluginRemark, ProvidedParts, discover
from latentclust.plugins.distributions import BUNDLED, PLUGINS_VARIABLE, Provider, canonical_name
from latentclust.specs.parts import Spec
from latentclust.specs.validation import validate

__all__ = ["KINDS", "SPECS", "Part", "Registry", "installed"]

MAX_BROKEN_SHOWN = 3
"""How many broken plugins an error names with their reasons."""

log = logging.getLogger(__name__)


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
    def bundled(self) -> bool:
        """Whether it ships with latentclust."""
        return self.provider.distribution == BUNDLED

    @property
    def summary(self) -> str:
        """The first line of its docstring; empty for a system."""
        return (inspect.getdoc(self.value) or "").split("\n")[0] if callable(self.value) else ""


class Registry:
    """Every part of every plugin that loads; immutable.

    Attributes:
        broken: Plugins and parts that cannot be used.
        remarks: What is odd about plugins that are used.
        loaded: Entry points that were imported.
        excluded: Distributions that LATENTCLUST_PLUGINS leaves out.
        alerts: What the user of any command should know.
    """

    def __init__(self, discovery: Discovery) -> None:
        """Sorts what was discovered; a part that is not what its kind asks for is left out, and the others are not."""
        self._parts: dict[tuple[str, str], list[Part]] = {}
        broken = list(discovery.broken)
        for provision in discovery.provisions:
            broken += self._register(provision)
        broken += self._drop_repeated()
        self.broken: tuple[BrokenPlugin, ...] = tuple(broken)
        self.remarks = (*discovery.remarks, *self._shared_names())
        self.loaded, self.excluded, self.alerts = discovery.loaded, discovery.excluded, discovery.alerts

    def _register(self, provision: ProvidedParts) -> Iterator[BrokenPlugin]:
        """Registers the parts of a hook; those that cannot be are given."""
        kind = hook_kind(provision.hook)
        for name, value in provision.parts.items():
            wrong = check_part(kind, name, value)
            if wrong:
                yield BrokenPlugin(provision.provider, f"{kind} {name!r} {wrong}", kind, str(name))
            else:
                self._parts.setdefault((kind, name), []).append(Part(kind, name, provision.provider, value))

    def _drop_repeated(self) -> Iterator[BrokenPlugin]:
        """Drops parts that a distribution provides twice under one name, which nothing could tell apart."""
        for (kind, name), parts in self._parts.items():
            for owner in dict.fromkeys(part.provider.distribution for part in parts):
                own = [part for part in parts if part.provider.distribution == owner]
                kept = own[:1] if all(part.value == own[0].value for part in own) else []
                self._parts[kind, name] = [part for part in self._parts[kind, name] if part not in own or part in kept]
                if not kept:
                    points = " and ".join(part.provider.entry_point for part in own)
                    what = f"{kind} {name!r} is provided more than once, by the entry points {points}"
                    yield from (BrokenPlugin(part.provider, what, kind, name) for part in own)

    def _shared_names(self) -> Iterator[PluginRemark]:
        """A remark on each part that does not answer to its bare name."""
        for (kind, name), parts in self._parts.items():
            if any(part.bundled for part in parts):
                why = "latentclust has one of that name"
            else:
                why = f"{' and '.join(part.provider.distribution for part in parts)} have one of that name each"
            for part in parts if len(parts) > 1 else ():
                if not part.bundled:
                    yield PluginRemark(part.provider, f"{kind} {name!r} answers to {part.qualified} only: {why}")

    def parts(self, kind: str) -> tuple[Part, ...]:
        """All parts of a kind, by name."""
        return tuple(part for key in sorted(self._parts) if key[0] == kind for part in self._parts[key])

    def providers(self) -> dict[str, Provider]:
        """The distributions that provide parts, by name."""
        return {part.provider.distribution: part.provider for parts in self._parts.values() for part in parts}

    def recipe_name(self, part: Part) -> str:
        """The name by which a recipe reaches a part: its own, or `distribution:name` where that one is another's."""
        others = [other for other in self._parts[part.kind, part.name] if other is not part]
        return part.qualified if others and not part.bundled else part.name

    def find(self, kind: str, name: str, where: str) -> Part:
        """The part of that name; raises LatentclustError where there is none, or where two third parties claim it."""
        distribution, _, bare = name.rpartition(":")
        candidates = self._parts.get((kind, bare), [])
        if distribution:
            wanted = canonical_name(distribution)
            candidates = [part for part in candidates if canonical_name(part.provider.distribution) == wanted]
        candidates = [part for part in candidates if part.bundled] or candidates
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            claims = " or ".join(sorted(part.qualified for part in candidates))
            count = "two" if len(candidates) == 2 else str(len(candidates))
            raise LatentclustError.at(
                where, f"{count} plugins provide a {kind} named {name!r}", f"Write {claims} to choose"
            )
        raise self._missing(kind, name, where)

    def _missing(self, kind: str, name: str, where: str) -> LatentclustError:
        """Why there is no such part: it is broken, or its plugin may be, or nobody provides it."""
        distribution, _, bare = name.rpartition(":")
        wanted = canonical_name(distribution)
        suspects = [one for one in self.broken if wanted in ("", canonical_name(one.provider.distribution))]
        for one in suspects:
            if (one.kind, one.name) == (kind, bare):
                what = f"plugin {one.provider} is broken: {one.error}"
                return LatentclustError.at(where, what, f"Mend or update {one.provider.distribution}")
        names = [part.name for part in self.parts(kind)]
        fix = f"{did_you_mean(bare, names)}; `latentclust plugins list {kind}` lists them"
        return LatentclustError.at(where, f"there is no {kind} named {name!r}", fix + self._hint(suspects))

    def _hint(self, suspects: list[BrokenPlugin]) -> str:
        """Which plugins might have provided what is missing."""
        whole = [one for one in suspects if not one.name]
        hints = [f" (plugin {one.provider} is broken: {one.error})" for one in whole[:MAX_BROKEN_SHOWN]]
        if len(whole) > MAX_BROKEN_SHOWN:
            others = sorted({str(one.provider) for one in whole[MAX_BROKEN_SHOWN:]})
            hints.append(f" (also broken: {', '.join(others)})")
        if self.excluded:
            hints.append(f" ({PLUGINS_VARIABLE} leaves out {', '.join(str(one) for one in self.excluded)})")
        return "".join(hints)

    def build(self, kind: str, name: str, options: Mapping[str, Any], where: str) -> Spec:
        """A part with its options, validated strictly; raises LatentclustError with every issue at once."""
        spec: type[Spec] = self.find(kind, name, f"{where}.use").value
        return validate(spec, options, where)


@cache
def installed() -> Registry:
    """The registry of everything that is installed, discovered once a process; alerts go to the log, a line each."""
    registry = Registry(discover())
    for line in registry.alerts:
        log.warning("%s", line)
    return registry
