"""Checks of data sets without data files: of their descriptions, and of samples if no files are needed."""

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from latentclust.errors import LatentclustError
from latentclust.specs.data import ImageSet, SealedLabels, SealedMaps
from latentclust.specs.parts import DatasetSpec
from latentclust.testing.randomness import bitwise_equal
from latentclust.testing.subject import CheckedPart, CheckFailed, NotApplicable, require

NO_FILE = "nothing: "
"""Beginning of the layout of a data set that needs no files of the user."""

FEW = 5
"""Number of samples that are read."""


def describes_its_data(subject: CheckedPart) -> None:
    """It has a one-line summary, a licence and a description of the files that it reads."""
    for name in ("summary", "licence", "layout"):
        require(getattr(subject.spec, name, ""), f"it has no {name}")
    require("\n" not in subject.spec.summary, "its summary has more than one line")  # type: ignore[attr-defined]


def says_how_to_get_the_data(subject: CheckedPart) -> None:
    """Without files it is not located, and `open` raises an error that says how to get them."""
    with _nowhere(subject) as (spec, roots):
        if spec.located(roots) is not None:
            require(spec.layout.startswith(NO_FILE), f"it needs no files, so its layout must begin with {NO_FILE!r}")
            return
        try:
            spec.open(roots)
        except LatentclustError as error:
            told = str(error)
            require(error.issues[0].where.startswith("data."), f"its error does not name a key of [data]: {told}")
            helpful = spec.layout in told or error.issues[0].where == "data.path"
            require(helpful, f"its error does not name the files to get ({spec.layout}): {told}")
            fetch = "data fetch" not in told or f"`latentclust data fetch {subject.part.name}`" in told
            require(fetch, f"its error does not mention `latentclust data fetch {subject.part.name}`")
            return
        raise CheckFailed("`located` returns None, but `open` succeeds")


def holds_samples(subject: CheckedPart) -> None:
    """Samples are uint8 images or float32 vectors in [0, 1], readable in any order, with one label each or none."""
    with _opened(subject) as found:
        source, few = found.source, np.arange(min(FEW, len(found.source)))[::-1].copy()
        read = source.read(few)
        fits = read.shape == (len(few), *source.shape) and read.dtype == source.dtype
        require(
            fits, f"it returns {read.dtype} of shape {read.shape}, but declares {source.dtype} of shape {source.shape}"
        )
        kind = (len(source.shape), source.dtype) in ((3, np.dtype(np.uint8)), (1, np.dtype(np.float32)))
        require(kind, f"its samples, {source.dtype} of {source.shape}, are neither uint8 images nor float32 vectors")
        vectors = source.dtype == np.float32
        require(not vectors or (read.min() >= 0 and read.max() <= 1), "its vectors leave [0, 1]")
        require(
            np.array_equal(source.read(few[:1]), read[:1]),
            "a sample read alone differs from the same sample read with others",
        )
        _check_labels(found)


def _check_labels(found: ImageSet) -> None:
    if found.labels is None:
        return
    require(isinstance(found.labels, (SealedLabels, SealedMaps)), "its labels are not sealed: make it by image_set")
    samples, labels = len(found.source), len(found.labels)
    require(samples == labels, f"it has {labels} labels for {samples} samples: build it with image_set")


def opens_the_same_twice(subject: CheckedPart) -> None:
    """Opened twice, it contains the same samples."""
    with _opened(subject) as first, _opened(subject) as again:
        every = np.arange(min(FEW, len(first.source)))
        equal = len(first.source) == len(again.source) and bitwise_equal(
            first.source.read(every), again.source.read(every)
        )
        require(equal, "opened twice it contains different samples")


def is_read_by_workers(subject: CheckedPart) -> None:
    """Pickled as for a worker process, its source returns the same samples."""
    with _opened(subject) as found:
        try:
            sent = pickle.loads(pickle.dumps(found.source))
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise CheckFailed(f"its samples cannot be sent to a worker process: {error}") from error
        every = np.arange(min(FEW, len(found.source)))
        require(bitwise_equal(sent.read(every), found.source.read(every)), "a worker process reads different samples")


@contextmanager
def _nowhere(subject: CheckedPart) -> Iterator[tuple[DatasetSpec, tuple[Path, ...]]]:
    """Yield the data set and an empty data root."""
    with TemporaryDirectory() as folder:
        yield subject.build(), (Path(folder),)


@contextmanager
def _opened(subject: CheckedPart) -> Iterator[ImageSet]:
    """Yield the opened data set. Raise NotApplicable if it needs files."""
    with _nowhere(subject) as (spec, roots):
        if spec.located(roots) is None:
            raise NotApplicable("it needs files of the user")
        yield spec.open(roots)
