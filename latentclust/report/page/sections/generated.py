"""The section of what the generator of a run draws."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from latentclust.report.page.section import Section


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """A row of drawn images.

    Attributes:
        title: Title of the row. Empty for none.
        picture: The images side by side, as a data URI.
        alt: What they are, for screen readers.
    """

    title: str
    picture: str
    alt: str


@dataclass(frozen=True, slots=True)
class DrawnPart:
    """Drawn images of one kind.

    Attributes:
        title: Heading.
        sentence: What they show.
        rows: The images.
    """

    title: str
    sentence: str
    rows: Sequence[DrawnRow]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Generated(Section):
    """Images that a generator draws.

    Attributes:
        parts: Modes, interpolation and traversal.
        note: What holds for all of them. Empty for nothing.
    """

    key: str = "generated"
    title: str = "Generated images"
    template: ClassVar[str] = "generated.html"
    style: ClassVar[str] = "generated.css"
    parts: Sequence[DrawnPart]
    note: str
