"""The table of the codes of many images: read out, neighbours, scores and file, each continued after a stop."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float32
from numpy.typing import NDArray

from latentclust.embed.cells import Points
from latentclust.embed.neighbours import Neighbours, find_neighbours
from latentclust.embed.read_out import READ, ReadOut, read_out
from latentclust.embed.scores import NONE, duplicates, outlier_scores
from latentclust.embed.table import Column, check_table, write_table
from latentclust.embed.work_folder import WorkFolder, fingerprint_of, work_folder
from latentclust.errors import InterruptedRunError, LatentclustError
from latentclust.infer.image_inputs import Inputs
from latentclust.model.class_names import name_of
from latentclust.model.codes import check_whole_images, draws_numbers, represent_by
from latentclust.model.model import ClusteringModel
from latentclust.phases import SILENT, Phases

What = Literal["code", "features", "both"]
"""What the table holds of each image."""

By = Literal["auto", "code", "features"]
"""By what neighbours are compared."""

SMALLEST = 1e-12
"""Floor of the length of features, by which they are divided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedOptions:
    """Options of a table of codes.

    Attributes:
        what: Codes, features or both.
        neighbours: Number of nearest neighbours of each image. 0: no neighbours, outliers and duplicates.
        by: What neighbours are compared by. `auto`: codes if they have a style, otherwise features if there are any.
        seed: Random seed of an inference that samples.
    """

    what: What = "code"
    neighbours: int = 0
    by: By = "auto"
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Embedded:
    """The result of `embed_images`.

    Attributes:
        count: Number of rows.
        space: What neighbours were compared by. None without neighbours.
        recall: Share of the exact neighbours that were found, measured on some images. None without neighbours or if
            the search was exact.
        duplicates: Number of images with likely duplicates.
    """

    count: int
    space: str | None = None
    recall: float | None = None
    duplicates: int = 0


def embed_images(
    model: ClusteringModel,
    digest: str,
    inputs: Inputs,
    out: Path,
    options: EmbedOptions,
    *,
    resume: bool = False,
    phases: Phases = SILENT,
) -> Embedded:
    """Write a table with one row per image.

    Of image files and .npy files, memory does not grow with the number of images, except for their paths and a few
    numbers per image. Other array files are in memory as a whole.

    Args:
        model: A model of whole images.
        digest: Digest of the model without its names, as `content_digest` returns it.
        inputs: The images.
        out: A .parquet or .csv file, which appears when it is complete.
        options: What the table holds.
        resume: Whether a table that a stop left unfinished is continued.
        phases: Tells the progress.

    Raises:
        LatentclustError: If the model has no codes or features, the file cannot be written, an image cannot be read, or
            an unfinished table is there and is not continued or is of something else.
        InterruptedRunError: If the user stops it.
    """
    check_table(out)
    check_whole_images(model)
    space = compared_by(model, options) if options.neighbours else None
    features = options.what != "code" or space == "features"
    if features:
        represent_by(model)
    count = len(inputs.source)
    if options.neighbours >= count:
        what = f"{options.neighbours} neighbours exceed the {count - 1} other images"
        raise LatentclustError.at("--neighbours", what, f"Use at most {count - 1}")
    # Random numbers of one kind of device do not continue on another.
    drawn_on = model.device.type if draws_numbers(model) else None
    facts = asdict(options) | {"shape": list(inputs.source.shape), "drawn_on": drawn_on}
    fingerprint = fingerprint_of(digest, inputs, facts)
    with work_folder(out, fingerprint, resume) as folder, _resumable(folder, count):
        read = read_out(model, inputs.source, folder, options.seed, features, phases)
        columns = _columns(model, inputs, read, options.what)
        result = Embedded(count)
        if space is not None:
            found = find_neighbours(_points(read, space), options.neighbours, folder, phases)
            result, more = _scored(inputs, read, found, space, phases)
            columns |= more
        progress = phases.begin(f"writing {out.name}", count, "images")
        write_table(out, columns, count, _facts(model, result), progress.add)
    return result


def compared_by(model: ClusteringModel, options: EmbedOptions) -> str:
    """Return what neighbours are compared by: `code` or `features`."""
    if options.by != "auto":
        return options.by
    if model.resolved.prior.style_dim:
        return "code"
    try:
        represent_by(model)
    except LatentclustError:
        return "code"
    return "features"


@contextmanager
def _resumable(folder: WorkFolder, count: int) -> Iterator[None]:
    """Say after a stop how far the work was, and how it continues."""
    try:
        yield
    except KeyboardInterrupt as stop:
        done = int(folder.progress.get(READ, 0))
        what = f"stopped; {done:,} of {count:,} images are read out"
        raise InterruptedRunError.at(str(folder.path), what, "Repeat the command with --resume to continue") from stop


def _points(read: ReadOut, space: str) -> Points:
    if space == "code":
        return Points(read.code, _same)
    assert read.features is not None, "features are computed if neighbours are compared by them"
    return Points(read.features, _unit)


def _same(rows: NDArray[np.float32]) -> Float32[np.ndarray, "n d"]:
    return rows


def _unit(rows: NDArray[np.float32]) -> Float32[np.ndarray, "n d"]:
    """Return features of unit length, whose distances are those of their directions."""
    length = np.sqrt(np.einsum("nd,nd->n", rows, rows))[:, None]
    unit: NDArray[np.float32] = rows / np.maximum(length, SMALLEST)
    return unit


def _columns(model: ClusteringModel, inputs: Inputs, read: ReadOut, what: What) -> dict[str, Column]:
    def cluster(start: int, stop: int) -> NDArray[np.int64]:
        numbers: NDArray[np.int64] = read.cluster.part(start, stop)[:, 0] + 1
        return numbers

    columns = {
        "path": Column(lambda start, stop: [_text(path) for path in inputs.paths[start:stop]]),
        "index": Column(lambda start, stop: inputs.rows[start:stop]),
        "cluster": Column(cluster),
        "confidence": Column(lambda start, stop: read.confidence.part(start, stop)[:, 0]),
    }
    if model.names:
        columns["name"] = Column(
            lambda start, stop: [name_of(int(number), model.names) for number in cluster(start, stop)]
        )
    if what != "features":
        columns["code"] = Column(read.code.part, "code", read.code.width)
    if what != "code" and read.features is not None:
        columns["features"] = Column(read.features.part, "feature", read.features.width)
    return columns


def _text(path: str) -> str:
    """Return a path as valid Unicode: bytes that are not UTF-8 are escaped."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _scored(
    inputs: Inputs, read: ReadOut, found: Neighbours, space: str, phases: Phases
) -> tuple[Embedded, dict[str, Column]]:
    count = len(inputs.source)
    cluster = read.cluster.part(0, count)[:, 0]
    first = duplicates(inputs.source, found, cluster, phases)
    outliers = outlier_scores(found.distance.column(-1), cluster)
    columns = {
        "neighbours": Column(found.index.part, "neighbour", found.index.width),
        "distances": Column(found.distance.part, "distance", found.distance.width),
        "outlier_score": Column(lambda start, stop: outliers[start:stop]),
        "duplicate_of": Column(lambda start, stop: np.ma.masked_equal(first[start:stop], NONE)),
    }
    return Embedded(count, space, found.recall, int((first != NONE).sum())), columns


def _facts(model: ClusteringModel, result: Embedded) -> dict[str, str]:
    loaded = model.resolved.loaded
    facts: dict[str, Any] = {"recipe": loaded.recipe.name, "recipe_sha256": loaded.digest}
    if result.space is not None:
        facts |= {"neighbours_by": result.space, "recall": "exact" if result.recall is None else result.recall}
    return {key: str(value) for key, value in facts.items()}
