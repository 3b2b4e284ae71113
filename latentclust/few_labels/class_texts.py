"""Classes as text, from the cells of a table or the attributes of features, and their check as names of clusters."""

import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from latentclust.errors import Issue, LatentclustError, raise_all
from latentclust.model.class_names import name_issue

CLASS_FIELDS = ("class", "label", "category")
"""Names of the column or attribute with the classes, if none is given."""

MAX_ISSUES = 3
"""Maximum number of invalid classes that are named."""


def find_field(given: str | None, candidates: Sequence[str], fields: Sequence[str], option: str, path: Path) -> str:
    """Return the column or attribute that an option names, or the only one with a usual name.

    Args:
        given: Name that the option gives. None to look for a usual one, whatever the case of its letters.
        candidates: Usual names.
        fields: Names in the file.
        option: Option, for messages.
        path: File, for messages.

    Raises:
        LatentclustError: If there is no such field, or several have usual names.
    """
    known = f"it has {', '.join(fields)}" if fields else "it has none"
    if given is not None:
        if given not in fields:
            raise LatentclustError.at(option, f"{given!r} is not a field of {path}; {known}", "Name one of them")
        return given
    found = [name for name in fields if name.strip().casefold() in candidates]
    if len(found) == 1:
        return found[0]
    what = f"has the fields {' and '.join(found)}" if found else f"has no field {' or '.join(candidates)}; {known}"
    raise LatentclustError.at(str(path), what, f"Name the field with {option}")


def plain_class(text: str) -> str:
    """Return a class as names of clusters are written: composed accents, no space at the ends."""
    return unicodedata.normalize("NFC", text).strip()


def check_classes(classes: Iterable[tuple[str, str]], path: Path, field: str) -> None:
    """Raise LatentclustError for classes that are empty, no names of clusters, or numbers that are not whole.

    Args:
        classes: Where each class is in the file, such as `line 3`, and the class.
        path: File, for messages.
        field: Column or attribute.
    """
    first: dict[str, str] = {}
    empty: list[str] = []
    for where, name in classes:
        first.setdefault(name, where)
        empty += [where] * (not name)
    if empty:
        verb, more = ("has", "") if len(empty) == 1 else ("have", f"{len(empty):,} rows or features, the first in ")
        what = f"{more}{empty[0]}, {verb} no class in {field!r}"
        raise LatentclustError.at(str(path), what, "Fill these cells, or remove the rows or features")
    if not first:
        raise LatentclustError.at(str(path), "contains no labels", "Write one row or feature for each label")
    fraction = next((name for name in first if _is_fraction(name)), None)
    if fraction is not None:
        what = f"{first[fraction]}: {fraction!r} in {field!r} is a measurement and no class"
        raise LatentclustError.at(str(path), what, "Choose the field of the classes with --field")
    issues = [issue for name, where in first.items() if (issue := name_issue(name, f"{path}, {where}"))]
    fix = "Use another class name: letters, digits and spaces"
    raise_all(Issue(issue.where, issue.what, fix) for issue in issues[:MAX_ISSUES])


def _is_fraction(text: str) -> bool:
    """Return whether a text is a number that is not whole."""
    try:
        return not float(text).is_integer() and any(letter.isdigit() for letter in text)
    except ValueError:
        return False
