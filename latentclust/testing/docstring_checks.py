"""Checks of the name, the docstring and the cited source of a part."""

import inspect
import re
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from typing import Any

from latentclust.recipe.table import PartTable
from latentclust.specs.validation import validate
from latentclust.testing.option_checks import TABLES
from latentclust.testing.subject import CheckedPart, CheckFailed, require

EXAMPLE = re.compile(r"^Example:\n    ```toml\n(.*?)^    ```$", re.MULTILINE | re.DOTALL)
"""Pattern of an example: `Example:` and below it, indented by four spaces, a fenced block of TOML."""

SOURCE = re.compile(r"[A-Z]\w+[^\n]*\b(?:19|20)\d\d\b|arXiv|\bdoi\b|^\s*Source: \S", re.MULTILINE)
"""Pattern of a source: a name and a year in one line, an arXiv number, a DOI, or a line `Source: ...`."""


def has_a_summary(subject: CheckedPart) -> None:
    """It has its own docstring. The first line, which `plugins list` prints, is a sentence."""
    value = subject.part.value
    own = vars(value)["__doc__"] if isinstance(value, type) else value.__doc__
    require(own, "it has no docstring of its own")
    sentence = inspect.cleandoc(own).split("\n")[0]
    require(sentence.endswith((".", ":")), f"the first line of its docstring is not a sentence: {sentence!r}")


def names_its_source(subject: CheckedPart) -> None:
    """Its docstring or that of its module names a publication by author and year, or has a line `Source: ...`."""
    module = sys.modules.get(subject.part.value.__module__)
    said = [inspect.getdoc(subject.part.value) or "", (module.__doc__ or "") if module else ""]
    what = "neither its docstring nor its module's names a source: write 'Smith et al. 2017', or a line 'Source: ...'"
    require(any(SOURCE.search(text) for text in said), what)


def has_a_valid_name(subject: CheckedPart) -> None:
    """Its name consists of lower-case words with hyphens between them, or underscores in the name of a quantity."""
    name, between = subject.part.name.partition("@")[0], "_" if subject.part.kind == "quantity" else "-"
    fits = re.fullmatch(rf"[a-z0-9]+({between}[a-z0-9]+)*", name) is not None
    require(fits, f"{name!r} is not a valid name: use lower-case words with {between!r} between them")


def has_a_valid_example(subject: CheckedPart) -> None:
    """The recipe tables of the `Example:` in its docstring are valid TOML and use the part with valid options."""
    part = subject.part
    tables = example_recipe(part.value)
    uses = list(_tables_that_use(tables, {part.name, part.qualified}))
    require(uses, f"the Example of its docstring does not use {part.name!r}")
    reserved = {"use", *TABLES.get(part.kind, PartTable).model_fields}
    for table in uses:
        validate(subject.spec, {key: value for key, value in table.items() if key not in reserved}, "Example")


def has_example(value: object) -> bool:
    """Return whether a docstring has an `Example:` with recipe tables."""
    return EXAMPLE.search(inspect.getdoc(value) or "") is not None


def example_recipe(value: object) -> dict[str, Any]:
    """Return the recipe tables of the `Example:` in a docstring.

    Args:
        value: A spec class or the function of a quantity.

    Raises:
        CheckFailed: If there is not exactly one example, or it is not valid TOML.
    """
    found = EXAMPLE.findall(inspect.getdoc(value) or "")
    require(len(found) == 1, "its docstring must have one `Example:` with a ```toml block")
    try:
        return tomllib.loads(textwrap.dedent(found[0]))
    except tomllib.TOMLDecodeError as error:
        raise CheckFailed(f"the Example of its docstring is not valid TOML: {error}") from error


def _tables_that_use(value: Any, names: set[str]) -> Iterator[dict[str, Any]]:
    """Yield the tables that use a part, and an empty table for a plain name, as in `metrics = ["nmi"]`."""
    if isinstance(value, dict):
        if value.get("use") in names:
            yield value
        for item in value.values():
            yield from _tables_that_use(item, names)
    elif isinstance(value, list):
        for item in value:
            yield from [{}] if isinstance(item, str) and item in names else _tables_that_use(item, names)
