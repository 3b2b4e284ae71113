"""Cards and tables of text, shown in a notebook as HTML and in a terminal by rich."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Literal, final

from latentclust.errors import printable

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
    from rich.table import Table
    from rich.text import Text

ALARM = "bold magenta"
"""Style of what the user must see. It is legible on light and dark terminals."""

LONGEST_WORD = 24
"""Longest word in columns that stays whole in a narrow table. Numbers are shorter."""

SIDES = 3
"""Columns that the rule and the spaces of a table take for each of its columns."""

BOX = "margin:.4em 0;color:inherit;background:transparent;font-size:.95em;max-width:60em"
TABLE = "border-collapse:collapse;margin:.5em 0;color:inherit;background:transparent;display:table"
CELL = "border:0;border-bottom:1px solid rgba(128,128,128,.45);padding:.2em .7em;background:transparent"


@final
@dataclass(frozen=True, slots=True)
class Cells:
    """A table of text, which fits any width: where its columns do not, each row is shown as a list.

    Attributes:
        title: Title above the table.
        header: Headings of the columns. Empty for a table of names and values.
        rows: Cells of each row; the first one is its name.
        left: Columns that are aligned left, as the first one is.
        bold: Row and column of the cells in bold.
        caption: Text below the table.
        colours: Colours of the names of rows as `#rrggbb`, by row.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: frozenset[int] = frozenset({0})
    bold: frozenset[tuple[int, int]] = frozenset()
    caption: str = ""
    colours: dict[int, str] = field(default_factory=dict)

    def html(self) -> str:
        """Return the table as HTML whose colours are those of the page."""
        title = f"<caption style='text-align:left;color:inherit'><b>{_text(self.title)}</b></caption>"
        head = "".join(
            f"<th scope='col' style='{self._style(at)}'>{_text(cell)}</th>" for at, cell in enumerate(self.header)
        )
        rows = "".join(f"<tr style='background:transparent'>{self._row(at)}</tr>" for at in range(len(self.rows)))
        below = f"<div>{_text(self.caption)}</div>" if self.caption else ""
        return (
            f"<table style='{TABLE}'>{title if self.title else ''}"
            f"{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>{rows}</tbody></table>{below}"
        )

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        """Yield a table, or lists if the table does not fit."""
        widths = self._widths(options.max_width)
        yield self._lists() if widths is None else self._table(widths)

    def _widths(self, most: int) -> list[int] | None:
        """Return the width of each column, so that no word is broken. None if the columns do not fit."""
        columns = [[printable(cell) for cell in cells] for cells in zip(*self._all(), strict=True)]
        full = [max(_indent(cell) + sum(_words(cell)) + len(_words(cell)) - 1 for cell in cells) for cells in columns]
        least = [
            max(min(_indent(cell) + word, LONGEST_WORD) for cell in cells for word in _words(cell)) for cells in columns
        ]
        space = most - 1 - SIDES * len(columns) - sum(least)
        if space < 0:
            return None
        for at in sorted(range(len(columns)), key=lambda at: full[at] - least[at]):
            more = min(full[at] - least[at], space)
            least[at], space = least[at] + more, space - more
        return least

    def _all(self) -> list[Sequence[str]]:
        return [*([self.header] if self.header else []), *self.rows]

    def _table(self, widths: Sequence[int]) -> "Table":
        from rich.table import Table
        from rich.text import Text

        table = Table(
            title=Text(printable(self.title)) if self.title else None, show_header=bool(self.header), caption_style=""
        )
        table.caption = Text(printable(self.caption)) if self.caption else None
        for at, width in enumerate(widths):
            heading = Text(printable(self.header[at])) if self.header else ""
            table.add_column(heading, justify=self._side(at), width=width, overflow="fold")
        for number, row in enumerate(self.rows):
            table.add_row(*(self._cell(number, at, cell) for at, cell in enumerate(row)))
        return table

    def _lists(self) -> "RenderableType":
        """Return each row as its name and a line for each of its other cells."""
        from rich.console import Group
        from rich.padding import Padding
        from rich.text import Text

        parts: list[RenderableType] = [Text(printable(self.title), "italic")] if self.title else []
        for number, row in enumerate(self.rows):
            parts.append(Text(printable(row[0]), "bold"))
            for at, cell in enumerate(row[1:], start=1):
                heading = f"{printable(self.header[at])}: " if self.header and self.header[at] else ""
                if cell:
                    parts.append(
                        Padding(Text.assemble(heading, self._cell(number, at, cell)), (0, 0, 0, 2 + _indent(row[0])))
                    )
        return Group(*parts, *([Text(printable(self.caption))] if self.caption else []))

    def _cell(self, number: int, at: int, cell: str) -> "Text":
        from rich.text import Text

        text = Text(printable(cell), "bold" if (number, at) in self.bold else "")
        colour = self.colours.get(number) if at == 0 else None
        return Text.assemble(("  ", f"on {colour}"), " ", text) if colour else text

    def _row(self, number: int) -> str:
        cells = []
        for at, cell in enumerate(self.rows[number]):
            text = f"<b>{_text(cell)}</b>" if (number, at) in self.bold else _text(cell)
            colour = self.colours.get(number) if at == 0 else None
            swatch = (
                f"<span style='background:{escape(colour)};padding:0 .6em;margin-right:.5em'></span>" if colour else ""
            )
            cells.append(f"<td dir='auto' style='{self._style(at)}'>{swatch}{text}</td>")
        return "".join(cells)

    def _side(self, at: int) -> Literal["left", "right"]:
        return "left" if at in self.left else "right"

    def _style(self, at: int) -> str:
        return f"text-align:{self._side(at)};{CELL}"


@final
@dataclass(frozen=True, slots=True)
class Note:
    """A sentence that begins with a word in bold, such as an alarm.

    Attributes:
        lead: The word, with its punctuation.
        text: The sentence.
    """

    lead: str
    text: str


Part = Cells | Note | str


@final
@dataclass(frozen=True, slots=True)
class Card:
    """A summary of a value: a title, and tables and sentences below it.

    Attributes:
        title: What the value is, in a few words.
        parts: Tables and sentences.
    """

    title: str
    parts: Sequence[Part] = ()

    def html(self) -> str:
        """Return the card as HTML."""
        inner = "".join(map(_html, self.parts))
        return f"<div class='latentclust-card' style='{BOX}'><b>{_text(self.title)}</b>{inner}</div>"

    def rich(self) -> "RenderableType":
        """Return the card for a terminal."""
        from rich.console import Group
        from rich.text import Text

        return Group(Text(printable(self.title), "bold"), *map(rich_part, self.parts))


class Shown(ABC):
    """A value that shows itself as a card."""

    __slots__ = ()

    @abstractmethod
    def _headline(self) -> str:
        """Return what the value is, in a few words that cost nothing to find."""

    @abstractmethod
    def _card(self) -> Card:
        """Return the summary of the value."""

    def __repr__(self) -> str:
        """Return the type and what the value is."""
        return f"<{type(self).__name__}: {self._headline()}>"

    def _repr_html_(self) -> str:
        """Return the card as HTML, for notebooks."""
        return self._card().html()

    def __rich__(self) -> "RenderableType":
        """Return the card for a terminal."""
        return self._card().rich()


def rich_part(part: Part) -> "RenderableType":
    """Return a table or a sentence for a terminal."""
    from rich.text import Text

    if isinstance(part, Note):
        return Text.assemble((f"{printable(part.lead)} ", ALARM), printable(part.text))
    return Text(printable(part)) if isinstance(part, str) else part


def _indent(cell: str) -> int:
    return len(cell) - len(cell.lstrip())


def _words(cell: str) -> list[int]:
    """Return the width of each word in columns of a terminal."""
    from rich.cells import cell_len

    return [cell_len(word) for word in cell.split()] or [0]


def _html(part: Part) -> str:
    if isinstance(part, Cells):
        return part.html()
    lead = f"<b>{_text(part.lead)}</b> " if isinstance(part, Note) else ""
    return f"<div dir='auto' style='margin:.3em 0'>{lead}{_text(part.text if isinstance(part, Note) else part)}</div>"


def _text(text: str) -> str:
    """Return text as HTML."""
    return escape(printable(text))
