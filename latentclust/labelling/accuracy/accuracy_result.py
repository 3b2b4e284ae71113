"""The result of an accuracy assessment."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentclust.cards import Card, Shown
from latentclust.evaluate.stratified_accuracy import Estimates, StratifiedAccuracy

CLASSES, COUNTS, PROPORTIONS, SAMPLES, SUMMARY = (
    "classes.csv",
    "error-matrix.csv",
    "error-matrix-area.csv",
    "samples.csv",
    "accuracy.md",
)

FILES = (CLASSES, COUNTS, PROPORTIONS, SAMPLES, SUMMARY)
"""Names of all results."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The number of samples and features that are not part of the estimates.

    Attributes:
        nodata: Samples where the map has no data.
        outside: Samples outside the map.
        unclassed: Features without a class.
        other: Features that are neither points nor polygons.
    """

    nodata: int
    outside: int
    unclassed: int
    other: int


@dataclass(frozen=True, slots=True, repr=False)
class MapAccuracy(Shown):
    """The accuracy of a map against a reference.

    Attributes:
        folder: Folder of the results.
        map: Path of the map.
        reference: Path of the reference.
        names: Names of the classes of the map, then of those that only the reference has.
        on_map: Whether each class is one of the map `(n,)`.
        sizes: Area of each class in the map in square metres, or number of pixels, `(n,)`.
        known: Whether areas are known.
        found: Estimates.
        points: Number of samples that are points.
        polygons: Number of samples that are polygons.
        left_out: What is not part of the estimates.
        matched: Whether clusters got their classes from the same samples.
        naming: Sentences about the samples that named clusters before.
    """

    folder: Path
    map: Path
    reference: Path
    names: tuple[str, ...]
    on_map: NDArray[np.bool_]
    sizes: NDArray[np.float64]
    known: bool
    found: StratifiedAccuracy
    points: int
    polygons: int
    left_out: LeftOut
    matched: bool
    naming: tuple[str, ...] = ()

    def _headline(self) -> str:
        return f"{self.map.name}, overall accuracy {float(self.found.overall.values[0]):.1%}"

    def _card(self) -> Card:
        from latentclust.labelling.accuracy.accuracy_summary import accuracy_sentences, accuracy_tables

        return Card(f"Accuracy of {self._headline()}", [*accuracy_sentences(self), *accuracy_tables(self)])

    @property
    def unsampled_share(self) -> float:
        """Share of the map in classes without samples."""
        return float(self.sizes[self.found.unsampled].sum() / self.sizes.sum())

    def class_rows(self) -> list[dict[str, Any]]:
        """Return the estimates of each class as JSON-serializable dicts; None where there is none."""
        found, scale = self.found, self.found.sampled
        areas = Estimates(found.areas.values * scale, found.areas.half_widths * scale)
        unit = "m2" if self.known else "pixels"
        return [
            {
                "class": name,
                f"map_{unit}": float(self.sizes[at]),
                "samples": int(found.counts[at].sum()),
                **_pair("users", found.users, at),
                **_pair("producers", found.producers, at),
                **_pair("share", found.areas, at),
                **_pair(f"area_{unit}", areas, at),
            }
            for at, name in enumerate(self.names)
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the accuracy as a JSON-serializable dict."""
        left = self.left_out
        return {
            "folder": str(self.folder),
            "map": str(self.map),
            "reference": str(self.reference),
            "samples": int(self.found.counts.sum()),
            "points": self.points,
            "polygons": self.polygons,
            "left_out": {
                "nodata": left.nodata, "outside": left.outside, "unclassed": left.unclassed, "other": left.other,
            },
            "matched": self.matched,
            "naming": list(self.naming),
            "unsampled_share": self.unsampled_share,
            **_pair("overall", self.found.overall, 0),
            "classes": self.class_rows(),
            "counts": self.found.counts.tolist(),
            "proportions": self.found.proportions.tolist(),
        }  # fmt: skip


def _pair(name: str, estimates: Estimates, at: int) -> dict[str, float | None]:
    """Return an estimate and the half width of its 95% confidence interval."""
    value, half = float(estimates.values[at]), float(estimates.half_widths[at])
    return {name: None if np.isnan(value) else value, f"{name}_ci95": None if np.isnan(half) else half}
