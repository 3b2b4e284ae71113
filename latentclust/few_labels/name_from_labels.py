"""Names of clusters from few labels of images, points or polygons. Nothing is trained on them."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from latentclust.data.sources import decode_errors
from latentclust.errors import Issue, LatentclustError, raise_all
from latentclust.evaluate.label_votes import (
    LabelVotes,
    agreement_shares,
    classes_by_majority,
    classes_one_to_one,
)
from latentclust.few_labels.label_naming import LabelNaming, names_of_classes
from latentclust.few_labels.label_shapes import LabelShapes, open_label_shapes
from latentclust.few_labels.label_table import TABLES, LabelTable, check_folders, read_label_table
from latentclust.few_labels.labelled_images import assign_images
from latentclust.few_labels.labelled_shapes import assign_shapes
from latentclust.model.class_names import classes_of, recolour_classes
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import load
from latentclust.model.naming_record import MAX_DIGESTS, NamingRecord, Rule, Unit
from latentclust.model.stored_names import StoredNames, change_names, model_identity
from latentclust.networks.stored_model import model_file
from latentclust.phases import SILENT, Phases
from latentclust.train.devices import first_device

NO_MODEL = "was replaced by another model meanwhile"


def name_from_labels(  # noqa: PLR0913 (options of `clusters name`)
    model: str | Path,
    labels: str | Path,
    *,
    field: str | None = None,
    path_field: str | None = None,
    images: Sequence[str | Path] = (),
    scenes: Iterable[str | Path] = (),
    one_to_one: bool = False,
    dry_run: bool = False,
    device: str = "auto",
    seed: int = 0,
    phases: Phases = SILENT,
) -> LabelNaming:
    """Name the clusters of a saved model by few labels. The header of the model records where the names are from.

    A cluster gets the class of most of its labels. Clusters that no label speaks for, or for which the labels do not
    decide, keep the name that they have, or none. One to one, they lose a name that is a class of the labels.

    Args:
        model: Model file or run folder.
        labels: For a model of images, a table (.csv, .tsv or .txt) with a path and a class in each row. For a model of
            label maps, a vector file of points or polygons with a class.
        field: Column or attribute with the classes. None for `class`, `label` or `category`.
        path_field: Column with the paths. None for `path`, `file`, `filename` or `image`.
        images: Folders that relative paths are looked for in, after that of the table.
        scenes: Rasters, folders, glob patterns, URLs, and text files that list them, in which the shapes lie.
        one_to_one: Whether each class names at most one cluster, by the Hungarian method.
        dry_run: Whether the model file stays as it is.
        device: Device of the networks: `auto`, `cpu`, `cuda` or `cuda:N`.
        seed: Random seed of an inference that samples.
        phases: Tells the progress.

    Raises:
        LatentclustError: If a file is missing or damaged, labels are invalid, or labels do not suit the model. The
            model file does not change.
    """
    file, path = model_file(model), Path(labels).expanduser()
    scenes = tuple(scenes)
    _check_options(path, path_field, images, scenes)
    opened = _open_labels(path, field, path_field, [Path(folder) for folder in images])
    phases.begin("loading the model")
    loaded = load(file, first_device(device))
    found = _assigned(loaded, str(model), opened, scenes, seed, phases)
    naming = _named(loaded, file, path, found, "one-to-one" if one_to_one else "majority")
    return naming if dry_run or not naming.given else _written(naming, loaded, found)


@dataclass(frozen=True, slots=True)
class _Assigned:
    """Labels whose clusters are known.

    Attributes:
        votes: Votes of the labels.
        unit: What the labels are given to.
        digests: Digests of the images, sorted. Empty for shapes, and for too many images.
        notes: Sentences about labels that do not count.
    """

    votes: LabelVotes
    unit: Unit
    digests: tuple[str, ...]
    notes: tuple[str, ...]


def _open_labels(
    path: Path, field: str | None, path_field: str | None, folders: Sequence[Path]
) -> LabelTable | LabelShapes:
    """Read a table, or open a vector file, and check the classes."""
    if path.suffix.lower() in TABLES:
        return read_label_table(path, field, path_field, folders)
    return open_label_shapes(path, field)


def _assigned(
    model: ClusteringModel,
    where: str,
    labels: LabelTable | LabelShapes,
    scenes: Sequence[str | Path],
    seed: int,
    phases: Phases,
) -> _Assigned:
    """Return the clusters of labelled images or shapes."""
    if isinstance(labels, LabelTable):
        found = assign_images(model, where, labels, seed, phases)
        digests = tuple(sorted(found.digests)) if len(found.digests) <= MAX_DIGESTS else ()
        return _Assigned(found.votes(), "images", digests, found.notes)
    placed = assign_shapes(model, where, labels, scenes, seed, phases)
    return _Assigned(placed.votes(), "points and polygons", (), placed.notes)


def _check_options(path: Path, path_field: str | None, images: Sequence[str | Path], scenes: Sequence[object]) -> None:
    """Raise LatentclustError for a missing file, or options that do not suit its kind."""
    if not path.is_file():
        raise LatentclustError.at(str(path), "is not a file", "Give a table of images, or a vector file of shapes")
    if path.suffix.lower() in TABLES:
        check_folders(images)
        unused = [Issue("--scenes", f"has no effect on {path.name}, a table of images", "Remove it")] if scenes else []
    else:
        what, given = f"has no effect on {path.name}, which is no table of images", (images, path_field)
        pairs = zip(("--images", "--path-field"), given, strict=True)
        unused = [Issue(option, what, f"Remove it; tables end in {', '.join(TABLES)}") for option, one in pairs if one]
        if not scenes:
            what = f"is missing: the shapes of {path.name} lie in scenes"
            unused.append(Issue("--scenes", what, "Name the rasters, such as --scenes 'scenes/*.tif'"))
    raise_all(unused)


def _named(model: ClusteringModel, file: Path, labels: Path, found: _Assigned, rule: Rule) -> LabelNaming:
    """Return the naming that the votes give, not written."""
    votes = found.votes
    table = votes.table()
    chosen = classes_one_to_one(table) if rule == "one-to-one" else classes_by_majority(table)
    most = np.where(table.any(axis=1), table.argmax(axis=1), -1).astype(np.int64)
    with decode_errors(labels):
        digest = hashlib.sha256(labels.read_bytes()).hexdigest()
    after = _names_after(model.names, names_of_classes(chosen, votes.names), votes.names, rule)
    return LabelNaming(
        model=file,
        file=labels,
        sha256=digest,
        unit=found.unit,
        rule=rule,
        labels=len(votes.classes),
        classes=votes.names,
        table=table,
        chosen=chosen,
        purity=agreement_shares(votes, most),
        agreement=agreement_shares(votes, votes.classes_of_names(after)),
        before=dict(model.names),
        after=after,
        written=False,
        notes=found.notes,
    )


def _names_after(
    before: Mapping[int, str], given: Mapping[int, str], classes: Sequence[str], rule: Rule
) -> dict[int, str]:
    """Return the names of clusters that had some before. One to one, no other cluster keeps a class of the labels."""
    dropped = classes if rule == "one-to-one" and given else ()
    kept = {cluster: name for cluster, name in before.items() if name not in dropped}
    return dict(sorted({**kept, **given}.items()))


def _written(naming: LabelNaming, model: ClusteringModel, labels: _Assigned) -> LabelNaming:
    """Write the names and their record into the model file, and return the naming with what was there."""
    written = naming

    def change(found: StoredNames) -> tuple[Mapping[int, str], Mapping[str, str]]:
        nonlocal written
        if found.model != model_identity(model.header):
            raise LatentclustError.at(str(naming.model), NO_MODEL, "Run the command again")
        if found.names != naming.before:
            after = _names_after(found.names, naming.given, naming.classes, naming.rule)
            agreement = agreement_shares(labels.votes, labels.votes.classes_of_names(after))
            written = replace(naming, before=dict(found.names), after=after, agreement=agreement)
        names = written.after
        return names, recolour_classes(found.colours, (), classes_of(found.clusters, names))

    record = NamingRecord(
        file=naming.file.name,
        sha256=naming.sha256,
        unit=naming.unit,
        labels=naming.labels,
        rule=naming.rule,
        date=datetime.now(UTC).date().isoformat(),
        names=naming.given,
        digests=labels.digests,
    )
    change_names(naming.model, model.clusters, change, record=record)
    return replace(written, written=True)
