"""What clusters are called, and the colours of classes; clusters that bear one name are one class."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from latentclust.errors import Issue, LatentclustError, did_you_mean, raise_all

NO_DATA = "no data"
"""What value 0 of a label raster is called."""

NAME = "Write NUMBER=NAME, such as 3=water"
COLOUR = "Write NAME=#rrggbb, such as water=#2b6cb0"

_NUMBER = re.compile(r"[0-9]{1,9}")
_HEX = re.compile(r"#[0-9a-f]{6}")
_OURS = re.compile(rf"cluster +[0-9]+|{NO_DATA}", re.IGNORECASE)
_UNFIT = frozenset({"Cc", "Cn", "Cs", "Zl", "Zp"})
"""Of characters that are no text or break a line, or that XML does not hold: Unicode's general categories."""


def name_of(cluster: int, names: Mapping[int, str]) -> str:
    """The name of a cluster, counted from 1; `cluster N` where it has none."""
    return names.get(cluster, f"cluster {cluster}")


def classes_of(clusters: int, names: Mapping[int, str]) -> dict[str, tuple[int, ...]]:
    """The classes in the order of their first cluster, each with its clusters, counted from 1."""
    found: dict[str, tuple[int, ...]] = {}
    for cluster in range(1, clusters + 1):
        name = name_of(cluster, names)
        found[name] = (*found.get(name, ()), cluster)
    return found


def rename_clusters(names: Mapping[int, str], pairs: Iterable[str], clusters: int) -> dict[int, str]:
    """The names after changes `NUMBER=NAME`; `NUMBER=` takes a name away.

    Raises:
        LatentclustError: with every issue at once: no such cluster, one that is given twice, a name that will not do.
    """
    given: dict[int, str] = {}
    issues = []
    for pair in pairs:
        number, equals, name = (_plain(part) for part in pair.partition("="))
        cluster = int(number) if equals and _NUMBER.fullmatch(number) else None
        if cluster is None:
            issues.append(Issue(_shown(pair) or "''", "names no cluster", NAME))
        elif not 1 <= cluster <= clusters:
            issues.append(Issue(_shown(pair), f"there is no cluster {cluster}", f"Use a number from 1 to {clusters}"))
        elif cluster in given:
            issues.append(Issue(_shown(pair), f"cluster {cluster} is named twice", "Give it one name"))
        else:
            given[cluster] = name
            issues += [issue] if (issue := name_issue(name, _shown(pair)) if name else None) else []
    raise_all(issues)
    return {cluster: name for cluster, name in sorted({**names, **given}.items()) if name}


def recolour_classes(colours: Mapping[str, str], pairs: Iterable[str], classes: Iterable[str]) -> dict[str, str]:
    """The colours of classes after changes `NAME=#rrggbb`; `NAME=` takes a colour away, and so does the class's end.

    Raises:
        LatentclustError: with every issue at once: no such class, one that is given twice, no colour.
    """
    known, issues, given = tuple(classes), [], {}
    for pair in pairs:
        name, equals, colour = (_plain(part) for part in pair.rpartition("="))
        where, colour = f"--colour {_shown(pair)}", colour.lower()
        if not equals or not name:
            issues.append(Issue(where, "has no NAME= before the colour", COLOUR))
        elif name not in known:
            issues.append(Issue(where, f"no cluster is called {_shown(name)!r}", did_you_mean(name, known)))
        elif name in given:
            issues.append(Issue(where, f"{name!r} is given two colours", "Give it one"))
        elif colour and not _HEX.fullmatch(colour):
            issues.append(Issue(where, f"{_shown(colour)!r} is no colour", COLOUR))
        given[name] = colour
    raise_all(issues)
    after = {**colours, **given}
    return {name: after[name] for name in known if after.get(name)}


def names_to_header(names: Mapping[int, str], colours: Mapping[str, str]) -> dict[str, Any]:
    """The names and colours as a model file's header holds them; nothing where there are none."""
    stored = {"names": {str(number): name for number, name in names.items()}, "colours": dict(colours)}
    return {key: value for key, value in stored.items() if value}


def names_from_header(header: Mapping[str, Any], clusters: int, where: str) -> tuple[dict[int, str], dict[str, str]]:
    """The names and colours of a header; raises LatentclustError where they are none that commands write."""
    try:
        names = {int(number): str(name) for number, name in header.get("names", {}).items()}
        colours = {str(name): str(colour) for name, colour in header.get("colours", {}).items()}
        known = classes_of(clusters, names)
        wrong = [name for number, name in names.items() if not 1 <= number <= clusters or name_issue(name, where)]
        wrong += [name for name, colour in colours.items() if name not in known or not _HEX.fullmatch(colour)]
        if wrong:
            raise ValueError(f"{wrong[0]!a} names no cluster, or has no colour")
    except (AttributeError, ValueError) as error:
        what = f"its header's names or colours cannot be read ({error})"
        raise LatentclustError.at(where, what, "Take an unchanged copy of the file") from error
    return names, colours


def name_issue(name: str, where: str) -> Issue | None:
    """What is wrong with a name, if anything."""
    if _unfit(name):
        return Issue(where, "the name holds a character that is no text", "Use letters, digits and spaces")
    if not name or name != name.strip():
        return Issue(where, "the name is blank, or begins or ends with a blank", NAME)
    if _OURS.fullmatch(name):
        return Issue(where, f"{name!r} is kept for clusters without a name and for no data", "Choose another name")
    return None


def _unfit(text: str) -> bool:
    return any(unicodedata.category(letter) in _UNFIT for letter in text)


def _shown(text: str) -> str:
    """As a message holds it."""
    return ascii(text) if _unfit(text) else text


def _plain(text: str) -> str:
    """The same letters in one form and without blanks at the ends, so that names that look alike are alike."""
    return unicodedata.normalize("NFC", text).strip(" ")
