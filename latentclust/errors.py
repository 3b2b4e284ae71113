"""Errors for users. Each states where the problem is, what is wrong and how to fix it."""

import difflib
import errno
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Issue:
    """A problem in the input of the user.

    Args:
        where: Place of the problem: a recipe key (`losses.mmd.weight`), a file (with line and column) or an option.
        what: Description of the problem with the invalid value, as a predicate of `where`.
        fix: Action that solves the problem, as an imperative sentence.
    """

    where: str
    what: str
    fix: str

    def __str__(self) -> str:
        """Return where, what and fix in one line."""
        return f"{self.where}: {self.what}. {self.fix}"


class LatentclustError(Exception):
    """A mistake of the user, or a problem of their installation or data. Exit code 2, no traceback."""

    exit_code = 2

    def __init__(self, *issues: Issue) -> None:
        """Create an error from at least one issue. The message has one line per issue."""
        assert issues, "an error needs an issue"
        self.issues = issues
        super().__init__("\n".join(str(issue) for issue in issues))

    def __reduce__(self) -> tuple[type["LatentclustError"], tuple[Issue, ...]]:
        """Return the class and the issues, so that the error can be pickled."""
        return type(self), self.issues

    @classmethod
    def at(cls, where: str, what: str, fix: str) -> "LatentclustError":
        """Create an error from a single issue."""
        return cls(Issue(where, what, fix))


class InvalidArgumentError(LatentclustError, ValueError):
    """An unsuitable array or parameter that was passed in Python. It is a ValueError too, as callers expect."""


class UnreadableCheckpointError(LatentclustError):
    """A checkpoint, or the scores of starts beside it, that is missing, damaged or does not fit the networks."""


class RunFailedError(LatentclustError):
    """A run that failed after it started, for example because of a diverged loss. Exit code 1."""

    exit_code = 1


class InterruptedRunError(LatentclustError):
    """A run that the user or a signal stopped. Exit code 130."""

    exit_code = 130


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error of Python, of torch on any device, or of the system says that memory ran out."""
    if type(error).__name__ in ("MemoryError", "OutOfMemoryError") or getattr(error, "errno", None) == errno.ENOMEM:
        return True
    return isinstance(error, RuntimeError) and ("allocate memory" in str(error) or "out of memory" in str(error))


def printable(text: str) -> str:
    """Return text without control characters, which could steer a terminal; each is shown by its code."""
    return "".join(char if char.isprintable() or char == "\n" else _code(char) for char in text)


def _code(char: str) -> str:
    """Return a character as JSON and TOML write it in strings."""
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def first_problem(error: Exception) -> str:
    """Return an error in one line. Of a pydantic ValidationError, that is its first problem with its place."""
    problems = getattr(error, "errors", None)
    if callable(problems):
        first = problems()[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        return f"{place}: {first['msg'].removeprefix('Value error, ')}"
    return (str(error) or type(error).__name__).splitlines()[0]


def raise_all(issues: Iterable[Issue]) -> None:
    """Raise one LatentclustError with all issues, without duplicates. Do nothing if there are none."""
    found = tuple(dict.fromkeys(issues))
    if found:
        raise LatentclustError(*found)


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return advice with the closest name, or with all names if none is close."""
    known = sorted(names)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"Use one of: {', '.join(known)}" if known else "None is installed"
