"""The files of strips: written row by row, kept when complete, and read back as the rows of a scene."""

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from io import BufferedWriter
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentclust.labelling.outputs.cog import write_errors
from latentclust.labelling.windows.stitch import PixelRows, StripShape, decide_labels, label_type

FACTS = "strip.json"

ROWS = 256
"""Number of pixel rows that are read back at once."""

SEAM = 4096
"""Number of pixel columns of a seam that are summed at once."""


@dataclass(frozen=True, slots=True)
class StripFacts:
    """Counts of a labelled strip.

    Attributes:
        windows: Number of windows that the model read.
        pixels: Number of pixels that the model read. Overlaps count as often as they are read.
    """

    windows: int
    pixels: int


@final
class StripWriter:
    """Writes a strip row by row into a folder, which gets its final name when the strip is complete.

    Nodata rows take no disk space if the file system supports sparse files.
    """

    def __init__(self, folder: Path, shape: StripShape, clusters: int, names: Sequence[str]) -> None:
        """Make a folder of a temporary name next to `folder`. `names` lists the rasters that are kept."""
        self.folder, self.shape, self.clusters, self.names = folder, shape, clusters, names
        self._partial = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}.partial")
        shutil.rmtree(self._partial, ignore_errors=True)
        with write_errors(folder):
            self._partial.mkdir(parents=True)
        self._files: dict[str, BufferedWriter] = {}

    def sums(self, name: Literal["head", "tail"], sums: Tensor | None) -> None:
        """Write sums. None means that all pixels are nodata."""
        if sums is not None:
            self._append(name, sums.cpu().numpy())

    def rows(self, count: int, decided: PixelRows | None) -> None:
        """Write finished pixel rows."""
        for name in self.names:
            if decided is not None:
                self._append(name, getattr(decided, name))
            else:
                self._skip(name, count)

    def close(self, facts: StripFacts) -> None:
        """Complete the strip: write its counts and rename its folder."""
        with write_errors(self.folder):
            for file in self._files.values():
                with file:
                    file.truncate(file.tell())
                    os.fsync(file.fileno())
            sizes = {path.name: path.stat().st_size for path in self._partial.iterdir()}
            content = {"facts": asdict(facts), "files": sizes}
            (self._partial / FACTS).write_text(json.dumps(content), encoding="utf-8")
            if read_strip_facts(self.folder):  # Another process labelled the strip too, and was faster.
                shutil.rmtree(self._partial)
                return
            shutil.rmtree(self.folder, ignore_errors=True)
            self._partial.rename(self.folder)

    def discard(self) -> None:
        """Remove the files."""
        for file in self._files.values():
            with suppress(OSError):  # The disk is full; the first error is the one to report.
                file.close()
        shutil.rmtree(self._partial, ignore_errors=True)

    def _append(self, name: str, array: NDArray[Any]) -> None:
        with write_errors(self.folder):
            self._file(name).write(np.ascontiguousarray(array).data)

    def _skip(self, name: str, count: int) -> None:
        with write_errors(self.folder):
            kind, size = strip_layout(name, self.clusters, self.shape.width)
            self._file(name).seek(count * size * kind.itemsize, os.SEEK_CUR)

    def _file(self, name: str) -> BufferedWriter:
        if name not in self._files:
            self._files[name] = (self._partial / name).open("wb")
        return self._files[name]


def strip_layout(name: str, clusters: int, width: int) -> tuple[np.dtype[Any], int]:
    """Return the data type of a raster's file, and the number of values in a pixel row."""
    if name == "labels":
        return label_type(clusters), width
    return np.dtype(np.uint8), width * clusters if name == "probabilities" else width


def read_strip_facts(folder: Path) -> StripFacts | None:
    """Return the counts of a strip, or None if one of its files is missing or truncated."""
    try:
        content = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        sizes = {name: (folder / name).stat().st_size for name in content["files"]}
        return StripFacts(**content["facts"]) if sizes == content["files"] else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


@dataclass(frozen=True, slots=True)
class StripReader:
    """The files of a complete strip.

    Attributes:
        folder: Folder of the files.
        shape: Rows and columns of the strip.
        clusters: Number of clusters, K.
    """

    folder: Path
    shape: StripShape
    clusters: int

    @property
    def top(self) -> int:
        """First finished pixel row of the strip."""
        return self.shape.rows[0].first + self.shape.head

    def sums(self, name: Literal["head", "tail"]) -> NDArray[np.float32] | None:
        """Return the sums `(k + 1, n, width)` of rows that another strip shares; None if all are nodata."""
        rows = getattr(self.shape, name)
        path = self.folder / name
        return _mapped(path, np.dtype(np.float32), (self.clusters + 1, rows, self.shape.width))

    def blocks(self, names: Sequence[str]) -> Iterator[dict[str, NDArray[Any]]]:
        """Yield blocks of finished pixel rows, top to bottom: `(n, width)`, probabilities `(n, k, width)`."""
        count = self.shape.rows[-1].last - self.shape.tail - self.top
        arrays = {}
        for name in names:
            kind, size = strip_layout(name, self.clusters, self.shape.width)
            values = _mapped(self.folder / name, kind, (count, size))
            assert values is not None or count == 0, f"{self.folder / name} is missing"
            planes = (self.clusters,) if name == "probabilities" else ()
            arrays[name] = values.reshape(count, *planes, self.shape.width) if values is not None else np.empty(0)
        step = max(1, ROWS // self.clusters) if "probabilities" in names else ROWS
        for start in range(0, count, step):
            yield {name: np.asarray(values[start : start + step]) for name, values in arrays.items()}


def _mapped(path: Path, kind: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any] | None:
    return np.memmap(path, kind, "r", shape=shape) if 0 not in shape and path.exists() else None


def read_scene_rows(
    strips: Sequence[StripReader], names: Sequence[str]
) -> Iterator[tuple[int, dict[str, NDArray[Any]]]]:
    """Yield the pixel rows of a scene from top to bottom: number of the first row, and the rows of each raster."""
    for above, strip in zip([None, *strips[:-1]], strips, strict=True):
        if above is not None and strip.shape.head:
            yield strip.shape.rows[0].first, _seam(above, strip, names)
        top = strip.top
        for block in strip.blocks(names):
            yield top, block
            top += len(block[names[0]])


def _seam(above: StripReader, below: StripReader, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return the pixel rows that two strips share."""
    width, rows, clusters = below.shape.width, below.shape.head, below.clusters
    parts = [sums for sums in (above.sums("tail"), below.sums("head")) if sums is not None]
    found: dict[str, NDArray[Any]] = {}
    for name in names:
        kind, _ = strip_layout(name, clusters, width)
        planes = (clusters,) if name == "probabilities" else ()
        found[name] = np.zeros((rows, *planes, width), kind)
    for left in range(0, width if parts else 0, SEAM):
        columns = slice(left, left + SEAM)
        sums = torch.from_numpy(np.sum([part[..., columns] for part in parts], axis=0))
        decided = decide_labels(sums, "probabilities" in names)
        for name in names:
            found[name][..., columns] = getattr(decided, name)
    return found
