"""Text output of `latentclust plugins show`."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from latentclust.cli.plugins.details import Details
from latentclust.cli.plugins.listing import print_options, print_part
from latentclust.plugins.distributions import PLUGINS_VARIABLE

WIDTH = 13
"""Width of the column of labels."""

LABELS = {
    "summary": "what",
    "provider": "provider",
    "entry_point": "entry point",
    "qualified": "full name",
    "sha256": "SHA-256",
    "requirement": "requirement",
    "clash": "name",
    "source": "source",
    "folder": "metadata",
    "error": "BROKEN",
}
"""Keys of the details in the order of output, with their labels."""


def print_details(console: Console, details: Details) -> None:
    """Print details: single values first, then lists."""
    title = Text.assemble("\n", (details["kind"] or "plugin", "bold"), f" {details['name']}")
    console.print(title, soft_wrap=True)
    for key, label in LABELS.items():
        value = details.get(key)
        if value:
            _fact(console, label, f"{value} {details['version']}" if key == "provider" else str(value))
    if details["kind"] == "distribution":
        _distribution(console, details)
        return
    for remark in details.get("remarks", ()):
        _fact(console, "remark", remark)
    for part in details.get("parts", ()):
        _fact(console, part["kind"], part["name"])
    _part(console, details)


def _part(console: Console, details: Details) -> None:
    """Print what only a part has."""
    if details.get("options"):
        _fact(console, "options", "")
        print_options(console, details["options"])
    if "recipes" in details:
        _fact(console, "recipes", ", ".join(details["recipes"]) or "no shipped recipe uses it")
        _fact(console, "systems", ", ".join(details["systems"]) or "no system uses it")
    if details.get("description"):
        console.print()
        for line in details["description"].split("\n"):
            console.print(f"  {line}".rstrip(), soft_wrap=True)


def _distribution(console: Console, details: Details) -> None:
    """Print what only a distribution has."""
    excluded = [f"by {PLUGINS_VARIABLE}; it is not imported"] if details["left_out"] else []
    commands = [f"{one['name']}{': ' * bool(one['error'])}{one['error']}" for one in details["commands"]]
    several = {
        "version": [details["version"]],
        "entry point": details["entry_points"],
        "import": [f"{seconds:.3f} s ({point})" for point, seconds in details["import_seconds"].items()],
        "excluded": excluded,
        "BROKEN": [_at(broken) for broken in details["broken"]],
        "remark": details["remarks"],
        "command": commands,
    }
    for name, values in several.items():
        for value in values:
            _fact(console, name, value)
    for kind in dict.fromkeys(part["kind"] for part in details["parts"]):
        _fact(console, kind, "")
        for part in details["parts"]:
            if part["kind"] == kind:
                print_part(console, {**part, "options": []})


def _at(broken: Mapping[str, Any]) -> str:
    point = broken["entry_point"]
    return f"entry point {point}: {broken['error']}" if point else str(broken["error"])


def _fact(console: Console, name: str, value: str) -> None:
    console.print(f"  {name:{WIDTH}}{value}".rstrip(), soft_wrap=True)
