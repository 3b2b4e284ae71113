"""Running plugin code so that it can neither end the process nor change streams, warnings or the working directory."""

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

from latentclust.plugins.standard_streams import protect_streams

T = TypeVar("T")

MAX_REASON = 400
"""Maximum number of characters of an error summary."""

log = logging.getLogger(__name__)

_ONE_AT_A_TIME = RLock()
"""Lock of the streams, the warnings and the working directory, which belong to the whole process."""


@dataclass(slots=True)
class Execution:
    """The outcome of running plugin code.

    Attributes:
        error: Reason why the code failed. Empty if it succeeded.
        seconds: Duration in seconds.
        remarks: Actions of the code that were undone, one sentence each.
    """

    error: str = ""
    seconds: float = 0.0
    remarks: list[str] = field(default_factory=list)


def run_contained(action: Callable[[], T], what: str) -> tuple[T | None, Execution]:
    """Run plugin code and return its result, or None if it failed, with the outcome.

    Every exception becomes an error of the outcome, `sys.exit` too; only Ctrl-C is raised. What the code prints on
    standard output becomes a remark. Streams, filters and functions of `warnings`, and the working directory are
    restored. `os._exit` and crashes cannot be contained.

    Args:
        action: The code.
        what: Name of the code for the user, logged if Ctrl-C stops it.
    """
    execution = Execution()
    remark = execution.remarks.append
    result = None
    with _ONE_AT_A_TIME, _restored_warnings(remark), _restored_working_directory(remark), protect_streams(remark):
        start = time.perf_counter()
        try:
            result = action()
        except KeyboardInterrupt:
            log.warning("stopped while %s was running", what)
            raise
        # A plugin may raise anything, and must not stop the other plugins.
        except BaseException as error:
            execution.error = error_summary(error)
        execution.seconds = time.perf_counter() - start
    return result, execution


def error_summary(error: BaseException) -> str:
    """Return an exception as one line that begins with its type."""
    try:
        text = " ".join(str(error).split()) or "no message"
    except Exception:  # `__str__` of a plugin's exception may fail
        text = "no message"
    line = f"it calls sys.exit({text})" if isinstance(error, SystemExit) else f"{type(error).__name__}: {text}"
    return line if len(line) <= MAX_REASON else f"{line[:MAX_REASON]}…"


@contextmanager
def _restored_working_directory(remark: Callable[[str], None]) -> Iterator[None]:
    """Restore the working directory. contextlib.chdir neither reports a change nor allows a missing directory."""
    before = _working_directory()
    try:
        yield
    finally:
        if before is not None and _working_directory() != before:
            with suppress(OSError):
                os.chdir(before)
                remark("it changed the working directory, which was restored")


def _working_directory() -> str | None:
    """Return the working directory, or None if it does not exist any more."""
    with suppress(OSError):
        return str(Path.cwd())
    return None


@contextmanager
def _restored_warnings(remark: Callable[[str], None]) -> Iterator[None]:
    """Restore the filters of `warnings` by catch_warnings, and then the functions that were replaced."""
    before = {name: value for name, value in vars(warnings).items() if callable(value)}
    with warnings.catch_warnings():
        try:
            yield
        finally:
            replaced = sorted(name for name, value in before.items() if vars(warnings).get(name) is not value)
            vars(warnings).update({name: before[name] for name in replaced})
            if replaced:
                remark(f"it replaced {', '.join(f'warnings.{name}' for name in replaced)}, which was restored")
