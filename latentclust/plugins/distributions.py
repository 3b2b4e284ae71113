"""The installed distributions that extend latentclust, by their metadata alone: nothing of theirs is imported.

This module is itself cheap to import, for `latentclust --help` lists their commands.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from importlib import import_module
from typing import Any

BUNDLED = "latentclust"

PARTS_GROUP = "latentclust"
"""The entry-point group of modules with hooks, which provide parts."""

COMMANDS_GROUP = "latentclust.commands"
"""The entry-point group of commands: the entry's name is the command's."""

PLUGINS_VARIABLE = "LATENTCLUST_PLUGINS"
"""The environment variable that says which third parties are used: all unless set, `off`, or a list of names."""

UNKNOWN_NAME = "unknown"
"""What a distribution is called whose metadata name none."""

_OBJECT = re.compile(r"([\w.]+)\s*(?::\s*([\w.]+))?\s*(?:\[.*\])?")


@dataclass(frozen=True, slots=True)
class Provider:
    """A distribution that provides something through one entry point."""

    distribution: str
    version: str
    entry_point: str

    def __str__(self) -> str:
        """`distribution version`, as a user would name it."""
        return f"{self.distribution} {self.version}".strip()


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """One entry point: who lists it, in which group, and the `module:object` that it names."""

    provider: Provider
    group: str
    value: str

    @property
    def module(self) -> str:
        """The module that it names."""
        return re.split(r"[:\s\[]", self.value.strip(), maxsplit=1)[0]

    def load(self) -> Any:
        """Imports what it names; raises ValueError where it names nothing, and whatever the import raises."""
        found = _OBJECT.fullmatch(self.value.strip())
        if not found:
            raise ValueError(f"{self.value!r} is no module:object")
        module, attributes = found.groups()
        return reduce(getattr, attributes.split(".") if attributes else (), import_module(module))


@dataclass(frozen=True, slots=True)
class Distribution:
    """An installed distribution with entry points of latentclust's groups.

    Attributes:
        summary: Its own line about itself; may be empty.
        requires: Its `Requires-Dist` lines.
        folder: Where its metadata lie.
        error: What is wrong with its metadata, so that nothing of it can be used; empty where they are sound.
    """

    name: str
    version: str
    summary: str
    requires: tuple[str, ...]
    entries: tuple[EntryPoint, ...]
    folder: str
    error: str = ""

    @property
    def bundled(self) -> bool:
        """Whether it is latentclust itself."""
        return canonical_name(self.name) == BUNDLED

    def of(self, group: str) -> tuple[EntryPoint, ...]:
        """Its entry points in a group."""
        return tuple(entry for entry in self.entries if entry.group == group)

    def __str__(self) -> str:
        """`name version`."""
        return f"{self.name} {self.version}".strip()


@dataclass(frozen=True, slots=True)
class Scan:
    """What is installed.

    Attributes:
        used: latentclust itself, then third parties by name.
        excluded: Third parties that LATENTCLUST_PLUGINS leaves out.
        unknown: Names in LATENTCLUST_PLUGINS that no distribution has.
    """

    used: tuple[Distribution, ...] = ()
    excluded: tuple[Distribution, ...] = ()
    unknown: tuple[str, ...] = ()


def canonical_name(name: str) -> str:
    """A distribution's name as installers compare it: `Clust_X` and `clust.x` are `clust-x`."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def scan_distributions() -> Scan:
    """Reads the metadata of every distribution on the path; a damaged one is told apart and spoils no other."""
    from importlib.metadata import distributions

    found: dict[str, Distribution] = {}
    damaged = []
    for item in distributions():
        one = _read(item)
        if one is not None and one.name == UNKNOWN_NAME:
            damaged.append(one)
        elif one is not None:  # an editable install may be listed twice; the first on the path is what is imported
            found.setdefault(canonical_name(one.name), one)
    return _selected(sorted([*found.values(), *damaged], key=lambda one: (not one.bundled, one.name, one.folder)))


def _selected(found: list[Distribution]) -> Scan:
    """What LATENTCLUST_PLUGINS lets pass."""
    value = os.environ.get(PLUGINS_VARIABLE, "").strip()
    if not value:
        return Scan(tuple(found))
    wanted = set() if value.lower() == "off" else {canonical_name(name) for name in value.split(",") if name.strip()}
    used = tuple(one for one in found if one.bundled or canonical_name(one.name) in wanted)
    excluded = tuple(one for one in found if one not in used)
    return Scan(used, excluded, tuple(sorted(wanted - {canonical_name(one.name) for one in found})))


def _read(found: Any) -> Distribution | None:
    """A distribution with entry points of ours, or whose entry points cannot be read; None for any other.

    Args:
        found: importlib's distribution, or that of importlib_metadata, which takes its place once Dask is imported.
    """
    problem, points = "", []
    try:
        # Most distributions are no plugins, and not worth parsing.
        if BUNDLED in (found.read_text("entry_points.txt") or ""):
            points = [point for point in found.entry_points if point.group in (PARTS_GROUP, COMMANDS_GROUP)]
    except Exception as error:
        problem = f"its entry_points.txt cannot be read ({type(error).__name__}: {error})"
    if not points and not problem:
        return None
    name, version, summary, requires, folder = UNKNOWN_NAME, "", "", (), "?"
    try:
        folder = str(found.locate_file(""))
        headers = found.metadata
        name, version = str(headers.get("Name") or UNKNOWN_NAME), str(headers.get("Version") or "")
        summary, requires = str(headers.get("Summary") or "").partition("\n")[0], tuple(found.requires or ())
    except Exception as error:
        problem = problem or f"its METADATA in {folder} cannot be read ({type(error).__name__}: {error})"
    entries = tuple(
        dict.fromkeys(EntryPoint(Provider(name, version, point.name), point.group, point.value) for point in points)
    )
    problem = problem or _missing_metadata(name, version, folder) or _duplicates(entries)
    return Distribution(name, version, summary, requires, entries, folder, problem)


def _missing_metadata(name: str, version: str, folder: str) -> str:
    """What METADATA without a name or a version lack."""
    lacking = [key for key, value in (("Name", name), ("Version", version)) if value in ("", UNKNOWN_NAME)]
    return f"its METADATA in {folder} lack {' and '.join(lacking)}" if lacking else ""


def _duplicates(entries: Iterable[EntryPoint]) -> str:
    """Which entry point is listed more than once, and not as the same."""
    counts = Counter((entry.group, entry.provider.entry_point) for entry in entries)
    twice = [f"{name!r} in [{group}]" for (group, name), count in counts.items() if count > 1]
    return f"its entry_points.txt lists {', '.join(twice)} more than once" if twice else ""
