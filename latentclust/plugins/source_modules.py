"""Modules that are run from the text of a plugin file."""

import hashlib
import linecache
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType

from latentclust.errors import LatentclustError, first_problem
from latentclust.plugins.containment import error_summary, run_contained

SUFFIX = ".py"

MODULE = "latentclust_plugin_"
"""Beginning of the names of the modules of plugin files."""


@dataclass(frozen=True, slots=True)
class PluginText:
    """The text of a plugin file.

    Attributes:
        name: Name of the file without its folder, such as `my_loss.py`.
        source: The text.
        path: Path of the file, for tracebacks. It need not exist where the text is run.
    """

    name: str
    source: str
    path: str


def read_plugin_file(path: Path) -> PluginText:
    """Read a plugin file. Raise LatentclustError if it is missing, no .py file or no text."""
    path = path.expanduser()
    where = f"plugin {path}"
    if not path.exists():
        raise LatentclustError.at(where, "does not exist", "Check the path of the file")
    if path.suffix != SUFFIX or not path.is_file():
        raise LatentclustError.at(where, "is no Python file", "Give a .py file, or the name of an installed module")
    try:
        source = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        what = f"cannot be read ({first_problem(error)})"
        raise LatentclustError.at(where, what, "Save it as UTF-8 text that you may read") from error
    return PluginText(path.name, source, str(path.resolve()))


def module_of_text(text: PluginText) -> tuple[ModuleType, Sequence[str]]:
    """Run a plugin file as a module, once for each text, and return it with remarks on its import.

    The module has a name of its own in `sys.modules`, where pickle, typing and inspect look for it.

    Raises:
        LatentclustError: If the text has a syntax error or raises an exception, with the line.
    """
    digest = hashlib.sha256(f"{text.path}\n{text.source}".encode()).hexdigest()
    # The look-up too is contained, as `run_contained` lets one thread in at a time: no other one gets a module that is
    # still being run.
    found, execution = run_contained(partial(_known_or_run, f"{MODULE}{digest[:16]}", text), f"plugin {text.name}")
    if not isinstance(found, ModuleType):
        raise LatentclustError.at(f"plugin {text.name}", found or execution.error, f"Correct {text.path}")
    return found, execution.remarks


def _known_or_run(name: str, text: PluginText) -> ModuleType | str:
    """Return the module of a text, or the line and the reason of its failure."""
    if (known := sys.modules.get(name)) is not None:
        return known
    module = ModuleType(name)
    module.__file__ = text.path
    if failure := _run(module, text):
        sys.modules.pop(name, None)
        return failure
    return module


def _run(module: ModuleType, text: PluginText) -> str:
    """Run the text in the module and return the line and the reason of its failure. Empty if it succeeds."""
    sys.modules[module.__name__] = module
    try:
        exec(compile(text.source.removeprefix("\ufeff"), text.path, "exec", dont_inherit=True), vars(module))
    except SyntaxError as error:
        return f"line {error.lineno}: SyntaxError: {error.msg}"
    except KeyboardInterrupt:
        sys.modules.pop(module.__name__, None)
        raise
    # A plugin may raise anything, and may call sys.exit.
    except BaseException as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == text.path]
        return f"line {lines[-1]}: {error_summary(error)}" if lines else error_summary(error)
    if not Path(text.path).exists():  # sent to another machine
        linecache.cache[text.path] = (len(text.source), None, text.source.splitlines(keepends=True), text.path)
    return ""
