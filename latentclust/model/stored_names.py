"""Names and colours of clusters in a model file, changed under a lock so that no writer undoes another's change."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latentclust.errors import Issue, LatentclustError, first_problem
from latentclust.files import lock_file
from latentclust.model.class_names import cluster_names_from_header, name_of, names_from_header, names_to_header
from latentclust.model.naming_record import (
    NAMED_FROM,
    NamingRecord,
    records_from_header,
    records_to_header,
    with_record,
)
from latentclust.model.tensor_files import FIX, read_metadata, replace_metadata
from latentclust.networks.stored_model import ENTRY, REWRITE

NAMING = ("names", "colours", NAMED_FROM)
"""Entries of the header that naming changes."""

LONGEST_WAIT = 10.0
"""Time in seconds to wait for another process that is writing names; a write takes as long as a copy of the file."""


@dataclass(frozen=True, slots=True)
class StoredNames:
    """Names and colours in a model file, with the number of clusters that they were checked against.

    Attributes:
        clusters: Number of clusters.
        names: Names of clusters, counted from 1.
        colours: Colours of classes as `#rrggbb`.
        model: SHA-256 of the rest of the header. It differs only if the file holds another model.
        records: Labels that named clusters.
    """

    clusters: int
    names: Mapping[int, str]
    colours: Mapping[str, str]
    model: str
    records: tuple[NamingRecord, ...] = ()

    @property
    def version(self) -> str:
        """SHA-256 of names, colours and model, in hexadecimal. Equal versions are equal states."""
        return _digest({**names_to_header(self.names, self.colours), "model": self.model})


class NamesChangedError(LatentclustError):
    """Names or colours changed since they were read, so that a change based on them is refused.

    Attributes:
        found: What the file contains now.
    """

    def __init__(self, found: StoredNames, *issues: Issue) -> None:
        self.found = found
        super().__init__(*issues)


NameChange = Callable[[StoredNames], tuple[Mapping[int, str], Mapping[str, str]]]
"""Returns the names and the colours after a change."""


def model_identity(header: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a model's header without what naming changes, in hexadecimal."""
    return _digest({key: value for key, value in header.items() if key not in NAMING})


def naming_to_header(names: StoredNames) -> dict[str, Any]:
    """Return what naming changes as entries of a model file's header."""
    return names_to_header(names.names, names.colours) | records_to_header(names.records)


def read_names(file: Path, clusters: int) -> StoredNames:
    """Read the names and colours of a model file. No tensor is read.

    Args:
        file: The model file.
        clusters: Number of clusters of its model.

    Raises:
        LatentclustError: If the file is missing or damaged, or its names do not suit the number of clusters.
    """
    if not file.is_file():
        raise LatentclustError.at(str(file), "the model file does not exist", "Put it back, or open another model")
    return _stored(file, read_metadata(file), clusters)[1]


def read_naming(file: Path) -> list[tuple[NamingRecord, list[int]]]:
    """Read the labels that named clusters in a model file, each with the clusters that still have these names.

    Raises:
        LatentclustError: If the file is missing or damaged.
    """
    header = _header(file, read_metadata(file))
    records = records_from_header(header, str(file))
    names = cluster_names_from_header(header, str(file))
    return [(record, record.valid_for(names)) for record in records]


def change_names(
    file: Path,
    clusters: int,
    change: NameChange,
    expected: StoredNames | None = None,
    record: NamingRecord | None = None,
) -> StoredNames:
    """Change names and colours atomically, under a lock that all writers of names hold.

    Args:
        file: The model file. The target of a symbolic link is changed.
        clusters: Number of clusters of its model.
        change: Given what the file contains, returns the names and colours to write.
        expected: The state that the change is based on. None: the change suits any state.
        record: Labels that the change names clusters by. None for names of the user.

    Returns:
        What the file contains afterwards.

    Raises:
        NamesChangedError: If the file no longer contains `expected`.
        LatentclustError: If the file is missing, damaged or holds another model, the change is invalid, the folder
            cannot be written, or another process does not finish writing. The file does not change.
    """
    file = file.resolve()
    if not file.is_file():
        raise LatentclustError.at(str(file), "the model file does not exist", "Put it back, or open another model")
    after: StoredNames | None = None

    def rewrite(metadata: Mapping[str, str]) -> Mapping[str, str]:
        nonlocal after
        header, found = _stored(file, metadata, clusters)
        if expected is not None:
            check_unchanged(file, expected, found)
        names, colours = change(found)
        records = found.records if record is None else with_record(found.records, record)
        after = StoredNames(clusters, dict(names), dict(colours), found.model, records)
        if after.version == found.version and records == found.records:
            return {}
        kept = {key: value for key, value in header.items() if key not in NAMING}
        return {ENTRY: json.dumps(kept | naming_to_header(after))}

    busy = f"another process is writing names into {file.name}"
    with lock_file(file.with_name(f".{file.name}.lock"), busy, "Repeat the change", LONGEST_WAIT, FIX):
        replace_metadata(file, rewrite)
    assert after is not None, "the change was called"
    return after


def check_unchanged(file: Path, expected: StoredNames, found: StoredNames) -> None:
    """Raise LatentclustError if a file contains other names, colours or another model than expected."""
    if found.model != expected.model:
        what = "holds another model than the one that was opened"
        raise LatentclustError.at(str(file), what, "Open the model again")
    if found.version != expected.version:
        changes = "; ".join(name_changes(expected, found))
        what = f"its names or colours changed meanwhile: {changes}"
        raise NamesChangedError(found, Issue(str(file), what, "Look at the new names, and repeat the change"))


def name_changes(before: StoredNames, after: StoredNames) -> Iterator[str]:
    """Yield what differs between two states, one phrase per cluster and colour."""
    for cluster in range(1, after.clusters + 1):
        old, new = name_of(cluster, before.names), name_of(cluster, after.names)
        if old != new:
            yield (
                f"{old!r} is now {new!r}"
                if cluster not in before.names
                else f"cluster {cluster}, {old!r}, is now {new!r}"
            )
    for name in dict.fromkeys((*before.colours, *after.colours)):
        old, new = before.colours.get(name, "the default"), after.colours.get(name, "the default")
        if old != new:
            yield f"the colour of {name!r} was {old} and is {new}"


def _header(file: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    """Return the header of a model file. Raise LatentclustError if it has none."""
    try:
        header: dict[str, Any] = json.loads(metadata[ENTRY])
        model_identity(header)
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise LatentclustError.at(str(file), f"is not a latentclust model ({first_problem(error)})", REWRITE) from error
    return header


def _stored(file: Path, metadata: Mapping[str, str], clusters: int) -> tuple[dict[str, Any], StoredNames]:
    """Return the header of a model file, and its names."""
    header = _header(file, metadata)
    identity = model_identity(header)
    names, colours = names_from_header(header, clusters, str(file))
    records = records_from_header(header, str(file))
    return header, StoredNames(clusters, names, colours, identity, records)


def _digest(value: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
