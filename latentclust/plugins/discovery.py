"""Discovery of plugins: the parts of those that load, and the reason why each of the others does not."""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

import pluggy

from latentclust.plugins import hookspecs
from latentclust.plugins.compatibility import incompatibility
from latentclust.plugins.containment import Execution, run_contained
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

SLOW_IMPORT_SECONDS = 1.0
"""Duration from which the import of a plugin is reported."""


@dataclass(frozen=True, slots=True)
class BrokenPlugin:
    """A plugin, or one part of it, that cannot be used.

    Attributes:
        error: Reason why it cannot be used.
        kind: Kind of the part. Empty if the whole entry point or a hook cannot be used.
        name: Name of the part. Empty if the whole entry point or a hook cannot be used.
    """

    provider: Provider
    error: str
    kind: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class PluginRemark:
    """Something unusual about a plugin that is used nevertheless.

    Attributes:
        alert: Whether the user of any command is informed, and not only the reader of `plugins list`.
    """

    provider: Provider
    text: str
    alert: bool = False


@dataclass(frozen=True, slots=True)
class ProvidedParts:
    """The parts that one provider returned from one hook."""

    provider: Provider
    hook: str
    parts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LoadedPlugin:
    """An entry point that was imported, with the duration of the import in seconds."""

    provider: Provider
    seconds: float


@dataclass(frozen=True, slots=True)
class Discovery:
    """Everything found under the entry-point group.

    Attributes:
        excluded: Distributions that LATENTCLUST_PLUGINS excludes.
        alerts: Sentences that the user of any command should read.
    """

    provisions: tuple[ProvidedParts, ...]
    broken: tuple[BrokenPlugin, ...]
    remarks: tuple[PluginRemark, ...] = ()
    loaded: tuple[LoadedPlugin, ...] = ()
    excluded: tuple[Distribution, ...] = ()
    alerts: tuple[str, ...] = ()


DiscoveryEvent = ProvidedParts | BrokenPlugin | PluginRemark | LoadedPlugin


def discover(scan: Scan | None = None) -> Discovery:
    """Load the plugins of the scanned distributions, by default of all installed ones.

    A distribution with damaged metadata, or one that requires another version of latentclust, is not imported. An entry
    point whose module raises, and a hook that raises or returns no mapping, is recorded as broken. The rest is used.
    """
    scan = scan_distributions() if scan is None else scan
    manager = pluggy.PluginManager(PARTS_GROUP)
    manager.add_hookspecs(hookspecs)
    events = [event for distribution in scan.used for event in _load_distribution(manager, distribution)]
    remarks = tuple(event for event in events if isinstance(event, PluginRemark))
    unknown = [f"{PLUGINS_VARIABLE} names {name!r}, but no installed plugin has that name" for name in scan.unknown]
    alerts = [f"plugin {remark.provider}: {remark.text}" for remark in remarks if remark.alert]
    return Discovery(
        provisions=tuple(event for event in events if isinstance(event, ProvidedParts)),
        broken=tuple(event for event in events if isinstance(event, BrokenPlugin)),
        remarks=remarks,
        loaded=tuple(event for event in events if isinstance(event, LoadedPlugin)),
        excluded=scan.excluded,
        alerts=(*unknown, *alerts),
    )


def _load_distribution(manager: pluggy.PluginManager, distribution: Distribution) -> Iterator[DiscoveryEvent]:
    """Load the plugins of one distribution, unless it is damaged or incompatible."""
    reason = incompatibility(distribution, version(BUNDLED))
    if not reason:
        for entry in distribution.of(PARTS_GROUP):
            yield from _load(manager, entry)
        return
    # Commands of an incompatible distribution are reported by the command line.
    unreadable = [] if distribution.entries else [Provider(distribution.name, distribution.version, "")]
    for provider in (*unreadable, *(entry.provider for entry in distribution.of(PARTS_GROUP))):
        yield BrokenPlugin(provider, reason)


def _load(manager: pluggy.PluginManager, entry: EntryPoint) -> Iterator[DiscoveryEvent]:
    """Import an entry point, register it and call its hooks, each step contained."""
    provider = entry.provider
    plugin, execution = run_contained(entry.load, f"plugin {provider}")
    yield from _remarks(provider, execution)
    if execution.error:
        yield BrokenPlugin(provider, execution.error)
        return
    yield LoadedPlugin(provider, execution.seconds)
    if execution.seconds > SLOW_IMPORT_SECONDS and provider.distribution != BUNDLED:
        yield PluginRemark(provider, f"its import took {execution.seconds:.1f} s")
    yield from call_hooks(manager, plugin, provider, entry.value)


def call_hooks(manager: pluggy.PluginManager, plugin: Any, provider: Provider, shown: str) -> Iterator[DiscoveryEvent]:
    """Register a plugin and call its hooks, each step contained.

    Args:
        manager: Manager with the hooks.
        plugin: A module or another object.
        provider: What provides the plugin.
        shown: Name of the plugin in messages.
    """
    what = f"plugin {provider}"
    registered, execution = run_contained(partial(_register, manager, provider, plugin), what)
    yield from _remarks(provider, execution)
    if registered is None:
        yield BrokenPlugin(provider, execution.error)
        return
    implementations, deprecations = registered
    yield from (PluginRemark(provider, text, alert=True) for text in deprecations)
    if not implementations:
        yield BrokenPlugin(provider, f"{shown} implements no hook: mark its functions with @hookimpl")
    for hook, implementation in implementations:
        parts, execution = run_contained(partial(_call, implementation), what)
        yield from _remarks(provider, execution)
        if parts is None:
            yield BrokenPlugin(provider, f"{hook}: {execution.error}")
        else:
            yield ProvidedParts(provider, hook, parts)


def _remarks(provider: Provider, execution: Execution) -> Iterator[PluginRemark]:
    return (PluginRemark(provider, text) for text in execution.remarks)


def _register(
    manager: pluggy.PluginManager, provider: Provider, plugin: Any
) -> tuple[list[tuple[str, pluggy.HookImpl]], list[str]]:
    """Register a plugin; return its implementations with the names of their hooks, and pluggy's deprecation warnings.

    Two entry points may name the same object, which is then registered once.

    Raises:
        pluggy.PluginValidationError: If a hook is unknown or has arguments that its specification does not have.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if not manager.is_registered(plugin):
            try:
                manager.register(plugin, name=f"{provider.distribution}:{provider.entry_point}")
                manager.check_pending()
            except Exception:
                if manager.is_registered(plugin):
                    manager.unregister(plugin)
                raise
    hooks = manager.get_hookcallers(plugin) or []
    found = [(hook.name, one) for hook in hooks for one in hook.get_hookimpls() if one.plugin is plugin]
    return found, [f"{warning.message} ({warning.filename}:{warning.lineno})" for warning in caught]


def _call(implementation: pluggy.HookImpl, **arguments: Any) -> dict[str, Any]:
    """Call one implementation of a hook with those of the hook's arguments that it names.

    A call of the hook by pluggy ends at the first implementation that raises, and `subset_hook_caller` needs plugins
    that can be hashed, so the implementations are called one at a time.

    Raises:
        TypeError: If the implementation does not return a mapping.
    """
    parts = implementation.function(*(arguments[name] for name in implementation.argnames))
    if not isinstance(parts, Mapping):
        raise TypeError(f"it returns {type(parts).__name__}, expected a mapping from names to parts")
    return dict(parts)
