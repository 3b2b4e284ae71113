"""The registry of all parts by kind and name, with the distribution that provides each."""

import inspect
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from latentclust.errors import Issue, LatentclustError, did_you_mean, raise_all
from latentclust.plugins.checks import KINDS, SPECS, check_part, hook_kind
from latentclust.plugins.discovery import BrokenPlugin, Discovery, PluginRemark, ProvidedParts, discover
from latentclust.plugins.distributions import BUNDLED, PLUGINS_VARIABLE, Provider, canonical_name
from latentclust.plugins.given import GivenPlugin, copy_name, load_given
from latentclust.specs.parts import Spec
from latentclust.specs.validation import validate

__all__ = ["KINDS", "SPECS", "Part", "Registry", "discovered", "installed", "use_plugins"]

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
        given: Plugins that were given, and need not be installed.
    """

    def __init__(self, discovery: Discovery, given: tuple[GivenPlugin, ...] = ()) -> None:
        """Register the discovered parts. Invalid parts are recorded as broken, one by one."""
        self._discovery, self.given = discovery, given
        self._parts: dict[tuple[str, str], list[Part]] = {}
        broken = list(discovery.broken)
        for provision in discovery.provisions:
            broken += self._register(provision)
        broken += self._drop_repeated()
        self.broken: tuple[BrokenPlugin, ...] = tuple(broken)
        self.remarks = (*discovery.remarks, *self._shared_names())
        self.loaded, self.excluded, self.alerts = discovery.loaded, discovery.excluded, discovery.alerts

    def with_plugin(self, plugin: GivenPlugin) -> "Registry":
        """Return a registry that has the parts of a given plugin too; this one if it has them already.

        Raises:
            LatentclustError: If a part is invalid, or a part of latentclust or of another given plugin has its name.
        """
        where = f"plugin {plugin.name}"
        namesakes = [one for one in self.given if one.name == plugin.name]
        if any(one.equals(plugin) for one in namesakes):
            return self
        if namesakes:
            raise LatentclustError.at(where, "was given twice, with different contents", "Rename one of them")
        # Some file systems ignore the case of letters.
        if same := [one.name for one in self.given if copy_name(one.name).lower() == copy_name(plugin.name).lower()]:
            what = f"its copy in a run folder would replace that of {same[0]}: both are {copy_name(plugin.name)}"
            raise LatentclustError.at(where, what, "Rename one of them")
        old = self._discovery
        provisions, remarks = (*old.provisions, *plugin.parts), (*old.remarks, *plugin.remarks)
        added = Registry(replace(old, provisions=provisions, remarks=remarks), (*self.given, plugin))
        broken = [one.error for one in added.broken if one.provider == plugin.provider]
        raise_all([Issue(where, error, "Correct it") for error in broken] or self._name_conflicts(plugin))
        return added

    def _name_conflicts(self, plugin: GivenPlugin) -> Iterator[Issue]:
        """Yield an issue for each part of a given plugin that would silently be replaced, or replace another one."""
        owners = {BUNDLED, *(one.name for one in self.given)}
        for provision in plugin.parts:
            kind = hook_kind(provision.hook)
            for name in provision.parts:
                for other in self._parts.get((kind, name), []):
                    if other.provider.distribution in owners:
                        what = f"its {kind} {name!r} has the name of a {kind} of {other.provider.distribution}"
                        yield Issue(f"plugin {plugin.name}", what, "Rename it")

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

    def get(self, kind: str, name: str) -> Part | None:
        """Return a part of a bare name, whoever provides it; None if there is none."""
        return next(iter(self._parts.get((kind, name), ())), None)

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


_CURRENT: ContextVar[Registry | None] = ContextVar("registry with given plugins", default=None)
"""Registry of the enclosing `use_plugins`. None outside of it."""


def installed() -> Registry:
    """Return the registry of all installed plugins and of those that an enclosing `use_plugins` gives."""
    return _CURRENT.get() or discovered()


@cache
def discovered() -> Registry:
    """Return the registry of all installed plugins. They are discovered once per process, and alerts are logged."""
    registry = Registry(discover())
    for line in registry.alerts:
        log.warning("%s", line)
    return registry


@contextmanager
def use_plugins(sources: object) -> Iterator[Registry]:
    """Add plugins to what `installed` returns, in this thread and until the end of the block.

    Args:
        sources: Each a `PluginSource`: path of a .py file, name of a module, module, or class of a part. One alone need
            not be in a list.

    Raises:
        LatentclustError: If a plugin cannot be loaded or a part of it cannot be used.
    """
    registry = installed()
    for source in _each(sources):
        registry = registry.with_plugin(load_given(source))
    token = _CURRENT.set(registry)
    try:
        yield registry
    finally:
        _CURRENT.reset(token)


def _each(sources: object) -> Iterable[object]:
    """Return sources as an iterable. Everything that is not a collection is one source; a part iterates its options."""
    if isinstance(sources, str | type | Spec) or not isinstance(sources, Iterable):
        return [sources]
    return sources
