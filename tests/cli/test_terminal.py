"""Text on the terminal: names of any origin are shown literally, and none steers the terminal."""

import tomllib
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from latentclust.cli.terminal import SafeConsole, print_text
from tests.cli.conftest import Cli

TITLE = "a\x1b]0;title\x07b\x9b31m"
SHOWN = r"a\u001b]0;title\u0007b\u009b31m"
MARKUP = "[red]x[/] [/] :smile:"


def printed(*objects: object) -> str:
    file = StringIO()
    console = SafeConsole(file=file, width=200, force_terminal=True, color_system=None)
    for item in objects:
        console.print(item)
    return file.getvalue()


def test_control_characters_are_shown_by_their_codes() -> None:
    assert printed(TITLE) == f"{SHOWN}\n"
    assert printed(Text("a\x1b[31mb")) == "a\\u001b[31mb\n"


def test_markup_and_emoji_codes_in_names_are_shown_as_written() -> None:
    assert printed(MARKUP) == f"{MARKUP}\n"


def test_a_table_has_room_for_the_codes() -> None:
    table = Table(TITLE, title=TITLE)
    table.add_row(f"{TITLE}{TITLE}")
    table.add_row(MARKUP)
    text = printed(table)
    assert f"│ {SHOWN}{SHOWN} │" in text
    assert f"│ {MARKUP} " in text
    assert len({cell_len(line) for line in text.splitlines()[1:]}) == 1


def test_styles_and_progress_bars_still_steer_the_terminal() -> None:
    file = StringIO()
    console = SafeConsole(file=file, force_terminal=True, color_system="standard")
    console.print("a", style="bold")
    with Progress(console=console) as bar:
        bar.add_task("windows")
    assert "\x1b[1ma\x1b[0m" in file.getvalue()
    assert "\x1b[?25l" in file.getvalue()


def test_a_document_is_printed_with_codes_that_toml_and_json_read(capsys: pytest.CaptureFixture[str]) -> None:
    print_text('name = "a\u00a0b\x9bc"')
    text = capsys.readouterr().out
    assert text == 'name = "a\\u00a0b\\u009bc"\n'
    assert tomllib.loads(text) == {"name": "a\u00a0b\x9bc"}


def test_a_recipe_of_a_hostile_file_is_shown_as_toml(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / f"{TITLE}.toml"
    path.write_text('schema = 1\nextends = "digits"\nname = "mine"\ndescription = "\\u001b]0;title\\u0007"\n')
    found = cli("recipe", "show", path)
    assert found.code == 0
    assert "\x1b" not in found.out
    assert tomllib.loads(found.out)["description"] == "\x1b]0;title\x07"


@pytest.mark.parametrize(("key", "shown"), [("a\\u001b]0;title\\u0007", r"a\u001b]0;title\u0007"), ("[red]", "[red]")])
def test_keys_of_recipes_are_shown_literally(cli: Cli, tmp_path: Path, key: str, shown: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'"{key}" = 1\nschema = 1\nextends = "digits"\nname = "mine"\n')
    found = cli("recipe", "check", path)
    assert found.code == 2
    assert found.err.startswith(f"error: {shown}: unknown key")
    assert "\x1b" not in found.err


@pytest.mark.parametrize(("name", "shown"), [(TITLE, SHOWN), (MARKUP, MARKUP)])
def test_names_of_files_are_shown_literally(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, shown: str
) -> None:
    monkeypatch.chdir(tmp_path)  # a whole path may be too long for one line
    folder = Path(name.replace("/", ""))
    folder.mkdir()
    np.save(folder / "x.npy", np.random.default_rng(0).random((9, 4)))
    found = cli("data", "inspect", "array", "--set", f"path={folder}/x.npy")
    assert found.code == 0, found.err
    assert shown.replace("/", "") in found.out
    assert "\x1b" not in found.out


def test_consoles_are_made_in_one_place() -> None:
    """Any other console would print names as they are. A quiet one prints nothing."""
    folder = Path(__file__).parents[2] / "latentclust"
    using = [p for p in folder.rglob("*.py") if "Console(" in p.read_text().replace("Console(quiet=True)", "")]
    assert [path.name for path in using] == ["terminal.py"]
    assert issubclass(SafeConsole, Console)
