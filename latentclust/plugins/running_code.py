"""Whether a class or a module that runs is the one of its file, which may have been changed since it was imported."""

import ast
import inspect
import linecache
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.machinery import SourceFileLoader
from types import CodeType, FunctionType, ModuleType
from typing import Any

from latentclust.errors import LatentclustError

Owner = type | ModuleType


def changed_error(name: str) -> LatentclustError:
    """Return the error for a plugin whose code is not that of its file."""
    what = "has changed since it was imported: the code that runs is not that of its file"
    return LatentclustError.at(f"plugin {name}", what, "Restart Python, or pass the .py file")


def runs_as_written(owner: Owner, body: Sequence[ast.stmt], module: ModuleType | None) -> bool:
    """Return whether functions and literal constants of a class or a module are those that its file now contains.

    Values that are computed when the module is imported are not compared. True if the module was loaded by a loader
    that changes code, as that of pytest does.

    Args:
        owner: The class or the module.
        body: Its statements, as they are written now.
        module: The module itself or that of the class, if it is known.
    """
    loader = getattr(getattr(module, "__spec__", None), "loader", None)
    if loader is not None and type(loader) is not SourceFileLoader:
        return True
    functions = list(_functions(owner, owner.__name__ if isinstance(owner, ModuleType) else owner.__module__))
    files = {one.__code__.co_filename for one in functions}
    written = {file: _codes_of_file(file) for file in files}
    same = (_bare(one.__code__) in written[one.__code__.co_filename] for one in functions)
    return all(same) and _same_constants(owner, body)


def _functions(owner: Owner, module: str) -> Iterator[FunctionType]:
    """Yield the functions of a module and its classes, or of a class, whose text is available."""
    for value in vars(owner).values():
        if isinstance(owner, ModuleType) and isinstance(value, type) and value.__module__ == module:
            yield from _functions(value, module)
        wrapped = (value.fget, value.fset) if isinstance(value, property) else (getattr(value, "__func__", value),)
        for one in wrapped:
            found = inspect.unwrap(one) if isinstance(one, FunctionType) else None
            if isinstance(found, FunctionType) and found.__module__ == module and _text(found.__code__.co_filename):
                yield found


def _text(file: str) -> str:
    linecache.checkcache(file)
    return "".join(linecache.getlines(file))


def _codes_of_file(file: str) -> set[CodeType]:
    """Return the codes of all functions of a file, or of a notebook cell. Empty if it is no longer Python."""
    try:
        return set(_codes(compile(_text(file), file, "exec", dont_inherit=True)))
    except (SyntaxError, ValueError):
        return set()


def _codes(code: CodeType) -> Iterator[CodeType]:
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield _bare(one)
            yield from _codes(one)


def _bare(code: CodeType) -> CodeType:
    """Return a code without its lines, so that a comment above it changes nothing."""
    constants = tuple(_bare(one) if isinstance(one, CodeType) else one for one in code.co_consts)
    return code.replace(co_consts=constants, co_firstlineno=1, co_linetable=b"", co_filename="")


def _same_constants(owner: Owner, body: Sequence[ast.stmt]) -> bool:
    """Return whether literals that are assigned once have their values; of options, the defaults."""
    nodes = [node for statement in body for node in ast.walk(statement)]
    stored = Counter(node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    stored.update(name for node in nodes if isinstance(node, ast.Global) for name in node.names)
    fields = getattr(owner, "model_fields", {})
    for name, value in _literals(body):
        if stored[name] == 1 and (name in fields or name in vars(owner)):
            now = fields[name].default if name in fields else vars(owner)[name]
            if type(now) is not type(value) or now != value:
                return False
    classes = [node for node in body if isinstance(node, ast.ClassDef) and isinstance(vars(owner).get(node.name), type)]
    return all(_same_constants(vars(owner)[node.name], node.body) for node in classes if _has_options(owner, node.name))


def _has_options(owner: Owner, name: str) -> bool:
    return hasattr(vars(owner)[name], "model_fields")


def _literals(body: Sequence[ast.stmt]) -> Iterator[tuple[str, Any]]:
    """Yield names and immutable literals that are assigned to them, also as the default of a `Field`."""
    for statement in body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        value = getattr(statement, "value", None)
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "Field":
            default = [one.value for one in value.keywords if one.arg == "default"]
            value = next(iter([*value.args, *default]), None)
        if isinstance(targets[0], ast.Name) and isinstance(value, ast.expr):
            try:
                found = ast.literal_eval(value)
                hash(found)
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                continue
            yield targets[0].id, found
