"""The section of clusters of images: a card for each, with its size, confidence, classes and images."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from latentclust.report.page.section import Json, Section

OTHER = -1
"""Group of what is left out."""


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a cluster.

    Attributes:
        group: Class of the part, 0-based, or `OTHER`; or another cluster, 0-based.
        name: Its name.
        share: Share of the cluster, in [0, 1].
        count: Number of samples. None for a mean probability.
    """

    group: int
    name: str
    share: float
    count: int | None = None

    @property
    def style(self) -> str:
        """Style class of a class."""
        return "class-other" if self.group == OTHER else f"class-{self.group}"


NAMED = 4
"""Number of classes that a card names."""


@dataclass(frozen=True, slots=True)
class ClusterCard:
    """A cluster of images.

    Attributes:
        cluster: Cluster, 0-based.
        title: Display name, such as `cluster 3: cat`, which counts from 1.
        size: Number of samples.
        share: Share of all samples.
        confidence: Mean probability of the cluster over its samples. None for an empty cluster.
        purity: Share of the most frequent class among its labelled samples. None without any.
        classes: Its classes, the most frequent first. If there are many, the last part is all others.
        other_classes: Number of classes of the last part. 0 if no class is left out.
        confused: Other clusters with the mean probability that its samples give to them, the largest first.
        surest: Slots of the samples with the highest confidence, the highest first.
        least_sure: Slots of the samples with the lowest confidence, the lowest first.
        random: Slots of samples drawn at random.
    """

    cluster: int
    title: str
    size: int
    share: float
    confidence: float | None = None
    purity: float | None = None
    classes: Sequence[Share] = ()
    other_classes: int = 0
    confused: Sequence[Share] = ()
    surest: Sequence[int] = ()
    least_sure: Sequence[int] = ()
    random: Sequence[int] = ()

    @property
    def more_classes(self) -> int:
        """Number of classes after the first `NAMED`."""
        return max(len(self.classes) - NAMED, 0) + max(self.other_classes - 1, 0)

    @property
    def rows(self) -> list[tuple[str, Sequence[int]]]:
        """The images by what they were chosen for."""
        return [("surest", self.surest), ("least sure", self.least_sure), ("random", self.random)]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters(Section):
    """Cards of clusters.

    Attributes:
        cards: The clusters in their order.
        unit: Unit of the sizes, such as `samples`.
        sentence: What is to be known about all clusters.
        labelled: Whether the data have classes.
        caption: Which bands the images show. Empty if all.
        shown: Number of images of a row of a card. The dialog of a cluster has all.
    """

    key: str = "clusters"
    title: str = "Clusters"
    template: ClassVar[str] = "clusters.html"
    script: ClassVar[str] = "clusters.js"
    style: ClassVar[str] = "clusters.css"
    cards: Sequence[ClusterCard]
    unit: str
    sentence: str
    labelled: bool
    caption: str
    shown: int
    named: int = NAMED

    def data(self) -> Json:
        """Return the values of each card. Classes and clusters are numbers, whose names the sample table has."""
        return [
            {
                "cluster": card.cluster,
                "title": card.title,
                "size": card.size,
                "share": round(card.share, 5),
                "confidence": None if card.confidence is None else round(card.confidence, 5),
                "purity": None if card.purity is None else round(card.purity, 5),
                "classes": [[part.group, part.count] for part in card.classes],
                "otherClasses": card.other_classes,
                "confused": [[part.group, round(part.share, 5)] for part in card.confused],
                "rows": [{"title": title, "slots": list(slots)} for title, slots in card.rows],
            }
            for card in self.cards
        ]
