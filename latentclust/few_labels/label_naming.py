"""The classes that few labels give to clusters, as a table and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from latentclust.cards import Card, Cells, Note, Part, Shown
from latentclust.evaluate.label_votes import COVERAGE, TIED, AgreementShares
from latentclust.evaluate.match import UNMATCHED
from latentclust.model.class_names import name_of
from latentclust.model.naming_record import Rule, Unit, listed_numbers

MAX_CLASSES = 3
"""Maximum number of classes of a cluster that a table shows."""

HELD_OUT = "The same labels chose the names: labels of other images or places may agree less often"


@dataclass(frozen=True, slots=True, repr=False)
class LabelNaming(Shown):
    """The classes that few labels give to the clusters of a model. Clusters count from 1 in outputs.

    Attributes:
        model: Model file.
        file: File of the labels.
        sha256: SHA-256 of this file.
        unit: What the labels are given to.
        rule: How clusters are named.
        labels: Number of labels that count.
        classes: Classes of the labels.
        table: Sum of the shares of the labels by cluster and class `(k, c)`; a label has weight one.
        chosen: Class of each cluster `(k,)`; `UNMATCHED` for none, `TIED` if the labels do not decide.
        purity: Shares of the labels that are of the most frequent class of their cluster.
        agreement: Shares of the labels whose class is the name of their cluster after.
        before: Names of clusters before, counted from 1.
        after: Names of clusters with those from the labels.
        written: Whether the names are in the model file; not in a dry run.
        notes: Sentences about labels that do not count.
    """

    model: Path
    file: Path
    sha256: str
    unit: Unit
    rule: Rule
    labels: int
    classes: tuple[str, ...]
    table: Float[np.ndarray, "k c"]
    chosen: Int[np.ndarray, " k"]
    purity: AgreementShares
    agreement: AgreementShares
    before: Mapping[int, str]
    after: Mapping[int, str]
    written: bool
    notes: tuple[str, ...] = ()

    @property
    def given(self) -> dict[int, str]:
        """Names from the labels, of clusters counted from 1."""
        return names_of_classes(self.chosen, self.classes)

    @property
    def replaced(self) -> dict[int, str]:
        """Names that the labels replace by others, of clusters counted from 1."""
        return {one: self.before[one] for one, name in self.given.items() if self.before.get(one, name) != name}

    @property
    def removed(self) -> dict[int, str]:
        """Names that clusters lose because they are classes of a one-to-one naming, of clusters counted from 1."""
        return {cluster: name for cluster, name in self.before.items() if cluster not in self.after}

    @property
    def unlabelled(self) -> list[int]:
        """Clusters that no label speaks for, counted from 1."""
        return (np.flatnonzero(self.table.sum(axis=1) == 0) + 1).tolist()

    @property
    def tied(self) -> list[int]:
        """Clusters for which the labels do not decide, counted from 1."""
        return (np.flatnonzero(self.chosen == TIED) + 1).tolist()

    @property
    def left_over(self) -> list[int]:
        """Clusters with labels that a one-to-one matching leaves without a class, counted from 1."""
        has_labels = self.table.sum(axis=1) > 0
        return (np.flatnonzero((self.chosen == UNMATCHED) & has_labels) + 1).tolist()

    @property
    def absent(self) -> list[str]:
        """Classes of the labels that no cluster gets."""
        return [name for name in self.classes if name not in self.given.values()]

    def _headline(self) -> str:
        named = f"{len(self.given):,} of {len(self.table):,} clusters named"
        return f"{named} by {self.labels:,} labels of {self.unit} in {self.file.name} ({self.rule})"

    def _card(self) -> Card:
        parts: list[Part] = [naming_table(self), *naming_notes(self)]
        return Card(self._headline(), parts)

    def as_json(self) -> dict[str, Any]:
        """Return the naming as a JSON-serializable dict."""
        return {
            "model": str(self.model),
            "from": str(self.file),
            "sha256": self.sha256,
            "unit": self.unit,
            "rule": self.rule,
            "labels": self.labels,
            "written": self.written,
            "purity": self.purity.overall,
            "purity_interval": _interval(self.purity.interval),
            "agreement": self.agreement.overall,
            "agreement_interval": _interval(self.agreement.interval),
            "clusters": [self._row(at) for at in range(len(self.table))],
            "unlabelled": self.unlabelled,
            "tied": self.tied,
            "left_over": self.left_over,
            "classes_without_cluster": self.absent,
            "replaced": {str(cluster): name for cluster, name in self.replaced.items()},
            "removed": {str(cluster): name for cluster, name in self.removed.items()},
            "notes": list(self.notes),
        }

    def _row(self, at: int) -> dict[str, Any]:
        share = float(self.purity.shares[at])
        counts = {name: round(float(n), 4) for name, n in zip(self.classes, self.table[at], strict=True) if n > 0}
        return {
            "cluster": at + 1,
            "labels": round(float(self.table[at].sum()), 4),
            "classes": counts,
            "purity": None if np.isnan(share) else share,
            "purity_interval": _interval(self.purity.intervals[at]),
            "class": self.given.get(at + 1),
            "name": self.after.get(at + 1),
        }


def names_of_classes(chosen: Int[np.ndarray, " k"], classes: Sequence[str]) -> dict[int, str]:
    """Return the names of the clusters that have a class, counted from 1."""
    return {at + 1: classes[which] for at, which in enumerate(chosen.tolist()) if which >= 0}


def naming_table(naming: LabelNaming) -> Cells:
    """Return a row for each cluster: its name, its labels, their classes, and its purity."""
    header = ["cluster", "name", "labels", "classes of the labels", "purity", f"{COVERAGE}% interval"]
    rows = []
    for at in range(len(naming.table)):
        total, share = float(naming.table[at].sum()), float(naming.purity.shares[at])
        name = name_of(at + 1, naming.after)
        kept = " (kept)" if at + 1 in naming.after and at + 1 not in naming.given else ""
        shown = "–" if np.isnan(share) else f"{share:.2f}"
        interval = interval_text(naming.purity.intervals[at])
        rows.append([str(at + 1), f"{name}{kept}", _count(total), _classes(naming, at), shown, interval])
    return Cells("", header, rows, left=frozenset({0, 1, 3}))


def naming_notes(naming: LabelNaming) -> list[Part]:
    """Return sentences about the purity, about clusters that get no name, and about names that are replaced."""
    overall = (
        f"purity {naming.purity.overall:.3f}{_within(naming.purity.interval)} over {counted(naming.labels, 'label')}"
    )
    if naming.agreement.overall < naming.purity.overall:
        overall += (
            f"; {naming.agreement.overall:.3f}{_within(naming.agreement.interval)} have the name of their cluster"
        )
    parts: list[Part] = [f"{overall}. {HELD_OUT}."]
    reasons = (
        (naming.unlabelled, "no label speaks for"),
        (naming.tied, "the labels do not decide for"),
        (naming.left_over, "the one-to-one matching has no class for"),
    )
    for clusters, reason in reasons:
        if clusters:
            noun = "cluster" if len(clusters) == 1 else "clusters"
            text = f"{reason} {noun} {listed_numbers(clusters)}: no name, or the one from before"
            parts.append(Note("Not named:", text))
    if naming.absent:
        parts.append(Note("No cluster for:", ", ".join(naming.absent)))
    for cluster, name in naming.replaced.items():
        parts.append(f"cluster {cluster}: {naming.given[cluster]!r} replaces {name!r}")
    for cluster, name in naming.removed.items():
        parts.append(f"cluster {cluster}: {name!r} is removed, since it is a class of this one-to-one naming")
    return [*parts, *naming.notes]


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is one."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def interval_text(interval: Float[np.ndarray, " 2"]) -> str:
    """Return an interval, or a dash if there is none."""
    return "–" if np.isnan(interval).any() else f"{interval[0]:.2f} to {interval[1]:.2f}"


def _within(interval: Float[np.ndarray, " 2"]) -> str:
    """Return an interval in parentheses with its coverage; empty if there is none."""
    return "" if np.isnan(interval).any() else f" ({COVERAGE}% interval {interval_text(interval)})"


def _interval(interval: Float[np.ndarray, " 2"]) -> list[float] | None:
    return None if np.isnan(interval).any() else interval.tolist()


def _count(total: float) -> str:
    """Return a number of labels; with one decimal if polygons lie in several clusters."""
    return f"{round(total):,}" if abs(total - round(total)) < 0.05 else f"{total:,.1f}"


def _classes(naming: LabelNaming, at: int) -> str:
    """Return the most frequent classes of a cluster with their numbers of labels."""
    order = np.argsort(-naming.table[at], kind="stable")
    present = [which for which in order.tolist() if naming.table[at, which] > 0]
    more = ", …" if len(present) > MAX_CLASSES else ""
    return ", ".join(f"{naming.classes[one]} {_count(naming.table[at, one])}" for one in present[:MAX_CLASSES]) + more
