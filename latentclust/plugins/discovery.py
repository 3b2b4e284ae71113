"""Discovery: every plugin that loads, and every one that does not with its reason."""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

import pluggy

from latentclust.plugins import hookspecs
from latentclust.plugins.compatibility import incompatibility
from latentclust.plugins.containment import SLOW_IMPORT_SECONDS, Execution, run_contained
from latentclust.plugins.distributions import (
    BUNDLED,
    PARTS_GROUP,
    PLUGINS_VARIABLE,
    Distribution,
    EntryPoint,
    Provider,
    Scan,
    scan_distributions,
)

__all__ = [
    "BUNDLED",
    "BrokenPlugin",
    "Discovery",
    "LoadedPlugin",
    "PluginRemark",
    "ProvidedParts",
    "Provider",
    "discover",
]


@dataclass(frozen=True, slots=True)
class BrokenPlugin:
    """A plugin, or one part of it, that could not be used, and why.

    Attributes:
        kind: The kind of the part; empty where no part of this entry point, or of a hook, can be used.
        name: The part's name.
    """

    provider: Provider
    error: str
    kind: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class PluginRemark:
    """Something odd about a plugin that is used nevertheless.

    Attributes:
        alert: Whether the user of any command should know, and not only who lists the plugins.
    """

    provider: Provider
    text: str
    alert: bool = False


@dataclass(frozen=True, slots=True)
class ProvidedParts:
    """What one provider returned from one hook."""

    provider: Provider
    hook: str
    parts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LoadedPlugin:
    """An entry point whose module was imported, in how many seconds."""

    provider: Provider
    seconds: float


@dataclass(frozen=True, slots=True)
class Discovery:
    """Everything found under the entry-point group.

    Attributes:
        excluded: Distributions that LATENTCLUST_PLUGINS leaves out.
        alerts: What the user of any command should know at once, a line each.
    """

    provisions: tuple[ProvidedParts, ...]
    broken: tuple[BrokenPlugin, ...]
    remarks: tuple[PluginRemark, ...] = ()
    loaded: tuple[LoadedPlugin, ...] = ()
    excluded: tuple[Distribution, ...] = ()
    alerts: tuple[str, ...] = ()


DiscoveryEvent = ProvidedParts | BrokenPlugin | PluginRemark | LoadedPlugin


def discover(scan: Scan | None = None) -> Discovery:
    """Loads the plugins of the scanned distributions, by default of all installed ones.

    A distribution whose metadata are damaged, or which asks for another latentclust, is not imported. An entry point
    whose module raises, and a hook that raises or returns no mapping, is recorded and left out; the rest is used.
    """
    scan = scan_distributions() if scan is None else scan
    findings = [finding for distribution in scan.used for finding in _distribution(distribution)]
    remarks = tuple(one for one in findings if isinstance(one, PluginRemark))
    strangers = [
        f"{PLUGINS_VARIABLE} names {name!r}, and no plugin that is installed is called that" for name in scan.unknown
    ]
    alerts = [f"plugin {one.provider}: {one.text}" for one in remarks if one.alert]
    return Discovery(
        provisions=tuple(one for one in findings if isinstance(one, ProvidedParts)),
        broken=tuple(one for one in findings if isinstance(one, BrokenPlugin)),
        remarks=remarks,
        loaded=tuple(one for one in findings if isinstance(one, LoadedPlugin)),
        excluded=scan.excluded,
        alerts=(*strangers, *alerts),
    )


def _distribution(distribution: Distribution) -> Iterator[DiscoveryEvent]:
    """What one distribution provides, and what is wrong with it."""
    reason = incompatibility(distribution, version(BUNDLED))
    if reason:
        # Its commands are refused where they are found.
        unread = [] if distribution.entries else [Provider(distribution.name, distribution.version, "")]
        for provider in (*unread, *(entry.provider for entry in distribution.of(PARTS_GROUP))):
            yield BrokenPlugin(provider, reason)
        return
    for entry in distribution.of(PARTS_GROUP):
        yield from _entry(entry)


def _entry(entry: EntryPoint) -> Iterator[DiscoveryEvent]:
    """Imports what an entry point names and asks each of its hooks."""
    provider, what = entry.provider, f"plugin {entry.provider}"
    plugin, conduct = run_contained(entry.load, what)
    yield from _remarks(provider, conduct)
    if conduct.error:
        yield BrokenPlugin(provider, conduct.error)
        return
    yield LoadedPlugin(provider, conduct.seconds)
    if conduct.seconds > SLOW_IMPORT_SECONDS and provider.distribution != BUNDLED:
        yield PluginRemark(provider, f"its import took {conduct.seconds:.1f} s")
    found, conduct = run_contained(partial(_implementations, entry, plugin), what)
    yield from _remarks(provider, conduct)
    if found is None:
        yield BrokenPlugin(provider, conduct.error)
        return
    implementations, deprecations = found
    yield from (PluginRemark(provider, text, alert=True) for text in deprecations)
    if not implementations:
        yield BrokenPlugin(provider, f"{entry.value} implements no hook: mark its functions with @hookimpl")
    for hook, implementation in implementations:
        parts, conduct = run_contained(partial(_parts, implementation), what)
        yield from _remarks(provider, conduct)
        if parts is None:
            yield BrokenPlugin(provider, f"{hook}: {conduct.error}")
        else:
            yield ProvidedParts(provider, hook, parts)


def _remarks(provider: Provider, conduct: Execution) -> Iterator[PluginRemark]:
    return (PluginRemark(provider, text) for text in conduct.remarks)


def _implementations(entry: EntryPoint, plugin: Any) -> tuple[list[tuple[str, pluggy.HookImpl]], list[str]]:
    """A plugin's hooks by name, checked by pluggy, and the warnings that pluggy gave of them.

    Each plugin has a manager of its own, so that what one leaves there reaches no other.
    """
    manager = pluggy.PluginManager(PARTS_GROUP)
    manager.add_hookspecs(hookspecs)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        manager.register(plugin, name=f"{entry.provider.distribution}:{entry.provider.entry_point}")
        manager.check_pending()
    hooks = [hook for hook in vars(manager.hook).values() if isinstance(hook, pluggy.HookCaller)]
    found = [(hook.name, implementation) for hook in hooks for implementation in hook.get_hookimpls()]
    return found, [f"{warning.message} ({warning.filename}:{warning.lineno})" for warning in caught]


def _parts(implementation: pluggy.HookImpl) -> dict[str, Any]:
    """Asks one hook; raises TypeError where it returns no mapping."""
    arguments = [hookspecs.ARGUMENTS[name] for name in implementation.argnames]
    parts = implementation.function(*arguments)
    if not isinstance(parts, Mapping):
        raise TypeError(f"it returns {type(parts).__name__}, and a hook returns a mapping from names to parts")
    return dict(parts)
