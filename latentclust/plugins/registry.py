"""The registry of all parts by kind and name, with the distribution that provides each."""

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
"""Maximum number of broken plugins that an error message explains."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """A registered part: a spec class, the function of a quantity, or the TOML file of a system."""

    kind: str
    name: str
    provider: Provider
    value: Any

    @property
    def qualified(self) -> str:
        """Unambiguous name, `distribution:name`."""
        return f"{self.provider.distribution}:{self.name}"

    @property
    def bundled(self) -> bool:
        """Whether the part ships with latentclust."""
        return self.provider.distribution == BUNDLED

    @property
    def summary(self) -> str:
        """First line of the docstring. Empty for a system."""
        return (inspect.getdoc(self.value) or "").split("\n")[0] if callable(self.value) else ""


class Registry:
    """All parts of all plugins that load. Immutable.

    Attributes:
        broken: Plugins and parts that cannot be used.
        remarks: Remarks on plugins that are used.
        loaded: Entry points that were imported.
        excluded: Distributions that LATENTCLUST_PLUGINS excludes.
        alerts: Sentences that the user of any command should read.
    """

    def __init__(self, discovery: Discovery) -> None:
        """Register the discovered parts. Invalid parts are recorded as broken, one by one."""
        self._parts: dict[tuple[str, str], list[Part]] = {}
        broken = list(discovery.broken)
        for provision in discovery.provisions:
            broken += self._register(provision)
        broken += self._drop_repeated()
        self.broken: tuple[BrokenPlugin, ...] = tuple(broken)
        self.remarks = (*discovery.remarks, *self._shared_names())
        self.loaded, self.excluded, self.alerts = discovery.loaded, discovery.excluded, discovery.alerts

    def _register(self, provision: ProvidedParts) -> Iterator[BrokenPlugin]:
        """Register the parts of a hook and yield the invalid ones."""
        kind = hook_kind(provision.hook)
        for name, value in provision.parts.items():
            wrong = check_part(kind, name, value)
            if wrong:
                yield BrokenPlugin(provision.provider, f"{kind} {name!r} {wrong}", kind, str(name))
            else:
                self._parts.setdefault((kind, name), []).append(Part(kind, name, provision.provider, value))

    def _drop_repeated(self) -> Iterator[BrokenPlugin]:
        """Drop different parts that one distribution provides under the same name, because no name could select one."""
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
        """Yield a remark on each part that cannot be used by its bare name."""
        for (kind, name), parts in self._parts.items():
            if any(part.bundled for part in parts):
                why = "latentclust has one of that name"
            else:
                why = f"{' and '.join(part.provider.distribution for part in parts)} each have one of that name"
            for part in parts if len(parts) > 1 else ():
                if not part.bundled:
                    yield PluginRemark(part.provider, f"{kind} {name!r} is available as {part.qualified} only: {why}")

    def parts(self, kind: str) -> tuple[Part, ...]:
        """Return all parts of a kind, sorted by name."""
        return tuple(part for key in sorted(self._parts) if key[0] == kind for part in self._parts[key])

    def providers(self) -> dict[str, Provider]:
        """Return the distributions that provide parts, by name."""
        return {part.provider.distribution: part.provider for parts in self._parts.values() for part in parts}

    def recipe_name(self, part: Part) -> str:
        """Return the name of a part in a recipe: its own, or `distribution:name` if another part has that name."""
        others = [other for other in self._parts[part.kind, part.name] if other is not part]
        return part.qualified if others and not part.bundled else part.name

    def find(self, kind: str, name: str, where: str) -> Part:
        """Return the part of a name. Raise LatentclustError if no part or two third-party parts have the name."""
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
                where, f"{count} plugins provide a {kind} named {name!r}", f"Select one by its full name: {claims}"
            )
        raise self._missing(kind, name, where)

    def _missing(self, kind: str, name: str, where: str) -> LatentclustError:
        """Return the error for a part that is not available, with the broken plugins that may provide it."""
        distribution, _, bare = name.rpartition(":")
        wanted = canonical_name(distribution)
        suspects = [one for one in self.broken if wanted in ("", canonical_name(one.provider.distribution))]
        for one in suspects:
            if (one.kind, one.name) == (kind, bare):
                what = f"plugin {one.provider} is broken: {one.error}"
                return LatentclustError.at(where, what, f"Fix or update {one.provider.distribution}")
        names = [part.name for part in self.parts(kind)]
        fix = f"{did_you_mean(bare, names)}; `latentclust plugins list {kind}` lists them"
        return LatentclustError.at(where, f"unknown {kind} {name!r}", fix + self._hint(suspects))

    def _hint(self, suspects: list[BrokenPlugin]) -> str:
        """Return the broken and excluded plugins that may provide a missing part, as text."""
        whole = [one for one in suspects if not one.name]
        hints = [f" (plugin {one.provider} is broken: {one.error})" for one in whole[:MAX_BROKEN_SHOWN]]
        if len(whole) > MAX_BROKEN_SHOWN:
            others = sorted({str(one.provider) for one in whole[MAX_BROKEN_SHOWN:]})
            hints.append(f" (also broken: {', '.join(others)})")
        if self.excluded:
            hints.append(f" ({PLUGINS_VARIABLE} excludes {', '.join(str(one) for one in self.excluded)})")
        return "".join(hints)

    def build(self, kind: str, name: str, options: Mapping[str, Any], where: str) -> Spec:
        """Build a part from its options. Raise LatentclustError with all invalid options."""
        spec: type[Spec] = self.find(kind, name, f"{where}.use").value
        return validate(spec, options, where)


@cache
def installed() -> Registry:
    """Return the registry of all installed plugins. They are discovered once per process, and alerts are logged."""
    registry = Registry(discover())
    for line in registry.alerts:
        log.warning("%s", line)
    return registry
