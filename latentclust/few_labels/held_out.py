"""Scores of named clusters on held-out labels: a model with names is a classifier."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from latentclust.cards import Card, Cells, Note, Part, Shown
from latentclust.errors import LatentclustError
from latentclust.evaluate.clustering import score_table
from latentclust.evaluate.label_votes import COVERAGE, LabelVotes, agreement_shares, votes_of_clusters
from latentclust.few_labels.label_naming import interval_text
from latentclust.few_labels.label_table import TABLES, check_folders, read_label_table
from latentclust.few_labels.labelled_images import LabelledImages, assign_images
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import load
from latentclust.networks.stored_model import model_file
from latentclust.phases import SILENT, Phases
from latentclust.report.display_names import display_name, format_score
from latentclust.train.devices import first_device

OPTION = "--from"

MAX_ABSENT = 5
"""Maximum number of classes without a cluster that are named."""

CAPTION = "All scores but the accuracy of the names are of the clusters, whatever their names."


@dataclass(frozen=True, slots=True)
class ClassScore:
    """The score of a class by the names of clusters.

    Attributes:
        name: Class.
        labels: Number of held-out images of the class.
        assigned: Number of held-out images in clusters with this name.
        right: Number of images that are both.
    """

    name: str
    labels: int
    assigned: int
    right: int

    @property
    def recall(self) -> float | None:
        """Share of the images of the class in clusters with its name. None without such images."""
        return self.right / self.labels if self.labels else None

    @property
    def precision(self) -> float | None:
        """Share of the images in clusters with this name that are of the class. None without such images."""
        return self.right / self.assigned if self.assigned else None

    def as_json(self) -> dict[str, Any]:
        """Return the score as a JSON-serializable dict."""
        return {"class": self.name, "labels": self.labels, "recall": self.recall, "precision": self.precision}


@dataclass(frozen=True, slots=True, repr=False)
class HeldOutScores(Shown):
    """Scores of a model on labelled images that did not name its clusters.

    Attributes:
        model: Model file.
        file: File of the labels.
        labels: Number of images that count.
        accuracy: Share of the images whose class is the name of their cluster. None if no cluster has a name.
        interval: Bootstrap interval `(2,)` of the accuracy over images; NaN if there is none.
        unnamed: Number of images in clusters without a name, which are wrong.
        metrics: Scores of the clusters, whatever their names, by metric of the model's recipe.
        classes: Scores by class.
        seen: Number of images of the file that named clusters, and do not count.
        naming: Sentences about where the names are from.
        notes: Sentences about images that do not count.
    """

    model: Path
    file: Path
    labels: int
    accuracy: float | None
    interval: Float[np.ndarray, " 2"]
    unnamed: int
    metrics: Mapping[str, float]
    classes: tuple[ClassScore, ...]
    seen: int
    naming: tuple[str, ...]
    notes: tuple[str, ...]

    def _headline(self) -> str:
        score = "no cluster has a name" if self.accuracy is None else f"accuracy {format_score(self.accuracy)}"
        return f"{self.file.name}: {self.labels:,} held-out labels, {score}"

    def _card(self) -> Card:
        return Card(self._headline(), held_out_parts(self))

    def as_json(self) -> dict[str, Any]:
        """Return the scores as a JSON-serializable dict."""
        return {
            "model": str(self.model),
            "from": str(self.file),
            "labels": self.labels,
            "accuracy": self.accuracy,
            "accuracy_interval": None if np.isnan(self.interval).any() else self.interval.tolist(),
            "unnamed": self.unnamed,
            "metrics": dict(self.metrics),
            "classes": [score.as_json() for score in self.classes],
            "also_named_clusters": self.seen,
            "naming": list(self.naming),
            "notes": list(self.notes),
        }


def evaluate_names(
    model: str | Path,
    labels: str | Path,
    *,
    field: str | None = None,
    path_field: str | None = None,
    images: Sequence[str | Path] = (),
    device: str = "auto",
    seed: int = 0,
    phases: Phases = SILENT,
) -> HeldOutScores:
    """Score a saved model on held-out labels: by the names of its clusters, and by the metrics of its recipe.

    Images that named clusters, by the record in the model file, do not count.

    Args:
        model: Model file or run folder of a model of images.
        labels: Table (.csv, .tsv or .txt) with a path and a class in each row.
        field: Column with the classes. None for `class`, `label` or `category`.
        path_field: Column with the paths. None for `path`, `file`, `filename` or `image`.
        images: Folders that relative paths are looked for in, after that of the table.
        device: Device of the networks: `auto`, `cpu`, `cuda` or `cuda:N`.
        seed: Random seed of an inference that samples.
        phases: Tells the progress.

    Raises:
        LatentclustError: If a file is missing or damaged, labels are invalid or do not suit the model, or all images
            named clusters.
    """
    file, path = model_file(model), Path(labels).expanduser()
    if path.suffix.lower() not in TABLES:
        what = f"{path.name} is no table of images ({', '.join(TABLES)})"
        fix = (
            "Points and polygons in scenes score a label raster: latentclust accuracy MAP REFERENCE --class-field NAME"
        )
        raise LatentclustError.at(OPTION, what, fix)
    check_folders(images)
    table = read_label_table(path, field, path_field, [Path(folder) for folder in images])
    phases.begin("loading the model")
    loaded = load(file, first_device(device))
    found = assign_images(loaded, str(model), table, seed, phases)
    return _scores(loaded, file, path, found)


def _scores(model: ClusteringModel, file: Path, path: Path, found: LabelledImages) -> HeldOutScores:
    """Return the scores over the images that did not name clusters."""
    seen = _seen(model, found)
    if seen.all():
        what = f"all of its {len(seen):,} images named the clusters of the model, so that none is held out"
        raise LatentclustError.at(str(path), what, "Give labels of other images")
    kept = [name for name, known in zip(found.classes, seen.tolist(), strict=True) if not known]
    clusters = found.clusters[~seen]
    votes = votes_of_clusters(clusters, kept, model.clusters)
    chosen = votes.classes_of_names(model.names)
    agreement = agreement_shares(votes, chosen)
    table = np.rint(votes.table()).astype(np.int64)
    return HeldOutScores(
        model=file,
        file=path,
        labels=len(clusters),
        accuracy=agreement.overall if model.names else None,
        interval=agreement.interval,
        unnamed=sum(cluster + 1 not in model.names for cluster in clusters.tolist()),
        metrics=score_table(table, model.resolved.metrics),
        classes=_class_scores(votes, table, chosen),
        seen=int(seen.sum()),
        naming=model.naming,
        notes=(*found.notes, *_unknown_overlap(model), *_absent_classes(votes.names, model.names)),
    )


def _seen(model: ClusteringModel, found: LabelledImages) -> Bool[np.ndarray, " n"]:
    """Return which images named clusters, whatever the names of these are now."""
    known = {digest for record in model.named_from for digest in record.digests}
    return np.array([digest in known for digest in found.digests], bool)


def _unknown_overlap(model: ClusteringModel) -> tuple[str, ...]:
    return tuple(
        f"whether images also named clusters is unknown: {record.file} has more labels than the model file records"
        for record in model.named_from
        if record.unit == "images" and not record.digests
    )


def _absent_classes(classes: Sequence[str], names: Mapping[int, str]) -> tuple[str, ...]:
    """Return a sentence for the classes that no cluster has, with the nearest name of each. None without names."""
    known = sorted(set(names.values()))
    absent = [name for name in classes if name not in known]
    if not known or not absent:
        return ()
    near = [get_close_matches(name, known, n=1) for name in absent[:MAX_ABSENT]]
    shown = [f"{name} (did you mean {close[0]}?)" if close else name for name, close in zip(absent, near, strict=False)]
    more = f" and {len(absent) - MAX_ABSENT:,} others" if len(absent) > MAX_ABSENT else ""
    return (f"no cluster has the name of these classes, whose images count as wrong: {', '.join(shown)}{more}",)


def _class_scores(
    votes: LabelVotes, table: Int[np.ndarray, "k c"], chosen: Int[np.ndarray, " k"]
) -> tuple[ClassScore, ...]:
    return tuple(
        ClassScore(name, int(table[:, at].sum()), int(table[chosen == at].sum()), int(table[chosen == at, at].sum()))
        for at, name in enumerate(votes.names)
    )


def held_out_parts(found: HeldOutScores) -> list[Part]:
    """Return the tables of scores and of classes, and sentences about where the names are from and what counts."""
    rows = [[display_name(name), format_score(value), "–"] for name, value in found.metrics.items()]
    if found.accuracy is not None:
        rows.insert(0, ["accuracy of the names", format_score(found.accuracy), interval_text(found.interval)])
    scores = Cells("", ["", f"{found.labels:,} labels", f"{COVERAGE}% interval"], rows, caption=CAPTION)
    classes = [[one.name, f"{one.labels:,}", _share(one.recall), _share(one.precision)] for one in found.classes]
    parts: list[Part] = [scores, Cells("", ["class", "labels", "recall", "precision"], classes)]
    if found.accuracy is None:
        parts.append(Note("No names:", "no cluster has a name (latentclust clusters name)"))
    elif found.unnamed:
        parts.append(Note("Without a name:", f"the clusters of {found.unnamed:,} images, which count as wrong"))
    if found.seen:
        parts.append(Note("Not held out:", f"{found.seen:,} images that named clusters, and do not count"))
    return [*parts, *found.naming, *found.notes]


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
