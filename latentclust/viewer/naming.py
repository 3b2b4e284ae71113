"""Naming of clusters from a page: saved to the model file, with undo, and refused if another writer was faster."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

from latentclust.errors import Issue, LatentclustError
from latentclust.labelling.outputs.legend import Legend, default_palette
from latentclust.model.class_names import classes_of, name_of, recolour_classes, rename_clusters
from latentclust.model.stored_names import (
    NamesChangedError,
    StoredNames,
    change_names,
    check_unchanged,
    name_changes,
    read_names,
)

RELOAD_FIX = "Look at the names as they are now, and repeat the change"


@dataclass(frozen=True, slots=True)
class ClusterEdit:
    """What a page changes about a cluster.

    Attributes:
        name: New name; empty to remove it. None: unchanged.
        colour: New colour of its class as `#rrggbb`; empty for the default. None: unchanged.
    """

    name: str | None = None
    colour: str | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    before: StoredNames
    after: StoredNames


@final
class Naming:
    """Names and colours in a model file, as pages show and change them. Its methods may be called by several threads.

    Args:
        file: The model file.
        clusters: Number of clusters of its model.

    Raises:
        LatentclustError: If the file is missing or damaged.
    """

    def __init__(self, file: Path, clusters: int) -> None:
        self.file, self._clusters = file, clusters
        self._opened = read_names(file, clusters)
        self._served = {self._opened.version: self._opened}
        self._undo: list[_Step] = []
        self._redo: list[_Step] = []
        self._lock = threading.Lock()

    def stored(self) -> StoredNames:
        """Return what the file contains now.

        Raises:
            LatentclustError: If the file is missing, damaged or holds another model than before.
        """
        found = read_names(self.file, self._clusters)
        check_unchanged(self.file, replace(found, model=self._opened.model), found)
        self._served[found.version] = found
        return found

    def as_json(self) -> dict[str, Any]:
        """Return the names, colours and classes for a page, with the version that its changes refer to."""
        found = self.stored()
        standard = default_palette(self._clusters)
        rows = [
            {
                "cluster": entry.value,
                "name": found.names.get(entry.value, ""),
                "label": entry.name,
                "colour": entry.hex,
                "standard": "#" + bytes(standard[entry.value][:3]).hex(),
                "custom": entry.name in found.colours,
            }
            for entry in Legend.from_clusters(found).entries[1:]
        ]
        return {
            "version": found.version,
            "clusters": rows,
            "classes": Legend.from_classes(found).as_json(),
            "undo": bool(self._undo) and self._undo[-1].after.version == found.version,
            "redo": bool(self._redo) and self._redo[-1].before.version == found.version,
        }

    def save(self, version: str, edits: Mapping[int, ClusterEdit]) -> None:
        """Write changes of clusters that are based on a version.

        A class that is renamed keeps the colour that it was given. Clusters with the same name are merged.

        Raises:
            NamesChangedError: If the file has another version now.
            LatentclustError: If a change is invalid, or the file cannot be written. The file does not change.
        """
        with self._lock:
            before = self._expected(version)
            after = change_names(self.file, before.clusters, lambda found: edited(found, edits), before)
            if after.version != before.version:
                self._undo.append(_Step(before, after))
                self._redo.clear()

    def undo(self, version: str) -> None:
        """Take back the last saved change. Raise as `save`, and if there is none that fits the version."""
        with self._lock:
            step = self._last(self._undo, version, "undo")
            change_names(self.file, step.after.clusters, lambda _: (step.before.names, step.before.colours), step.after)
            self._redo.append(self._undo.pop())

    def redo(self, version: str) -> None:
        """Repeat the change that was taken back last. Raise as `save`, and if there is none that fits the version."""
        with self._lock:
            step = self._last(self._redo, version, "redo")
            change_names(self.file, step.after.clusters, lambda _: (step.after.names, step.after.colours), step.before)
            self._undo.append(self._redo.pop())

    def changes_since(self, version: str) -> list[str]:
        """Return what changed since a version, in phrases. Empty for an unknown version."""
        before = self._served.get(version)
        return list(name_changes(before, self.stored())) if before else []

    def _expected(self, version: str) -> StoredNames:
        """Return the state of a version. Raise NamesChangedError if no page of this server was given it."""
        if version in self._served:
            return self._served[version]
        raise NamesChangedError(self.stored(), Issue(str(self.file), "the page shows outdated names", RELOAD_FIX))

    def _last(self, steps: list[_Step], version: str, what: str) -> _Step:
        """Return the step to undo or redo. Raise if the page or the file does not show its state."""
        expected = self._expected(version)
        check_unchanged(self.file, expected, self.stored())
        if steps and version == (steps[-1].after if what == "undo" else steps[-1].before).version:
            return steps[-1]
        raise LatentclustError.at(str(self.file), f"there is nothing to {what}", "Change the names themselves")


def edited(found: StoredNames, edits: Mapping[int, ClusterEdit]) -> tuple[Mapping[int, str], Mapping[str, str]]:
    """Return names and colours after changes of clusters.

    Raises:
        LatentclustError: If a cluster, name or colour is invalid, or two clusters of a class get different colours.
    """
    pairs = [f"{cluster}={edit.name}" for cluster, edit in edits.items() if edit.name is not None]
    names = rename_clusters(found.names, pairs, found.clusters)
    given = {
        (name_of(cluster, names), edit.colour)
        for cluster, edit in edits.items()
        if edit.colour is not None and 1 <= cluster <= found.clusters
    }
    colours = {**_carried(found, names), **found.colours}
    classes = classes_of(found.clusters, names)
    return names, recolour_classes(colours, [f"{name}={colour}" for name, colour in sorted(given)], classes)


def _carried(found: StoredNames, names: Mapping[int, str]) -> dict[str, str]:
    """Return the colours of classes that are renamed as a whole, by their new names."""
    before, after = classes_of(found.clusters, found.names), classes_of(found.clusters, names)
    new_name = {clusters: name for name, clusters in after.items()}
    return {
        new_name[clusters]: found.colours[name]
        for name, clusters in before.items()
        if name in found.colours and name not in after and clusters in new_name
    }
