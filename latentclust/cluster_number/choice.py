"""The result of a choice: scores of each number of clusters and the suggestion, as a card, Markdown and JSON."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from latentclust.cards import Card, Cells, Note, Part, Shown
from latentclust.cluster_number.k_scores import KScores, Spread
from latentclust.cluster_number.suggestion import Suggestion
from latentclust.evaluate.prediction_strength import STRONG
from latentclust.report.markdown import markdown_table

USED_SHARE = 0.9
"""Share of the clusters below which a mean number of used clusters is worth a warning."""

TERMS = {
    "ARI, subsamples": "agreement (adjusted Rand index) of two trainings on overlapping subsamples, on the samples of "
    "both (Ben-Hur, Elisseeff and Guyon 2002)",
    "ARI, same images": "agreement of two trainings with different seeds on one subsample",
    "ARI by chance": "agreement of two k-means, with the number of used clusters, on overlapping parts of random "
    "points without clusters, uniform in a box along the principal axes of the data; few clusters are stable there "
    "too, so stability chooses the number whose `ARI, subsamples` exceeds it the most",
    "prediction strength": "smallest share, over the clusters of a training, of pairs that another training which has "
    "not seen these samples puts together too (Tibshirani and Walther 2005)",
    "occupied": "number of clusters with a sample",
    "used": "number of clusters with at least 1% of the samples; this is the number that stability chooses",
    "silhouette": "mean silhouette of k-means",
    "gap": "gap statistic of k-means (Tibshirani, Walther and Hastie 2001), in nats",
}
"""Meanings of the columns."""


@dataclass(frozen=True, slots=True, repr=False)
class Choice(Shown):
    """The result of a choice of the number of clusters.

    Attributes:
        recipe: Name of the recipe.
        folder: Folder with `choose_k.json`, `choose-k.md`, `choose-k.png` and `choose-k.html`.
        scores: Scores of each number of clusters, ascending.
        suggestion: The suggested numbers.
        samples: Number of images of the data set.
        compared: Number of images or pixels whose clusters are compared.
        unit: `images` or `pixels`.
        seeds: Number of seeds.
        subsample: Part of the images in each subsample.
        rounds: Number of rounds of each training. 0 if the recipe trains nothing.
        rounds_fraction: Part of the recipe's rounds.
        criterion: Name of the recipe's label-free criterion. None if it has none.
        points: What k-means reads: `pixels`, `features` or `values`.
        masked_by_labels: Whether the protocol of the data set decides by its labels which pixels count.
    """

    recipe: str
    folder: Path
    scores: tuple[KScores, ...]
    suggestion: Suggestion
    samples: int
    compared: int
    unit: str
    seeds: int
    subsample: float
    rounds: int
    rounds_fraction: float
    criterion: str | None
    points: str
    masked_by_labels: bool = False

    @property
    def clusters(self) -> range:
        """The suggested numbers of clusters. Empty if none stands out."""
        low, high = self.suggestion.low, self.suggestion.high
        return range(0) if low is None or high is None else range(low, high + 1)

    def _headline(self) -> str:
        return f"{self.recipe}: {self.suggestion.sentence}"

    def _card(self) -> Card:
        return Card(f"Number of clusters of {self.recipe}", [self.table(), *self._sentences()])

    def _sentences(self) -> list[Part]:
        warnings = [Note("Warning:", sentence) for sentence in self.warnings()]
        return [Note("Suggestion:", self.suggestion.sentence), *warnings, *self.others(), self.basis()]

    def table(self) -> Cells:
        """Return one row for each number of clusters; those that are suggested are bold."""
        header, rows = self.cells()
        bold = frozenset((at, 0) for at, score in enumerate(self.scores) if score.clusters in self.clusters)
        return Cells("", header, rows, bold=bold)

    def cells(self) -> tuple[list[str], list[list[str]]]:
        """Return the headings and the rows of the table."""
        header = ["clusters", *(name for name in TERMS if name not in ("silhouette", "gap"))]
        named = [self.criterion] if self.criterion else []
        header += [*named, "k-means: silhouette", "k-means: gap"]
        return header, [self._row(score) for score in self.scores]

    def _row(self, score: KScores) -> list[str]:
        kmeans = score.kmeans
        return [
            str(score.clusters),
            _format(score.subsamples),
            _format(score.same_data),
            f"{score.chance:.2f}",
            _format(score.strength),
            _format(score.occupied, 1),
            _format(score.used, 1),
            *([_format(score.criterion, 3)] if self.criterion else []),
            "–" if kmeans.silhouette is None else f"{kmeans.silhouette:.3f}",
            f"{kmeans.gap:.3f} ± {kmeans.gap_error:.3f}",
        ]

    def others(self) -> list[str]:
        """Return what each rule chooses."""
        found = self.suggestion
        strength = (
            f"The largest number with a prediction strength of {STRONG} or more uses {found.by_strength} clusters."
            if found.by_strength
            else f"No number has a prediction strength of {STRONG} or more."
        )
        gap = "grows up to the largest number" if found.by_gap is None else f"chooses {found.by_gap}"
        silhouette = "is not defined" if found.by_silhouette is None else f"is largest with {found.by_silhouette}"
        stability = "" if found.by_stability is None else f"Stability chooses {found.by_stability}. "
        return [
            f"{stability}{strength}",
            f"k-means on {self.points}: the silhouette {silhouette}; the gap statistic {gap}.",
        ]

    def failures(self) -> list[str]:
        """Return a sentence for each number of clusters with failed trainings, and with collapsed ones."""
        failed = [
            f"{score.clusters} clusters: {len(score.failed)} of {score.trained} trainings failed ({score.failed[0]})."
            for score in self.scores
            if score.failed
        ]
        collapsed = [
            f"{score.clusters} clusters: {score.collapsed} of {score.trained} trainings collapsed into a single "
            "cluster; they count as agreeing with none."
            for score in self.scores
            if score.collapsed
        ]
        return [*failed, *collapsed]

    def warnings(self) -> list[str]:
        """Return a sentence about clusters that are not used, and one for each number with failed trainings."""
        few = [score for score in self.scores if score.used and score.used.mean < USED_SHARE * score.clusters]
        if 2 * len(few) < len(self.scores):
            few = [score for score in few if score.clusters in self.clusters]
        if not few:
            return self.failures()
        used = ", ".join(f"{score.used.mean:.1f} of {score.clusters}" for score in few if score.used)
        unused = (
            f"Trainings use fewer clusters than they have: {used} on average. They may be too brief (raise "
            "--rounds-fraction), or the system leaves clusters empty."
        )
        return [unused, *self.failures()]

    def basis(self) -> str:
        """Return what the scores were computed from, in one sentence."""
        masked = ", except that the protocol of the data set decides by its labels which pixels count"
        rounds = f"{self.rounds:,} rounds ({self.rounds_fraction:.0%} of the recipe's)" if self.rounds else "no rounds"
        return (
            f"Each number of clusters was trained with {self.seeds} seeds for {rounds}, two seeds on each subsample of "
            f"{self.subsample:.0%} of {self.samples:,} images; {self.compared:,} {self.unit} are compared. No label "
            f"was read{masked if self.masked_by_labels else ''}."
        )

    def markdown(self) -> str:
        """Return the result as Markdown."""
        header, rows = self.cells()
        terms = "\n".join(f"- **{name}**: {meaning}." for name, meaning in TERMS.items())
        sentences = [f"**{self.suggestion.sentence}**", *self.warnings(), *self.others(), self.basis()]
        text = "\n\n".join(sentences)
        return (
            f"# Number of clusters of {self.recipe}\n\n{text}\n\n{markdown_table(header, rows)}\n\n"
            f"![Scores by the number of clusters](choose-k.png)\n\n## Terms\n\n{terms}\n"
        )

    def json(self) -> str:
        """Return the result as JSON, in which numbers that are not finite are null."""
        found = asdict(self)
        found.pop("folder")
        for score, own in zip(found["scores"], self.scores, strict=True):
            score["excess"] = own.excess
        return json.dumps(_finite(found), indent=2)


def _format(spread: Spread | None, digits: int = 2) -> str:
    if spread is None:
        return "–"
    return f"{spread.mean:.{digits}f}" + ("" if spread.std is None else f" ± {spread.std:.{digits}f}")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_finite(item) for item in value]
    return value
