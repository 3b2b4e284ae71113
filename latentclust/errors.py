"""What a user is told when something is wrong: where, what with its value, and what to do."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Issue:
    """One problem in what the user gave.

    Args:
        where: The place, as a recipe key (`losses.mmd.weight`), a file (with line and column) or an option.
        what: What is wrong there, with the offending value.
        fix: What the user can do about it, as an imperative.
    """

    where: str
    what: str
    fix: str

    def __str__(self) -> str:
        """One line: where, what and what to do."""
        return f"{self.where}: {self.what}. {self.fix}"


class LatentclustError(Exception):
    """The user's mistake, or a lack in their installation or data: exit code 2, no traceback."""

    exit_code = 2

    def __init__(self, *issues: Issue) -> None:
        """Carries at least one issue; the message is all of them, a line each."""
        assert issues, "an error needs an issue"
        self.issues = issues
        super().__init__("\n".join(str(issue) for issue in issues))

    def __reduce__(self) -> tuple[type["LatentclustError"], tuple[Issue, ...]]:
        """Its issues are what another process makes it of again."""
        return type(self), self.issues

    @classmethod
    def at(cls, where: str, what: str, fix: str) -> "LatentclustError":
        """The common case of a single issue."""
        return cls(Issue(where, what, fix))


class RunFailedError(LatentclustError):
    """A run that started well and then failed, such as a diverged loss: exit code 1."""

    exit_code = 1


class InterruptedRunError(LatentclustError):
    """A run stopped by Ctrl-C or SIGTERM after it wrote a checkpoint: exit code 130."""

    exit_code = 130


def raise_all(issues: Iterable[Issue]) -> None:
    """Raises one LatentclustError with every issue, each once, or returns when there is none."""
    found = tuple(dict.fromkeys(issues))
    if found:
        raise LatentclustError(*found)


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Advice that names the closest match, or all names where none is close."""
    known = sorted(names)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"Use one of: {', '.join(known)}" if known else "None is installed"
