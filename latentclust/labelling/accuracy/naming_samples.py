"""Whether the samples that judge a map have named its clusters before."""

import hashlib
from collections.abc import Collection
from pathlib import Path

from latentclust.data.scenes.folders import RUN_LOG
from latentclust.data.sources import decode_errors
from latentclust.errors import LatentclustError
from latentclust.labelling.run_log import read_run_log_file
from latentclust.model.naming_record import listed_numbers
from latentclust.model.stored_names import read_naming


def naming_warnings(labels: Path, reference: Path, names: Collection[str]) -> tuple[str, ...]:
    """Return a sentence for each file of labels that named clusters of a map: the reference itself, or another one.

    The labelling.json above the map names the model, whose file records them. Without one there are no sentences.

    Args:
        labels: Map.
        reference: File of the samples.
        names: Names of the classes of the map.

    Raises:
        LatentclustError: If the labelling.json or the reference cannot be read.
    """
    folder = next((each for each in labels.resolve().parents if (each / RUN_LOG).is_file()), None)
    if folder is None:
        return ()
    model = read_run_log_file(folder, "Restore it, or move the map out of the folder").model_path
    if not model:
        return ()
    try:
        naming = read_naming(Path(model))
    except LatentclustError as error:
        return (f"Whether these samples named the clusters is unknown: {model} {error.issues[0].what}.",)
    with decode_errors(reference), reference.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    sentences = []
    for record, clusters in naming:
        used = [cluster for cluster in clusters if record.names[cluster] in names]
        if used:
            verb = "The name of cluster" if len(used) == 1 else "The names of clusters"
            source = f"{verb} {listed_numbers(used)} {'is' if len(used) == 1 else 'are'} from"
            sentences.append(f"{source} {_judged(record.sha256 == digest, record.file)}")
    return tuple(sentences)


def _judged(same: bool, file: str) -> str:
    """Return what a file of labels means for the estimates."""
    if same:
        return (
            "these same samples, so the accuracies are too high: name the clusters by other samples, or judge the map "
            "by samples that were held out."
        )
    return f"{file}: samples of it that are in the reference, too, make the accuracies too high."
