"""Checks of commands, each run as its user would run it."""

import os
import subprocess
import sys
from importlib.metadata import metadata

from latentclust.testing.subject import Subject, Unfit, require

PROGRAM = "from latentclust.cli.main import main; main()"

SECONDS = 120
"""After which a command that was asked for its help alone has hung."""


def has_a_help_line(subject: Subject) -> None:
    """Its distribution has a summary, which `latentclust --help` prints beside the command."""
    about = metadata(subject.part.provider.distribution)["Summary"]
    require(about, "its distribution has no summary: give pyproject.toml a description")


def prints_its_help(subject: Subject) -> None:
    """Asked for its help, by `latentclust NAME --help`, it prints it and does nothing else."""
    words = [sys.executable, "-c", PROGRAM, subject.part.name, "--help"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    try:
        done = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise Unfit(f"`latentclust {subject.part.name} --help` does not end within {SECONDS} s") from error
    told = " ".join((done.stderr or done.stdout).split())
    require(done.returncode == 0, f"`latentclust {subject.part.name} --help` ends with {done.returncode}: {told}")
    require("usage" in done.stdout.lower(), f"`latentclust {subject.part.name} --help` prints no usage")
