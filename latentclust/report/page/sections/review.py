"""The section of samples to look at: likely misplaced ones and likely duplicates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from latentclust.report.page.section import Section


@dataclass(frozen=True, slots=True)
class Finding:
    """A sample, or a group of them, that deserves a look.

    Attributes:
        slots: Slots of the samples.
        text: Why it is listed.
    """

    slots: Sequence[int]
    text: str


@dataclass(frozen=True, slots=True)
class FindingList:
    """Samples listed for one reason.

    Attributes:
        title: Heading.
        score: How the samples were found and are ordered, in sentences.
        findings: The samples, the most suspicious first.
        none: What is said if there are none.
    """

    title: str
    score: str
    findings: Sequence[Finding]
    none: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Review(Section):
    """Samples to look at.

    Attributes:
        lists: The samples by reason.
    """

    key: str = "review"
    title: str = "To review"
    template: ClassVar[str] = "review.html"
    style: ClassVar[str] = "review.css"
    lists: Sequence[FindingList]
