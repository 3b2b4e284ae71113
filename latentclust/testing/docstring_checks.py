"""Checks of the name, the docstring and the cited source of a part."""

import inspect
import re
import sys

from latentclust.testing.subject import CheckedPart, require

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
    require(fits, f"names of its kind are words in lower case with {between!r} between them, and not {name!r}")
