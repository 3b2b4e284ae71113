"""Consoles for results and messages, and formatting of paths and commands."""

import os
import shlex
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from latentclust.errors import printable

PLAIN_WIDTH = 160
"""Width in columns of output that does not go to a terminal, so that tables are not cut."""


class SafeConsole(Console):
    """A console that shows control characters, as in the names of files, as escapes instead of sending them."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Return text without control characters."""
        return super().render_str(printable(text), **options)


def stdout_console() -> Console:
    """Return a console for results, on standard output."""
    plain = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return SafeConsole(width=PLAIN_WIDTH if plain else None, highlight=False)


def stderr_console() -> Console:
    """Return a console for progress and messages, on standard error."""
    return SafeConsole(stderr=True, highlight=False)


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
