"""Files that web pages are made of: the shared style, templates, and libraries of the npm registry."""

import json
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

LIBRARIES = "libraries"


@dataclass(frozen=True, slots=True)
class Library:
    """A library of the npm registry whose files are shipped unchanged.

    Attributes:
        name: Name of the npm package.
        version: Version of the package.
        licence: SPDX identifier of its licence.
        integrity: Subresource integrity of the package's archive, as the registry states it.
        files: SHA-256 of each shipped file by its path in the archive.
    """

    name: str
    version: str
    licence: str
    integrity: str
    files: dict[str, str]


def libraries() -> dict[str, Library]:
    """Return the shipped libraries by name."""
    entries = json.loads((_folder() / LIBRARIES / "libraries.json").read_text(encoding="utf-8"))
    return {entry["name"]: Library(**entry) for entry in entries}


def library_file(name: str, file: str) -> Traversable:
    """Return a file of a shipped library, such as `library_file("echarts", "echarts.common.min.js")`.

    Raises:
        KeyError: If the library does not ship a file of this name.
    """
    shipped = {path.rpartition("/")[2] for path in libraries()[name].files}
    if file not in shipped:
        raise KeyError(f"{name} ships {', '.join(sorted(shipped))}, not {file}")
    return _folder() / LIBRARIES / name / file


def style() -> str:
    """Return the style sheet that all pages share: tokens of light, dark and print, and basic elements."""
    return (_folder() / "style.css").read_text(encoding="utf-8")


def environment(package: str) -> "Environment":
    """Return the templates in `templates/` of a package.

    Values are escaped, and an undefined name is an error.

    Args:
        package: Import name of the package, such as `latentclust.report.page`.

    Example:
        >>> environment("latentclust.web").from_string("{{ name }}").render(name="<script>")
        '&lt;script&gt;'
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    own = [] if package == "latentclust.web" else [PackageLoader(package)]
    return Environment(
        loader=ChoiceLoader([*own, PackageLoader("latentclust.web")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _folder() -> Traversable:
    return files("latentclust.web")
