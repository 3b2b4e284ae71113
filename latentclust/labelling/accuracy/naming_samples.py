"""Whether the samples that judge a map have named its clusters before."""

import hashlib
from collections.abc import Collection
from pathlib import Path

from latentclust.data.sources import decode_errors
from latentclust.errors import LatentclustError
from latentclust.labelling.run_log import find_run_log
from latentclust.model.naming_record import listed_numbers
from latentclust.model.stored_names import read_naming


def naming_warnings(labels: Path, reference: Path, names: Collection[str]) -> tuple[str, ...]:
    """Return a sentence for each file of labels that named clusters of a map: the reference itself, or another one.

    The labelling.json above the map names the model, whose file records them. Without one that lists the map there are
    no sentences.

    Args:
        labels: Map.
        reference: File or folder of the samples.
        names: Names of the classes of the map.

    Raises:
        LatentclustError: If the labelling.json or the reference cannot be read.
    """
    found = find_run_log(labels, "Restore it, or move the map out of the folder")
    if found is None or found[2] is None or not found[1].model_path:
        return ()
    model = found[1].model_path
    try:
        naming = read_naming(Path(model))
    except LatentclustError as error:
        return (f"Whether these samples named the clusters is unknown: {model} {error.issues[0].what}.",)
    used = [(record, [each for each in clusters if record.names[each] in names]) for record, clusters in naming]
    used = [(record, clusters) for record, clusters in used if clusters]
    digest = _digest(reference) if used else None
    sentences = []
    for record, clusters in used:
        verb = "The name of cluster" if len(clusters) == 1 else "The names of clusters"
        source = f"{verb} {listed_numbers(clusters)} {'is' if len(clusters) == 1 else 'are'} from"
        sentences.append(f"{source} {_judged(None if digest is None else record.sha256 == digest, record.file)}")
    return tuple(sentences)


def _digest(reference: Path) -> str | None:
    """Return the SHA-256 of a file, or None if it is a folder."""
    if not reference.is_file():
        return None
    with decode_errors(reference), reference.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _judged(same: bool | None, file: str) -> str:
    """Return what a file of labels means for the estimates. `same` is None if the reference is a folder."""
    if same is None:
        return (
            f"{file}. Whether its samples are in the reference is unknown, because the reference is not one file: if "
            "they are, the accuracies are too high."
        )
    if same:
        return (
            "these same samples, so the accuracies are too high: name the clusters by other samples, or judge the map "
            "by samples that were held out."
        )
    return f"{file}: samples of it that are in the reference, too, make the accuracies too high."
