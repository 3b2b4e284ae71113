"""Consoles for results and messages, and formatting of paths and commands."""

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text
from rich.theme import Theme

from latentclust.errors import printable

PLAIN_WIDTH = 160
"""Width in columns of output that does not go to a terminal, so that tables are not cut."""


LEGIBLE = Theme(
    dict.fromkeys(
        (
            "bar.pulse",
            "progress.download",
            "progress.elapsed",
            "progress.percentage",
            "progress.remaining",
            "progress.spinner",
            "table.caption",
        ),
        "default",
    )
)
"""Styles of rich whose colours are illegible on a light or a dark terminal."""


class SafeConsole(Console):
    """A console for names of any origin: it shows control characters by their codes, and markup as it is written."""

    def __init__(self, **options: Any) -> None:
        """Take the options of a rich console."""
        super().__init__(highlight=False, markup=False, emoji=False, theme=LEGIBLE, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a string as text. Its width, such as that of a table's cell, is that of the codes."""
        return super().render_str(printable(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """Yield segments; their control codes are rich's own."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


def stdout_console() -> Console:
    """Return a console for results, on standard output."""
    plain = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return SafeConsole(width=PLAIN_WIDTH if plain else None)


def stderr_console() -> Console:
    """Return a console for progress and messages, on standard error."""
    return SafeConsole(stderr=True)


def print_text(text: str) -> None:
    """Print a document, such as TOML, on standard output. It begins a new line if it does not end with one."""
    print(printable(text), end="" if text.endswith("\n") else "\n")


def print_json(content: Any) -> None:
    """Print JSON on standard output."""
    import json

    print(json.dumps(content, indent=2, default=str))


def display_path(path: Path) -> str:
    """Return a path as text, relative if it is below the working directory."""
    absolute = path.resolve()
    here = Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(absolute)


def expand_home(argument: str) -> str:
    """Return an argument with `~/` at its beginning, or after `--option=`, replaced by the home folder."""
    option, sign, value = argument.partition("=") if argument.startswith("-") else ("", "", argument)
    return f"{option}{sign}{os.path.expanduser(value)}" if value.startswith("~/") else argument  # noqa: PTH111 (no path)


def shell_command(*words: str) -> str:
    """Return a `latentclust` command line with words quoted for the shell."""
    return shlex.join(("latentclust", *words))


def print_heading(console: Console, words: str) -> None:
    """Print an empty line and a bold heading."""
    console.print(f"\n{words}", style="bold")


def print_lines(console: Console, texts: list[str]) -> None:
    """Print indented lines without wrapping or markup, so that they can be copied."""
    for text in texts:
        console.print(f"  {text}", soft_wrap=True)
