"""Discovery: every plugin that loads, and every one that does not with its reason."""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

import pluggy

from latentclust.plugins import hookspecs
from latentclust.plugins.compatibility import refusal
from latentclust.plugins.containment import SLOW, Conduct, contained
from latentclust.plugins.distributions import BUNDLED, PARTS, VARIABLE, Distribution, Entry, Provider, Scan, scanned

__all__ = ["BUNDLED", "BrokenPlugin", "Discovery", "Loaded", "Provider", "Provision", "Remark", "discover"]


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
class Remark:
    """Something odd about a plugin that is used nevertheless.

    Attributes:
        alert: Whether the user of any command should know, and not only who lists the plugins.
    """

    provider: Provider
    text: str
    alert: bool = False


@dataclass(frozen=True, slots=True)
class Provision:
    """What one provider returned from one hook."""

    provider: Provider
    hook: str
    parts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Loaded:
    """An entry point whose module was imported, in how many seconds."""

    provider: Provider
    seconds: float


@dataclass(frozen=True, slots=True)
class Discovery:
    """Everything found under the entry-point group.

    Attributes:
        left_out: Distributions that LATENTCLUST_PLUGINS leaves out.
        alerts: What the user of any command should know at once, a line each.
    """

    provisions: tuple[Provision, ...]
    broken: tuple[BrokenPlugin, ...]
    remarks: tuple[Remark, ...] = ()
    loaded: tuple[Loaded, ...] = ()
    left_out: tuple[Distribution, ...] = ()
    alerts: tuple[str, ...] = ()


Finding = Provision | BrokenPlugin | Remark | Loaded


def discover(scan: Scan | None = None) -> Discovery:
    """Loads the plugins of the scanned distributions, by default of all installed ones.

    A distribution whose metadata are damaged, or which asks for another latentclust, is not imported. An entry point
    whose module raises, and a hook that raises or returns no mapping, is recorded and left out; the rest is used.
    """
    scan = scanned() if scan is None else scan
    findings = [finding for distribution in scan.used for finding in _distribution(distribution)]
    remarks = tuple(one for one in findings if isinstance(one, Remark))
    strangers = [f"{VARIABLE} names {name!r}, and no plugin that is installed is called that" for name in scan.unknown]
    alerts = [f"plugin {one.provider}: {one.text}" for one in remarks if one.alert]
    return Discovery(
        provisions=tuple(one for one in findings if isinstance(one, Provision)),
        broken=tuple(one for one in findings if isinstance(one, BrokenPlugin)),
        remarks=remarks,
        loaded=tuple(one for one in findings if isinstance(one, Loaded)),
        left_out=scan.left_out,
        alerts=(*strangers, *alerts),
    )


def _distribution(distribution: Distribution) -> Iterator[Finding]:
    """What one distribution provides, and what is wrong with it."""
    reason = refusal(distribution, version(BUNDLED))
    if reason:
        # Its commands are refused where they are found.
        unread = [] if distribution.entries else [Provider(distribution.name, distribution.version, "")]
        for provider in (*unread, *(entry.provider for entry in distribution.of(PARTS))):
            yield BrokenPlugin(provider, reason)
        return
    for entry in distribution.of(PARTS):
        yield from _entry(entry)


def _entry(entry: Entry) -> Iterator[Finding]:
    """Imports what an entry point names and asks each of its hooks."""
    provider, what = entry.provider, f"plugin {entry.provider}"
    plugin, conduct = contained(entry.load, what)
    yield from _remarks(provider, conduct)
    if conduct.error:
        yield BrokenPlugin(provider, conduct.error)
        return
    yield Loaded(provider, conduct.seconds)
    if conduct.seconds > SLOW and provider.distribution != BUNDLED:
        yield Remark(provider, f"its import took {conduct.seconds:.1f} s")
    found, conduct = contained(partial(_implementations, entry, plugin), what)
    yield from _remarks(provider, conduct)
    if found is None:
        yield BrokenPlugin(provider, conduct.error)
        return
    implementations, deprecations = found
    yield from (Remark(provider, text, alert=True) for text in deprecations)
    if not implementations:
        yield BrokenPlugin(provider, f"{entry.value} implements no hook: mark its functions with @hookimpl")
    for hook, implementation in implementations:
        parts, conduct = contained(partial(_parts, implementation), what)
        yield from _remarks(provider, conduct)
        if parts is None:
            yield BrokenPlugin(provider, f"{hook}: {conduct.error}")
        else:
            yield Provision(provider, hook, parts)


def _remarks(provider: Provider, conduct: Conduct) -> Iterator[Remark]:
    return (Remark(provider, text) for text in conduct.remarks)


def _implementations(entry: Entry, plugin: Any) -> tuple[list[tuple[str, pluggy.HookImpl]], list[str]]:
    """A plugin's hooks by name, checked by pluggy, and the warnings that pluggy gave of them.

    Each plugin has a manager of its own, so that what one leaves there reaches no other.
    """
    manager = pluggy.PluginManager(PARTS)
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
