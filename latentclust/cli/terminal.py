"""Consoles for results and messages, and formatting of paths and commands."""

import os
import shlex
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

PLAIN_WIDTH = 160
"""Width in columns of output that does not go to a terminal, so that tables are not cut."""


def stdout_console() -> Console:
    """Return a console for results, on standard output."""
    plain = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(width=PLAIN_WIDTH if plain else None, highlight=False)


def stderr_console() -> Console:
    """Return a console for progress and messages, on standard error."""
    return Console(stderr=True, highlight=False)


def print_json(content: Any) -> None:
    """Print JSON on standard output."""
    import json

    print(json.dumps(content, indent=2, default=str))


def display_path(path: Path) -> str:
    """Return a path as text, relative if it is below the working directory."""
    absolute = path.resolve()
    here = Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(absolute)


def shell_command(*words: str) -> str:
    """Return a `latentclust` command line with words quoted for the shell."""
    return shlex.join(("latentclust", *words))


def print_heading(console: Console, words: str) -> None:
    """Print an empty line and a bold heading."""
    console.print(f"\n[bold]{words}[/]")


def print_lines(console: Console, texts: list[str]) -> None:
    """Print indented lines without wrapping or markup, so that they can be copied."""
    for text in texts:
        console.print(f"  {text}", markup=False, soft_wrap=True)
