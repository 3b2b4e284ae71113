"""The form in which a section contributes to a page."""

from abc import ABC
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]
"""A value that JSON expresses. Numbers must be finite."""

Script = tuple[str, str]
"""A script of a shipped library: the library and its file."""

ECHARTS: Script = ("echarts", "echarts.common.min.js")
"""The library of interactive charts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section(ABC):
    """A section of a page.

    A subclass is a frozen dataclass of the values that are shown. Its template gets them as `section`, and the template
    `page.html` puts them below a heading, in a `<section>` whose id is the key. A script reads `data()` with
    `readData(key)` of `data.js`.

    Attributes:
        key: Identifier of the section in the page and in links, such as `clusters`. Unique in a page.
        title: Heading, which is also the text of the link to the section.
        template: Name of the template in `report/page/templates/sections/`.
        script: Module in `report/page/scripts/` that the section starts with, and whose imports come with it. Empty for
            none.
        style: Style sheet in `report/page/styles/`. Empty for none.
        libraries: Scripts of shipped libraries, such as `ECHARTS`. A page has each once.
    """

    key: str
    title: str
    template: ClassVar[str]
    script: ClassVar[str] = ""
    style: ClassVar[str] = ""
    libraries: ClassVar[tuple[Script, ...]] = ()

    def data(self) -> Json:
        """Return what the script of the section reads. None for nothing."""
        return None
