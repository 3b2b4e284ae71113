"""Running a plugin's code so that it can neither end the process, nor spoil streams, warnings or the place of work."""

import logging
import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import TypeVar

from latentclust.plugins.standard_streams import kept

T = TypeVar("T")

SLOW_IMPORT_SECONDS = 1.0
"""Seconds from which the import of a plugin is remarked on."""

MAX_REASON = 400
"""Characters of a reason; the rest is cut."""

log = logging.getLogger(__name__)

_ONE_AT_A_TIME = RLock()
"""Streams, warnings and the working directory are the whole process's."""


@dataclass(slots=True)
class Execution:
    """How a plugin's code behaved.

    Attributes:
        error: Why it failed; empty where it did not.
        seconds: How long it took.
        remarks: What it did that it should not: a line each.
    """

    error: str = ""
    seconds: float = 0.0
    remarks: list[str] = field(default_factory=list)


def run_contained(action: Callable[[], T], what: str) -> tuple[T | None, Execution]:
    """Runs a plugin's code; its result, or None, and how it behaved.

    Whatever it raises is an error to be listed, `sys.exit` too; only Ctrl-C passes. What it prints on standard output
    is remarked on instead, and streams, warning filters and functions, and the working directory are put back.
    `os._exit` and a crash cannot be contained.

    Args:
        action: The code.
        what: How a user would name it, to be told where Ctrl-C ends it.
    """
    conduct = Execution()
    result = None
    with _ONE_AT_A_TIME, _kept_warnings(conduct), _kept_folder(conduct), kept(conduct.remarks.append):
        start = time.perf_counter()
        try:
            result = action()
        except KeyboardInterrupt:
            log.warning("stopped while %s was at work", what)
            raise
        # A third party may raise anything, and none of it may stop the others.
        except BaseException as error:
            conduct.error = error_summary(error)
        conduct.seconds = time.perf_counter() - start
    return result, conduct


def error_summary(error: BaseException) -> str:
    """An exception in one line that names its type."""
    try:
        said = " ".join(str(error).split()) or "no message"
    except Exception:  # a third party's exception may fail to say what it is
        said = "no message"
    text = f"it calls sys.exit({said})" if isinstance(error, SystemExit) else f"{type(error).__name__}: {said}"
    return text if len(text) <= MAX_REASON else f"{text[:MAX_REASON]}…"


@contextmanager
def _kept_folder(conduct: Execution) -> Iterator[None]:
    """Puts the working directory back, which is remarked on."""
    before = _folder()
    try:
        yield
    finally:
        if before is not None and _folder() != before:
            with suppress(OSError):
                os.chdir(before)
                conduct.remarks.append("it changed the working directory, which was put back")


def _folder() -> str | None:
    """The working directory; None where it is no longer there."""
    with suppress(OSError):
        return str(Path.cwd())
    return None


@contextmanager
def _kept_warnings(conduct: Execution) -> Iterator[None]:
    """Puts filters and functions of `warnings` back; a function that was replaced is remarked on."""
    with warnings.catch_warnings():
        before = {name: value for name, value in vars(warnings).items() if callable(value)}
        try:
            yield
        finally:
            replaced = sorted(name for name, value in before.items() if vars(warnings).get(name) is not value)
            vars(warnings).update({name: before[name] for name in replaced})
            if replaced:
                names = ", ".join(f"warnings.{name}" for name in replaced)
                conduct.remarks.append(f"it replaced {names}, which was put back")
