"""Cards: text that is escaped, tables that fit any width, and values that show themselves."""

import re
from io import StringIO

import pytest
from rich.console import Console

from latentclust.cards import Card, Cells, Note, Shown

HOSTILE = "<script>alert('&')</script>\x1b[31m"
NUMBERS = ["0.8123±0.0101", "12,345,678.90", "99.9%", "1,234,567"]
WIDE = Cells(
    "scores",
    ["recipe", "NMI with the run", "area in km²", "share", "pixels"],
    [["digits-cgm", *NUMBERS], ["a name that is long enough to be folded", *NUMBERS], ["  k-means", "", "", "", ""]],
    bold=frozenset({(0, 1)}),
    caption="on digits",
)


class Value(Shown):
    def _headline(self) -> str:
        return "one"

    def _card(self) -> Card:
        return Card(
            "A value", [Cells(HOSTILE, [HOSTILE], [[HOSTILE]], caption=HOSTILE), Note("Alarm:", HOSTILE), HOSTILE]
        )


def printed(value: object, width: int, *, terminal: bool = False) -> str:
    file = StringIO()
    Console(file=file, width=width, force_terminal=terminal, color_system="truecolor" if terminal else None).print(
        value
    )
    return file.getvalue()


@pytest.mark.parametrize("width", [24, 40, 60, 80, 120])
def test_no_number_is_cut_whatever_the_width(width: int) -> None:
    text = printed(WIDE, width)
    for number in NUMBERS:
        assert text.count(number) == 2
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    assert "  k-means" in text


def test_a_table_that_does_not_fit_shows_each_row_as_a_list() -> None:
    assert "┃ recipe" in printed(WIDE, 80)
    listed = printed(WIDE, 40)
    assert "┃" not in listed
    assert re.search(r"^digits-cgm\s*\n  NMI with the run: 0\.8123±0\.0101", listed, re.MULTILINE)


def test_html_is_escaped_and_has_the_colours_of_the_page() -> None:
    html = Value()._repr_html_()
    assert "<script>" not in html
    assert "\x1b" not in html
    assert html.count("&lt;script&gt;alert(&#x27;&amp;&#x27;)&lt;/script&gt;") == 6
    assert not re.search(r"(?<!-)color:(?!inherit)", html)
    assert "background:#" not in html
    assert len(html) < 3_000


def test_a_terminal_shows_text_without_markup_and_control_codes() -> None:
    text = printed(Value(), 100)
    assert HOSTILE.replace("\x1b", "\\u001b") in text
    assert "\x1b" not in text


def test_colours_of_rows_are_swatches() -> None:
    cells = Cells("", ["name"], [["water"]], colours={0: "#2b6cb0"})
    assert "background:#2b6cb0" in cells.html()
    assert "48;2;43;108;176" in printed(cells, 40, terminal=True)


def test_the_short_form_names_type_and_value() -> None:
    assert repr(Value()) == "<Value: one>"
