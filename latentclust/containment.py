"""Running a plugin's code so that it can neither end the process, nor speak on standard output, nor spoil warnings."""

import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import RLock
from typing import Any, TextIO, TypeVar, cast

T = TypeVar("T")

SLOW = 1.0
"""Seconds from which the import of a plugin is remarked on."""

LONGEST = 400
"""Characters of a reason; the rest is cut."""

log = logging.getLogger(__name__)

_ONE_AT_A_TIME = RLock()
"""Standard output and warnings are the whole process's."""


@dataclass(slots=True)
class Conduct:
    """How a plugin's code behaved.

    Attributes:
        error: Why it failed; empty where it did not.
        seconds: How long it took.
        remarks: What it did that it should not: a line each.
    """

    error: str = ""
    seconds: float = 0.0
    remarks: list[str] = field(default_factory=list)


def contained(action: Callable[[], T], what: str) -> tuple[T | None, Conduct]:
    """Runs a plugin's code; its result, or None, and how it behaved.

    Whatever it raises is an error to be listed, `sys.exit` too; only Ctrl-C passes. What it prints on standard output
    is remarked on instead, and warning filters and functions are put back. `os._exit` and a crash cannot be contained.

    Args:
        action: The code.
        what: How a user would name it, to be told where Ctrl-C ends it.
    """
    conduct = Conduct()
    result = None
    with _ONE_AT_A_TIME, _kept_warnings(conduct), _kept_stdout(conduct):
        start = time.perf_counter()
        try:
            result = action()
        except KeyboardInterrupt:
            log.warning("stopped while %s was being loaded", what)
            raise
        # A third party may raise anything, and none of it may stop the others.
        except BaseException as error:
            conduct.error = reason(error)
        conduct.seconds = time.perf_counter() - start
    return result, conduct


def reason(error: BaseException) -> str:
    """An exception in one line that names its type."""
    try:
        said = " ".join(str(error).split()) or "no message"
    except Exception:  # a third party's exception may fail to say what it is
        said = "no message"
    text = f"it calls sys.exit({said})" if isinstance(error, SystemExit) else f"{type(error).__name__}: {said}"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


class _Aside:
    """Standard output that keeps to itself what is written while it is shut, and passes on everything afterwards.

    Code that keeps hold of it, such as a log handler made on import, goes on writing to where it meant to.
    """

    def __init__(self, stream: Any) -> None:
        self.shut = True
        self.said: list[str] = []
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes as a stream does."""
        if not self.shut:
            return int(self._stream.write(text))
        self.said.append(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def _kept_stdout(conduct: Conduct) -> Iterator[None]:
    """Shuts standard output: `sys.stdout` into a remark, the file descriptor below it onto standard error."""
    stream = sys.stdout
    aside = _Aside(stream)
    descriptor = _onto_stderr()
    sys.stdout = cast(TextIO, aside)
    try:
        yield
    finally:
        sys.stdout, aside.shut = stream, False
        _back(descriptor)
        said = " ".join("".join(aside.said).split())
        if said:
            conduct.remarks.append(f"it printed {said[:LONGEST]!r}, which was kept from standard output")


def _onto_stderr() -> int | None:
    """Turns descriptor 1 onto descriptor 2; gives a copy of what it was, or None where either is closed."""
    with suppress(OSError, ValueError):
        if sys.__stdout__ is not None:
            sys.__stdout__.flush()
        copy = os.dup(1)
        try:
            os.dup2(2, 1)
        except OSError:
            os.close(copy)
            raise
        return copy
    return None


def _back(descriptor: int | None) -> None:
    """Turns descriptor 1 back, after what was written to Python's own stream has gone to standard error."""
    if descriptor is None:
        return
    with suppress(OSError, ValueError):
        if sys.__stdout__ is not None:
            sys.__stdout__.flush()
    os.dup2(descriptor, 1)
    os.close(descriptor)


@contextmanager
def _kept_warnings(conduct: Conduct) -> Iterator[None]:
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
