"""Checks of commands, which are run as a user runs them."""

import os
import subprocess
import sys
from importlib.metadata import metadata

from latentclust.testing.subject import CheckedPart, CheckFailed, require

PROGRAM = """
import sys
from latentclust.cli.app import name_of
from latentclust.cli.main import main
main([name_of(*sys.argv[1:]), "--help"])
"""
"""Program that prints the help of a distribution's command, whose name on the command line may be qualified."""

SECONDS = 120
"""Timeout of `--help` in seconds."""


def has_a_help_line(subject: CheckedPart) -> None:
    """Its distribution has a summary, which `latentclust --help` prints next to the command."""
    headers = metadata(subject.part.provider.distribution)
    given = "Summary" in headers and headers["Summary"].strip() != ""
    require(given, "its distribution has no summary: give pyproject.toml a description")


def prints_its_help(subject: CheckedPart) -> None:
    """`latentclust NAME --help` prints its help and exits with 0."""
    done = _asked(subject.part.provider.distribution, subject.part.name)
    told = " ".join((done.stderr or done.stdout).split())
    require(done.returncode == 0, f"its `--help` ends with {done.returncode}: {told}")
    require("usage" in done.stdout.lower(), "its `--help` prints no usage")


def _asked(distribution: str, name: str) -> "subprocess.CompletedProcess[str]":
    """Run the help of a command in a process with the same import path."""
    words = [sys.executable, "-c", PROGRAM, distribution, name]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    try:
        return subprocess.run(words, capture_output=True, text=True, env=environment, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise CheckFailed(f"its `--help` does not end within {SECONDS} s") from error
