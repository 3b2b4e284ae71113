"""The source text of a class, also of one that was defined in a notebook."""

import ast
import inspect
import linecache
import sys
from textwrap import dedent
from types import FunctionType

from latentclust.plugins.running_code import changed_error, runs_as_written


def class_source(given: type) -> str:
    """Return the source text of a class. Empty if it is not available.

    Raises:
        LatentclustError: If the file has changed since the class was imported.
    """
    text, module = _text_now(given), sys.modules.get(given.__module__)
    if not text or runs_as_written(given, _body(text), module):
        return text
    # What was sent to this process by value, or is local to a function, is no part of the file as it is now.
    if getattr(module, given.__qualname__, None) is not given:
        return ""
    raise changed_error(given.__name__)


def _body(text: str) -> list[ast.stmt]:
    """Return the statements of a class. Empty if its text is not that of a class."""
    try:
        (found,) = ast.parse(dedent(text)).body
    except (SyntaxError, ValueError):
        return []
    return found.body if isinstance(found, ast.ClassDef) else []


def _text_now(given: type) -> str:
    """Return what is now written where a class was defined."""
    try:
        return inspect.getsource(given)
    except (OSError, TypeError):  # inspect finds no class of a notebook, because its module has no file
        return _source_of_cell(given)


def _source_of_cell(given: type) -> str:
    """Return the definition of a class in the notebook cell that its methods come from."""
    files = {value.__code__.co_filename for value in vars(given).values() if isinstance(value, FunctionType)}
    for file in sorted(files):
        text = "".join(linecache.getlines(file))
        try:
            found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)]
        except (SyntaxError, ValueError):
            continue
        for node in found:
            if node.name == given.__name__:
                return (ast.get_source_segment(text, node, padded=True) or "") + "\n"
    return ""
