"""The source text of a class, also of one that was defined in a notebook."""

import ast
import inspect
import linecache
from types import FunctionType


def class_source(given: type) -> str:
    """Return the source text of a class. Empty if it is not available."""
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
