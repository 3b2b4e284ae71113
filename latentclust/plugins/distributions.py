"""Installed distributions that extend latentclust, found by their metadata; none of their modules is imported.

This module must be cheap to import, because `latentclust --help` lists their commands.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

BUNDLED = "latentclust"

PARTS_GROUP = "latentclust"
"""Entry-point group of modules whose hooks provide parts."""

COMMANDS_GROUP = "latentclust.commands"
"""Entry-point group of commands. The name of an entry point is the name of the command."""

PLUGINS_VARIABLE = "LATENTCLUST_PLUGINS"
"""Environment variable that selects third-party plugins: `off` or a list of names. Defaults to all."""

UNKNOWN_NAME = "unknown"
"""Name of a distribution whose metadata contain none."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A distribution and the entry point through which it provides something."""

    distribution: str
    version: str
    entry_point: str

    def __str__(self) -> str:
        """Return `distribution version`."""
        return f"{self.distribution} {self.version}".strip()


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """One entry point: its provider, its group and the `module:object` that it names."""

    provider: Provider
    group: str
    value: str

    @property
    def module(self) -> str:
        """Name of the module."""
        return re.split(r"[:\s\[]", self.value.strip(), maxsplit=1)[0]

    def load(self) -> Any:
        """Import the object. Raise ValueError if the value is malformed, and whatever the import raises."""
        from importlib.metadata import EntryPoint as MetadataEntryPoint

        point = MetadataEntryPoint(self.provider.entry_point, self.value.strip(), self.group)
        if not point.pattern.fullmatch(point.value):
            raise ValueError(f"{self.value!r} is not of the form module:object")
        return point.load()


@dataclass(frozen=True, slots=True)
class Distribution:
    """An installed distribution with entry points in latentclust's groups.

    Attributes:
        summary: Summary line of its metadata. May be empty.
        requires: `Requires-Dist` lines of its metadata.
        folder: Folder of its metadata.
        error: Damage of its metadata, because of which it cannot be used. Empty if they are intact.
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
        """Whether the distribution is latentclust itself."""
        return canonical_name(self.name) == BUNDLED

    def of(self, group: str) -> tuple[EntryPoint, ...]:
        """Return the entry points of a group."""
        return tuple(entry for entry in self.entries if entry.group == group)

    def __str__(self) -> str:
        """Return `name version`."""
        return f"{self.name} {self.version}".strip()


@dataclass(frozen=True, slots=True)
class Scan:
    """The installed distributions.

    Attributes:
        used: latentclust itself, then third parties sorted by name.
        excluded: Third parties that LATENTCLUST_PLUGINS excludes.
        unknown: Names in LATENTCLUST_PLUGINS that match no distribution.
    """

    used: tuple[Distribution, ...] = ()
    excluded: tuple[Distribution, ...] = ()
    unknown: tuple[str, ...] = ()


def canonical_name(name: str) -> str:
    """Return the normalized name of a distribution: `Clust_X` and `clust.x` become `clust-x`."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def scan_distributions() -> Scan:
    """Read the metadata of every distribution on the path. Damaged ones are marked and do not affect the others."""
    from importlib.metadata import distributions

    found: dict[str, Distribution] = {}
    damaged = []
    for item in distributions():
        one = _read(item)
        if one is not None and one.name == UNKNOWN_NAME:
            damaged.append(one)
        elif one is not None:  # an editable install may be listed twice; the first on the path is imported
            found.setdefault(canonical_name(one.name), one)
    return _selected(sorted([*found.values(), *damaged], key=lambda one: (not one.bundled, one.name, one.folder)))


def _selected(found: list[Distribution]) -> Scan:
    """Divide the distributions into those that LATENTCLUST_PLUGINS selects and those that it excludes."""
    value = os.environ.get(PLUGINS_VARIABLE, "").strip()
    if not value:
        return Scan(tuple(found))
    wanted = set() if value.lower() == "off" else {canonical_name(name) for name in value.split(",") if name.strip()}
    used = tuple(one for one in found if one.bundled or canonical_name(one.name) in wanted)
    excluded = tuple(one for one in found if one not in used)
    return Scan(used, excluded, tuple(sorted(wanted - {canonical_name(one.name) for one in found})))


def _read(found: Any) -> Distribution | None:
    """Return a distribution with entry points of ours or with unreadable ones, and None for any other.

    Args:
        found: Distribution of importlib.metadata, or of importlib_metadata, which replaces it once Dask is imported.
    """
    problem, points = "", []
    try:
        # Most distributions are not plugins, so avoid parsing them.
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
    """Return the problem of METADATA without a name or a version."""
    missing = [key for key, value in (("Name", name), ("Version", version)) if value in ("", UNKNOWN_NAME)]
    return f"its METADATA in {folder} has no {' and no '.join(missing)}" if missing else ""


def _duplicates(entries: Iterable[EntryPoint]) -> str:
    """Return the problem of entry points that are listed more than once with different values."""
    counts = Counter((entry.group, entry.provider.entry_point) for entry in entries)
    twice = [f"{name!r} in [{group}]" for (group, name), count in counts.items() if count > 1]
    return f"its entry_points.txt lists {', '.join(twice)} more than once" if twice else ""
