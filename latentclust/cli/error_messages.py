"""Errors in the user's words, on standard error, and the exit code of each."""

import errno
import os

from rich.console import Console
from rich.text import Text

from latentclust.errors import InterruptedRunError, Issue, LatentclustError, RunFailedError
from latentclust.train.rank import process_rank

BUG = 1
"""The exit code of what nobody foresaw: the same as a failed run's."""

_OUT_OF_MEMORY = frozenset({"MemoryError", "OutOfMemoryError"})
"""Python's and torch's; by name, so that telling an error does not import torch."""

_FIXES = {
    errno.EACCES: "Check who may read and write it, or name another place",
    errno.EPERM: "Check who may read and write it, or name another place",
    errno.EROFS: "Name another place: that one is read-only",
    errno.ENOSPC: "Free some space, or name another place",
    errno.EDQUOT: "Free some space, or name another place",
}


def print_error(error: Exception) -> int:
    """Prints what went wrong and returns the exit code; a broken pipe is no error to speak of.

    A follower of a data-parallel run names itself, and leaves a stop that all processes share to the first.
    """
    if isinstance(error, BrokenPipeError):
        _silence_stdout()
        return 0
    told = to_latentclust_error(error)
    process = process_rank()
    if process and isinstance(told, InterruptedRunError):
        return told.exit_code
    console = Console(stderr=True, highlight=False)
    console.print(format_message(told, f"process {process}: " if process else ""), soft_wrap=True)
    return BUG if isinstance(told, _Bug) else told.exit_code


class _Bug(RunFailedError):
    """An error that is ours, or a plugin's."""


def to_latentclust_error(error: Exception) -> LatentclustError:
    """The error as one that says where, what and what to do."""
    if isinstance(error, LatentclustError):
        return error
    if type(error).__name__ in _OUT_OF_MEMORY:
        fix = "Lower train.batch_size or evaluate.batch_size with --set, or use --device cpu"
        return RunFailedError.at("memory", f"there is not enough ({_first_line(error)})", fix)
    if isinstance(error, OSError) and error.errno is not None:
        fix = _FIXES.get(error.errno, "Check the path; --debug shows where it was used")
        return LatentclustError.at(str(error.filename or "system"), error.strerror or type(error).__name__, fix)
    from latentclust.cli.error_origin import damaged_distributions, error_distribution
    from latentclust.plugins.distributions import BUNDLED

    if damaged_distributions():
        what = f"there are damaged distributions, on which {type(error).__name__} may rest ({damaged_distributions()})"
        return _Bug.at("installation", what, "Install them anew or delete them, and run again")
    who = error_distribution(error)
    what = f"a bug in {who} ({type(error).__name__}: {_first_line(error)})"
    to = "" if who == BUNDLED else f" to the authors of {who}"
    return _Bug.at("internal error", what, f"Run again with --debug and report the traceback that it shows{to}")


def format_message(error: LatentclustError, prefix: str = "") -> Text:
    """One line for one issue, a numbered list for several."""
    head = "stopped" if isinstance(error, InterruptedRunError) else "error"
    text = Text.assemble(prefix, (f"{head}: ", "bold yellow" if head == "stopped" else "bold red"))
    if len(error.issues) == 1:
        return text.append_text(_issue(error.issues[0], " "))
    text.append(f"{len(error.issues)} problems")
    for number, issue in enumerate(error.issues, start=1):
        text.append(f"\n{number:3}. ").append_text(_issue(issue, "\n     "))
    return text


def _issue(issue: Issue, between: str) -> Text:
    return Text.assemble((issue.where, "bold"), f": {_sentence(issue.what)}", between, _sentence(issue.fix))


def _sentence(words: str) -> str:
    return words if words.endswith((".", "?", "!")) else f"{words}."


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["no message"])[0]


def _silence_stdout() -> None:
    """Keeps the interpreter from failing once more when it flushes standard output at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
