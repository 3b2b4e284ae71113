"""The source text of a module as it was when the module was imported."""

import ast
from pathlib import Path
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from latentclust.plugins.running_code import changed_error, runs_as_written

SUFFIX = ".py"

_FIRST: WeakKeyDictionary[ModuleType, tuple[Any, str]] = WeakKeyDictionary()
"""Texts of modules that were given before, with the spec of the import, which a reload replaces."""


def module_source(module: ModuleType) -> str:
    """Return the text of a module's file. Empty if it has none.

    Raises:
        LatentclustError: If the file has changed since the module was imported.
    """
    spec, known = _FIRST.get(module, (None, ""))
    now = _read(module)
    if known and spec is module.__spec__:
        if now not in ("", known):
            raise changed_error(module.__name__)
        return known
    if not now:
        return ""
    try:
        body = ast.parse(now).body
    except (SyntaxError, ValueError) as error:
        raise changed_error(module.__name__) from error
    if not runs_as_written(module, body, module):
        raise changed_error(module.__name__)
    _FIRST[module] = module.__spec__, now
    return now


def _read(module: ModuleType) -> str:
    file = getattr(module, "__file__", None)
    if not file or not file.endswith(SUFFIX):
        return ""
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
