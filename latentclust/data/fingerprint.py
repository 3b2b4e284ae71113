"""The identity of a training set, by which a resumed training notices that the data have changed."""

import hashlib
import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from latentclust.data.sources import ArraySource
from latentclust.specs.data import ImageSet, ImageSource
from latentclust.specs.scenes import Scene

HASHED_BYTES = 2**28
"""Maximum size of the samples in memory whose values are hashed, evenly spaced."""

HASHED_SAMPLES = 256
"""Maximum number of samples of other sources whose values are hashed, evenly spaced."""


class Fingerprint(BaseModel):
    """The identity of a training set.

    Attributes:
        samples: Number of samples.
        shape: Shape of a sample.
        names: SHA-256 of the names of the files, in order. Empty without files.
        sizes: SHA-256 of the sizes of the files in bytes. Empty without files.
        times: SHA-256 of the times of the files' last changes, in whole seconds. Empty without files, or with contents.
        contents: SHA-256 of the contents of the files. Empty without files, or with times.
        values: SHA-256 of the values of the samples, evenly spaced ones of a large set. Empty with files.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    samples: int
    shape: tuple[int, ...]
    names: str = ""
    sizes: str = ""
    times: str = ""
    contents: str = ""
    values: str = ""

    @classmethod
    def of(cls, data: ImageSet, contents: bool = False, complete: bool = False) -> "Fingerprint":
        """Return the fingerprint of an opened data set.

        Args:
            data: The data set.
            contents: Whether the contents of files are hashed, which reads all of them, in place of their times.
            complete: Whether the values of all samples are hashed if they have no files, in one pass over them,
                and the times of files count to the nanosecond.
        """
        source = data.source
        files = source.files or tuple(file for scene in data.scenes for file in scene.files)
        remote = any(not scene.files for scene in data.scenes)
        if remote or not files or not all(path.exists() for path in files):
            values = _digest(chunk.tobytes() for chunk in _chunks(source, complete))
            return cls(samples=len(source), shape=source.shape, values=values)
        found = [path.stat() for path in files]
        return cls(
            samples=len(source),
            shape=source.shape,
            names=_digest(name.encode() for name in data.paths or _names(files, data.scenes)),
            sizes=_digest(str(status.st_size).encode() for status in found),
            times="" if contents else _digest(_time(status, complete) for status in found),
            contents=_digest(map(_file_digest, files)) if contents else "",
        )

    def change(self, now: "Fingerprint") -> str | None:
        """Return how the data differ `now` from this fingerprint, as a predicate. None if they do not."""
        if self.samples != now.samples:
            return f"had {self.samples:,} samples and have {now.samples:,}"
        if self.shape != now.shape:
            return f"had samples of shape {self.shape} and have {now.shape}"
        changed = {
            "have other files or another order": self.names != now.names,
            "have files of other sizes": self.sizes != now.sizes,
            "have files that were written again": self.times != now.times,
            "have files of other contents": self.contents != now.contents,
            "have other values or another order": self.values != now.values,
        }
        return next((text for text, differs in changed.items() if differs), None)


def _time(status: os.stat_result, complete: bool) -> bytes:
    return str(status.st_mtime_ns if complete else int(status.st_mtime)).encode()


def _names(files: Iterable[Path], scenes: Iterable[Scene]) -> Iterator[str]:
    """Yield the names of files without folders, and those of rasters that are part of a file."""
    yield from (path.name for path in files)
    yield from (scene.output.name for scene in scenes if scene.files and scene.source != str(scene.files[0]))


def _chunks(source: ImageSource, complete: bool) -> Iterator[Any]:
    """Yield the values of the samples that are hashed."""
    count = HASHED_SAMPLES
    if isinstance(source, ArraySource):
        count = HASHED_BYTES // (math.prod(source.shape) * source.dtype.itemsize)
    count = len(source) if complete else count
    indices = np.unique(np.linspace(0, len(source) - 1, min(len(source), max(count, 1))).astype(np.int64))
    for start in range(0, len(indices), HASHED_SAMPLES):
        yield np.ascontiguousarray(source.read(indices[start : start + HASHED_SAMPLES]))


def _file_digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _digest(parts: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()
