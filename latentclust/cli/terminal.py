"""Where results and messages go, and how paths and commands are written there."""

import os
import shlex
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

PLAIN_WIDTH = 160
"""Columns where the output is no terminal, so that tables in files are not cut to a screen's width."""


def stdout_console() -> Console:
    """Standard output."""
    plain = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(width=PLAIN_WIDTH if plain else None, highlight=False)


def stderr_console() -> Console:
    """Standard error, for progress."""
    return Console(stderr=True, highlight=False)


def print_json(content: Any) -> None:
    """Plain JSON on standard output."""
    import json

    print(json.dumps(content, indent=2, default=str))


def display_path(path: Path) -> str:
    """A path as one would type it here: relative where it lies below the working folder."""
    absolute = path.resolve()
    here = Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(absolute)


def shell_command(*words: str) -> str:
    """A command to type, its words quoted where the shell needs it."""
    return shlex.join(("latentclust", *words))


def print_heading(console: Console, words: str) -> None:
    """A bold line after an empty one."""
    console.print(f"\n[bold]{words}[/]")


def print_lines(console: Console, texts: list[str]) -> None:
    """Indented lines that are neither wrapped nor read as markup, so that they can be copied."""
    for text in texts:
        console.print(f"  {text}", markup=False, soft_wrap=True)
