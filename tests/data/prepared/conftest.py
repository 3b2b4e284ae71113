"""A data set of which each raw file, an array of numbers, is a unit: a tile for each number, labelled by its parity."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from latentclust.api import VOID, DataProtocol, LatentclustError, PreparedDatasetSpec, Tiles, Unit
from latentclust.data.prepared.prepare import Step, prepare


class Numbers(PreparedDatasetSpec):
    """Numbers in files; negative ones are void, and a file of none is left out."""

    name: ClassVar[str] = "numbers"
    summary: ClassVar[str] = "tiles of a test"
    licence: ClassVar[str] = "none"
    layout: ClassVar[str] = "*.txt"
    origin: ClassVar[str] = "a test"

    protocol: str = "parity"
    masked: bool = False

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("even", "odd")

    @property
    def masks_by_labels(self) -> bool:
        return self.masked

    def facts(self) -> DataProtocol:
        return DataProtocol(self.protocol, 1, "a tile a number")

    def units(self, origin: Path) -> Sequence[Unit]:
        return [Unit(path.stem, lambda path=path: self._cut(path), (path,)) for path in sorted(origin.glob("*.txt"))]

    def _cut(self, path: Path) -> Tiles:
        words = path.read_text().split()
        if "stop" in words:
            raise KeyboardInterrupt
        if "bad" in words:
            raise LatentclustError.at(str(path), "is damaged", "Mend it")
        if not words:
            return Tiles.none("empty")
        numbers = np.array(words, np.int64)[:, None, None]
        images = np.broadcast_to(np.abs(numbers)[:, None], (len(words), 1, 2, 3)).astype(np.uint8)
        labels = np.broadcast_to(np.where(numbers < 0, VOID, numbers % 2), (len(words), 2, 3)).astype(np.int16)
        if path.stem.startswith("unlabelled"):
            return Tiles(images)
        return Tiles(images, labels, labels != VOID if self.masked else None)


@pytest.fixture
def numbers() -> type[Numbers]:
    return Numbers


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Three files: five numbers, one of them void, none, and two without labels."""
    folder = tmp_path / "raw"
    folder.mkdir()
    for name, words in {"a": "1 2 -3", "b": "", "c": "5 6", "unlabelled": "7 8"}.items():
        (folder / f"{name}.txt").write_text(words)
    return folder


@pytest.fixture
def prepared(raw: Path, tmp_path: Path) -> Callable[..., list[Step]]:
    """Prepares the set and returns the steps told."""

    def run(spec: PreparedDatasetSpec | None = None) -> list[Step]:
        steps: list[Step] = []
        prepare(spec or Numbers(), raw, tmp_path / "tiles", steps.append)
        return steps

    return run
