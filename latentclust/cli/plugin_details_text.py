"""What `latentclust plugins show` prints of a part, a command or a distribution."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from latentclust.cli.listing import print_options, print_part
from latentclust.cli.plugin_details import Sheet
from latentclust.plugins.distributions import PLUGINS_VARIABLE

WIDTH = 13
"""Columns of the names of facts."""

FACTS = {
    "summary": "what",
    "provider": "provider",
    "entry_point": "entry point",
    "qualified": "full name",
    "requirement": "requirement",
    "clash": "name",
    "source": "source",
    "folder": "metadata",
    "error": "BROKEN",
}
"""The facts of a sheet in the order in which they are told, and what each is called."""


def print_sheet(console: Console, sheet: Sheet) -> None:
    """One sheet: its facts, then what there are several of."""
    console.print(f"\n[bold]{sheet['kind'] or 'plugin'}[/] ", sheet["name"], sep="", style="cyan", soft_wrap=True)
    for key, told in FACTS.items():
        value = sheet.get(key)
        if value:
            _fact(console, told, f"{value} {sheet['version']}" if key == "provider" else str(value))
    if sheet["kind"] == "distribution":
        _distribution(console, sheet)
        return
    for remark in sheet.get("remarks", ()):
        _fact(console, "remark", remark)
    _part(console, sheet)


def _part(console: Console, sheet: Sheet) -> None:
    """What only a part has."""
    if sheet.get("options"):
        _fact(console, "options", "")
        print_options(console, sheet["options"])
    if "recipes" in sheet:
        _fact(console, "recipes", ", ".join(sheet["recipes"]) or "none that ships uses it")
        _fact(console, "systems", ", ".join(sheet["systems"]) or "none uses it")
    if sheet.get("description"):
        console.print()
        for line in sheet["description"].split("\n"):
            console.print(f"  {line}".rstrip(), markup=False, soft_wrap=True)


def _distribution(console: Console, sheet: Sheet) -> None:
    """What only a distribution has."""
    excluded = [f"by {PLUGINS_VARIABLE}: nothing of it is imported"] if sheet["left_out"] else []
    commands = [f"{one['name']}{': ' * bool(one['error'])}{one['error']}" for one in sheet["commands"]]
    several = {
        "version": [sheet["version"]],
        "entry point": sheet["entry_points"],
        "import": [f"{seconds:.3f} s ({point})" for point, seconds in sheet["import_seconds"].items()],
        "left out": excluded,
        "BROKEN": [_at(broken) for broken in sheet["broken"]],
        "remark": sheet["remarks"],
        "command": commands,
    }
    for name, values in several.items():
        for value in values:
            _fact(console, name, value)
    for kind in dict.fromkeys(part["kind"] for part in sheet["parts"]):
        _fact(console, kind, "")
        for part in sheet["parts"]:
            if part["kind"] == kind:
                print_part(console, {**part, "options": []})


def _at(broken: Mapping[str, Any]) -> str:
    point = broken["entry_point"]
    return f"entry point {point}: {broken['error']}" if point else str(broken["error"])


def _fact(console: Console, name: str, value: str) -> None:
    console.print(f"  {name:{WIDTH}}{value}".rstrip(), markup=False, emoji=False, soft_wrap=True)
