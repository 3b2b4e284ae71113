"""The result of a comparison of two dates."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latentclust.cards import Card, Shown
from latentclust.labelling.change.transitions import TransitionMatrix

RASTER, TABLE, CLASSES, SUMMARY = "change.tif", "change.csv", "change-classes.csv", "change.md"

FILES = (TABLE, CLASSES, SUMMARY, f"{RASTER}.aux.xml", "change.qml", RASTER)
"""Names of all results, in the order in which they are written to the folder."""


@dataclass(frozen=True, slots=True, repr=False)
class Change(Shown):
    """The change between two dates.

    Attributes:
        folder: Folder of the results.
        before: Label raster of the earlier date.
        after: Label raster of the later date.
        alignment: How the later raster was resampled, as one sentence.
        clusters: Transitions between clusters.
        classes: Transitions between classes, that is, clusters with the same name.
        lost: Number of pixels that are nodata at the later date alone.
        gained: Number of pixels that are nodata at the earlier date alone.
        warnings: Options that the two maps were not labelled with alike.
    """

    folder: Path
    before: Path
    after: Path
    alignment: str
    clusters: TransitionMatrix
    classes: TransitionMatrix
    lost: int
    gained: int
    warnings: tuple[str, ...] = ()

    def _headline(self) -> str:
        return f"{self.before.name} to {self.after.name}, {self.clusters.changed_share:.1%} changed"

    def _card(self) -> Card:
        from latentclust.labelling.change.summary import change_cells, change_sentences

        return Card(f"Change from {self._headline()}", [*change_sentences(self), change_cells(self)])

    @property
    def has_classes(self) -> bool:
        """Whether clusters share a name, so that classes are not the clusters."""
        return len(self.classes.names) < len(self.clusters.names)

    def as_json(self) -> dict[str, Any]:
        """Return the change as a JSON-serializable dict."""
        facts = {"folder": str(self.folder), "before": str(self.before), "after": str(self.after)}
        counts = {"pixels": int(self.clusters.pixels.sum()), "only_before": self.lost, "only_after": self.gained}
        shares = {"changed": self.clusters.changed_share, "changed_classes": self.classes.changed_share}
        rows = {
            name: [found.row() for found in matrix.transitions()]
            for name, matrix in (("clusters", self.clusters), ("classes", self.classes))
        }
        return {**facts, "alignment": self.alignment, "warnings": list(self.warnings), **counts, **shares, **rows}
