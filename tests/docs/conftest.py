"""The pages of the documentation, cut into sections, tables and blocks."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """A Markdown file of the repository."""

    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def prose(self) -> str:
        """The text without its blocks."""
        return FENCE.sub("", self.text)

    def blocks(self, language: str) -> list[str]:
        """The fenced blocks of a language, in order."""
        return [body for found, body in FENCE.findall(self.text) if found == language]

    def headings(self) -> list[str]:
        return HEADING.findall(self.prose)

    def section(self, heading: str) -> str:
        """What stands under a heading, up to the next."""
        parts = re.split(r"^(#+ .+)$", self.text, flags=re.MULTILINE)
        return next(body for line, body in zip(parts[1::2], parts[2::2], strict=True) if line.lstrip("# ") == heading)

    def rows(self, heading: str, first: str) -> dict[str, list[str]]:
        """The table of a section whose first column is headed `first`: cells by the name in the first."""
        tables = self.section(heading).split("\n\n")
        table = next(table for table in tables if table.startswith(f"| {first} |"))
        cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()[2:]]
        return {name: row for row in cells for name in re.findall(r"`([^`]+)`", row[0])}


@pytest.fixture
def page() -> Callable[[str | Path], Page]:
    """A page by its path in the repository."""
    return lambda path: Page(ROOT / path)
