"""Entry-point discovery: every plugin that loads, and every one that does not with its error."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Protocol, runtime_checkable

import pluggy

from latentclust import hookspecs

BUNDLED = "latentclust"


@runtime_checkable
class EntryPoint(Protocol):
    """What `importlib.metadata` finds; where its backport is imported, as Dask does, it finds that one's instead."""

    @property
    def name(self) -> str:
        """Its name within the group."""

    @property
    def dist(self) -> Any:
        """The distribution, or None."""

    def load(self) -> Any:
        """Imports what it names."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A distribution that provides parts through one entry point."""

    distribution: str
    version: str
    entry_point: str

    def __str__(self) -> str:
        """`distribution version`, as a user would name it."""
        return f"{self.distribution} {self.version}".strip()


@dataclass(frozen=True, slots=True)
class BrokenPlugin:
    """A plugin that could not be used, and why."""

    provider: Provider
    error: str


@dataclass(frozen=True, slots=True)
class Provision:
    """What one provider returned from one hook."""

    provider: Provider
    hook: str
    parts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Discovery:
    """Everything found under the entry-point group."""

    provisions: tuple[Provision, ...]
    broken: tuple[BrokenPlugin, ...]


def discover(points: tuple[EntryPoint, ...] | None = None) -> Discovery:
    """Loads the plugins behind entry points, by default all installed ones.

    A plugin that raises while it is imported, registered or asked for its parts is recorded and left out whole.
    """
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    provisions: list[Provision] = []
    broken: list[BrokenPlugin] = []
    found: tuple[EntryPoint, ...] = tuple(entry_points(group=hookspecs.GROUP)) if points is None else points
    for provider, point in sorted(_unique(found), key=lambda pair: (pair[0].distribution != BUNDLED, str(pair[0]))):
        try:
            plugin = point.load()
            name = manager.register(plugin, name=f"{provider.distribution}:{provider.entry_point}")
            manager.check_pending()
            provisions.extend(_provisions(manager, provider, name))
        # A third party's import may raise anything, and none of it may stop the others.
        except Exception as error:
            broken.append(BrokenPlugin(provider, f"{type(error).__name__}: {error}"))
            if manager.has_plugin(f"{provider.distribution}:{provider.entry_point}"):
                manager.unregister(name=f"{provider.distribution}:{provider.entry_point}")
    return Discovery(tuple(provisions), tuple(broken))


def _unique(points: tuple[EntryPoint, ...]) -> Iterator[tuple[Provider, EntryPoint]]:
    """Entry points with their providers, each once: an editable install may be listed twice."""
    seen: set[Provider] = set()
    for point in points:
        distribution = point.dist
        provider = Provider(
            distribution=distribution.name if distribution else "unknown",
            version=distribution.version if distribution else "",
            entry_point=point.name,
        )
        if provider not in seen:
            seen.add(provider)
            yield provider, point


def _provisions(manager: pluggy.PluginManager, provider: Provider, name: str | None) -> list[Provision]:
    """Asks one registered plugin for all its parts."""
    found = []
    for hook in vars(manager.hook).values():
        if not isinstance(hook, pluggy.HookCaller):
            continue
        for implementation in hook.get_hookimpls():
            if implementation.plugin_name == name:
                parts: Mapping[str, Any] = implementation.function()  # type: ignore[assignment]
                found.append(Provision(provider, hook.name, dict(parts)))
    return found
