"""Error messages on standard error, and their exit codes."""

import errno
from pathlib import Path

from rich.text import Text

from latentclust.cli.terminal import stderr_console
from latentclust.errors import (
    InterruptedRunError,
    Issue,
    LatentclustError,
    RunFailedError,
    is_out_of_memory,
    printable,
)
from latentclust.train.rank import process_rank

BUG = 1
"""Exit code of an unexpected error, the same as that of a failed run."""

_FIXES = {
    errno.EACCES: "Check its permissions, or name another path",
    errno.EPERM: "Check its permissions, or name another path",
    errno.EROFS: "Name another path: this file system is read-only",
    errno.ENOSPC: "Free some space, or name another path",
    errno.EDQUOT: "Free some space, or name another path",
}


def print_error(error: Exception | KeyboardInterrupt) -> int:
    """Print an error and return its exit code.

    Further processes of a data-parallel run name themselves and leave it to the first to report a stop.
    """
    reported = to_latentclust_error(error)
    process = process_rank()
    if process and isinstance(reported, InterruptedRunError):
        return reported.exit_code
    stderr_console().print(format_message(reported, f"process {process}: " if process else ""), soft_wrap=True)
    return BUG if isinstance(reported, _Bug) else reported.exit_code


class _Bug(RunFailedError):
    """A bug in latentclust or in a plugin."""


def interruption(stop: KeyboardInterrupt) -> LatentclustError:
    """Return the error of a command that a signal interrupted, which the exception may name."""
    fix = "Run the same command again; `latentclust run --resume RUN` continues a training from its last checkpoint"
    return InterruptedRunError.at("latentclust", f"interrupted by {str(stop) or 'Ctrl-C'}", fix)


def to_latentclust_error(error: Exception | KeyboardInterrupt) -> LatentclustError:
    """Return the error with where it is, what is wrong and what to do."""
    if isinstance(error, LatentclustError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return interruption(error)
    if is_out_of_memory(error):
        fix = "Lower train.batch_size or evaluate.batch_size with --set, or use --device cpu"
        return RunFailedError.at("memory", f"ran out ({_first_line(error)})", fix)
    if isinstance(error, OSError) and error.errno is not None:
        fix = _FIXES.get(error.errno, "Check the path; --debug shows where it was used")
        return LatentclustError.at(str(error.filename or "system"), error.strerror or type(error).__name__, fix)
    from latentclust.cli.error_origin import damaged_distributions

    if damaged_distributions():
        what = (
            f"{type(error).__name__} was raised, probably because of damaged distributions ({damaged_distributions()})"
        )
        return _Bug.at("installation", what, "Reinstall or delete them, and run again")
    return _raised_by_code(error)


def _raised_by_code(error: Exception) -> LatentclustError:
    """Return the error of a plugin file, which its user can correct, or of a bug."""
    from latentclust.cli.error_origin import error_distribution, error_plugin_file
    from latentclust.plugins.distributions import BUNDLED

    if (place := error_plugin_file(error)) is not None:
        what = f"line {place[1]}: {type(error).__name__}: {_first_line(error)}"
        fix = f"Correct {place[0]}; --debug shows how it was called"
        return RunFailedError.at(f"plugin {Path(place[0]).name}", what, fix)
    who = error_distribution(error)
    what = f"a bug in {who} ({type(error).__name__}: {_first_line(error)})"
    to = "" if who == BUNDLED else f" to the authors of {who}"
    return _Bug.at("internal error", what, f"Run again with --debug and report the traceback that it shows{to}")


def format_message(error: LatentclustError, prefix: str = "") -> Text:
    """Return one line for one issue, or a numbered list for several."""
    head = "stopped" if isinstance(error, InterruptedRunError) else "error"
    text = Text.assemble(prefix, (f"{head}: ", "bold magenta" if head == "stopped" else "bold red"))
    if len(error.issues) == 1:
        return text.append_text(_issue(error.issues[0], " "))
    text.append(f"{len(error.issues)} problems")
    for number, issue in enumerate(error.issues, start=1):
        text.append(f"\n{number:3}. ").append_text(_issue(issue, "\n     "))
    return text


def _issue(issue: Issue, between: str) -> Text:
    where, what, fix = (printable(text) for text in (issue.where, issue.what, issue.fix))  # Text drops some characters
    return Text.assemble((where, "bold"), f": {_sentence(what)}", between, _sentence(fix))


def _sentence(words: str) -> str:
    return words if words.endswith((".", "?", "!")) else f"{words}."


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["no message"])[0]
