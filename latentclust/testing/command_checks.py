"""Checks of commands, each run as its user would run it."""

import os
import subprocess
import sys
from importlib.metadata import metadata

from latentclust.testing.subject import CheckedPart, CheckFailed, require

PROGRAM = """
import sys
from latentclust.cli.main import main, name_of
main([name_of(*sys.argv[1:]), "--help"])
"""
"""Asks for its help the command that a distribution lists under a name, which may answer to another."""

SECONDS = 120
"""After which a command that was asked for its help alone has hung."""


def has_a_help_line(subject: CheckedPart) -> None:
    """Its distribution has a summary, which `latentclust --help` prints beside the command."""
    headers = metadata(subject.part.provider.distribution)
    given = "Summary" in headers and headers["Summary"].strip() != ""
    require(given, "its distribution has no summary: give pyproject.toml a description")


def prints_its_help(subject: CheckedPart) -> None:
    """Asked for its help, by `latentclust NAME --help`, it prints it and does nothing else."""
    done = _asked(subject.part.provider.distribution, subject.part.name)
    told = " ".join((done.stderr or done.stdout).split())
    require(done.returncode == 0, f"its `--help` ends with {done.returncode}: {told}")
    require("usage" in done.stdout.lower(), "its `--help` prints no usage")


def _asked(distribution: str, name: str) -> "subprocess.CompletedProcess[str]":
    """A command that was asked for its help, in a process of its own that imports what this one does."""
    words = [sys.executable, "-c", PROGRAM, distribution, name]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    try:
        return subprocess.run(words, capture_output=True, text=True, env=environment, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise CheckFailed(f"its `--help` does not end within {SECONDS} s") from error
