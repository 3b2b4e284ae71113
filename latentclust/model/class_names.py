"""Names of clusters and colours of classes. Clusters with the same name form one class."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

from latentclust.errors import Issue, LatentclustError, did_you_mean, raise_all

NO_DATA_NAME = "no data"
"""Name of value 0 of a label raster."""

NAME_FIX = "Write NUMBER=NAME, such as 3=water"
COLOUR_FIX = "Write NAME=#rrggbb, such as water=#2b6cb0"

_NUMBER = re.compile(r"[0-9]{1,9}")
_HEX = re.compile(r"#[0-9a-f]{6}")
_OURS = re.compile(rf"cluster +[0-9]+|{NO_DATA_NAME}", re.IGNORECASE)
_UNFIT = frozenset({"Cc", "Cn", "Cs", "Zl", "Zp"})
"""Unicode categories of characters that are not text, break a line, or are not allowed in XML."""


@runtime_checkable
class NamedClusters(Protocol):
    """What has clusters with names and colours: a model, or the names in its file."""

    @property
    def clusters(self) -> int:
        """Number of clusters."""

    @property
    def names(self) -> Mapping[int, str]:
        """Names of clusters, counted from 1."""

    @property
    def colours(self) -> Mapping[str, str]:
        """Colours of classes as `#rrggbb`."""


def name_of(cluster: int, names: Mapping[int, str]) -> str:
    """Return the name of a cluster, counted from 1. Defaults to `cluster N`."""
    return names.get(cluster, f"cluster {cluster}")


def classes_of(clusters: int, names: Mapping[int, str]) -> dict[str, tuple[int, ...]]:
    """Return the classes in the order of their first cluster, each with its clusters, counted from 1."""
    found: dict[str, tuple[int, ...]] = {}
    for cluster in range(1, clusters + 1):
        name = name_of(cluster, names)
        found[name] = (*found.get(name, ()), cluster)
    return found


def rename_clusters(names: Mapping[int, str], pairs: Iterable[str], clusters: int) -> dict[int, str]:
    """Return the names after changes.

    Args:
        names: Names of clusters, counted from 1.
        pairs: Changes `NUMBER=NAME`; `NUMBER=` removes a name.
        clusters: Number of clusters.

    Raises:
        LatentclustError: If a cluster is unknown or named twice, or a name is invalid, with all issues.
    """
    given: dict[int, str] = {}
    issues = []
    for pair in pairs:
        number, equals, name = (_plain(part) for part in pair.partition("="))
        cluster = int(number) if equals and _NUMBER.fullmatch(number) else None
        if cluster is None:
            issues.append(Issue(_shown(pair) or "''", "is not a NUMBER=NAME pair", NAME_FIX))
        elif not 1 <= cluster <= clusters:
            issues.append(Issue(_shown(pair), f"unknown cluster {cluster}", f"Use a number from 1 to {clusters}"))
        elif cluster in given:
            issues.append(Issue(_shown(pair), f"cluster {cluster} is named twice", "Give it one name"))
        else:
            given[cluster] = name
            issues += [issue] if (issue := name_issue(name, _shown(pair)) if name else None) else []
    raise_all(issues)
    return {cluster: name for cluster, name in sorted({**names, **given}.items()) if name}


def recolour_classes(colours: Mapping[str, str], pairs: Iterable[str], classes: Iterable[str]) -> dict[str, str]:
    """Return the colours of classes after changes. Colours of classes that no longer exist are removed.

    Args:
        colours: Colours of classes as `#rrggbb`.
        pairs: Changes `NAME=#rrggbb`; `NAME=` removes a colour.
        classes: Names of the classes.

    Raises:
        LatentclustError: If a class is unknown or coloured twice, or a colour is invalid, with all issues.
    """
    known, issues, given = tuple(classes), [], {}
    for pair in pairs:
        name, equals, colour = (_plain(part) for part in pair.rpartition("="))
        where, colour = f"--colour {_shown(pair)}", colour.lower()
        if not equals or not name:
            issues.append(Issue(where, "has no NAME= before the colour", COLOUR_FIX))
        elif name not in known:
            issues.append(Issue(where, f"no cluster is named {_shown(name)!r}", did_you_mean(name, known)))
        elif name in given:
            issues.append(Issue(where, f"{name!r} has two colours", "Give it one colour"))
        elif colour and not _HEX.fullmatch(colour):
            issues.append(Issue(where, f"{_shown(colour)!r} is not a colour", COLOUR_FIX))
        given[name] = colour
    raise_all(issues)
    after = {**colours, **given}
    return {name: after[name] for name in known if after.get(name)}


def names_to_header(names: Mapping[int, str], colours: Mapping[str, str]) -> dict[str, Any]:
    """Return names and colours as entries of a model file's header, without empty ones."""
    stored = {"names": {str(number): name for number, name in names.items()}, "colours": dict(colours)}
    return {key: value for key, value in stored.items() if value}


def names_from_header(header: Mapping[str, Any], clusters: int, where: str) -> tuple[dict[int, str], dict[str, str]]:
    """Return the names and colours of a header. Raise LatentclustError if they are invalid."""
    names = cluster_names_from_header(header, where)
    with _header_errors(where):
        colours = {str(name): str(colour) for name, colour in header.get("colours", {}).items()}
        known = classes_of(clusters, names)
        wrong = [name for number, name in names.items() if number > clusters]
        wrong += [name for name, colour in colours.items() if name not in known or not _HEX.fullmatch(colour)]
        _refuse(wrong)
    return names, colours


def cluster_names_from_header(header: Mapping[str, Any], where: str) -> dict[int, str]:
    """Return the names of a header by cluster, whose number is not known. Raise LatentclustError if one is invalid."""
    with _header_errors(where):
        names = {int(number): str(name) for number, name in header.get("names", {}).items()}
        _refuse([name for number, name in names.items() if number < 1 or name_issue(name, where)])
    return names


@contextmanager
def _header_errors(where: str) -> Iterator[None]:
    """Raise LatentclustError for values of a header that are no names or colours."""
    try:
        yield
    except (AttributeError, ValueError) as error:
        what = f"the header has invalid names or colours ({error})"
        raise LatentclustError.at(where, what, "Use an unchanged copy of the file") from error


def _refuse(wrong: list[str]) -> None:
    if wrong:
        raise ValueError(f"{wrong[0]!a} is not a valid name, or has no valid colour")


def name_issue(name: str, where: str) -> Issue | None:
    """Return what is wrong with a name, or None."""
    if _unfit(name):
        return Issue(where, "the name contains a control or unassigned character", "Use letters, digits and spaces")
    if not name or name != name.strip():
        return Issue(where, "the name is empty, or begins or ends with white space", NAME_FIX)
    if _OURS.fullmatch(name):
        return Issue(where, f"{name!r} is reserved for unnamed clusters and nodata", "Use another name")
    return None


def _unfit(text: str) -> bool:
    return any(unicodedata.category(letter) in _UNFIT for letter in text)


def _shown(text: str) -> str:
    """Return text for a message, escaped if it contains unsuitable characters."""
    return ascii(text) if _unfit(text) else text


def _plain(text: str) -> str:
    """Return normalised text without spaces at the ends, so that names that look the same are equal."""
    return unicodedata.normalize("NFC", text).strip(" ")
