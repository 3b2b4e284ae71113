"""A bar over the samples that are read."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress, TaskID

from latentclust.cli.terminal import stderr_console
from latentclust.specs.data import ImageSource


class _Watched(ImageSource):
    """A source that moves a bar as it is read."""

    def __init__(self, source: ImageSource, bar: Progress, task: TaskID) -> None:
        self.shape, self.dtype = source.shape, source.dtype
        self._source, self._bar, self._task = source, bar, task

    def __len__(self) -> int:
        return len(self._source)

    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        samples = self._source.read(indices)
        self._bar.advance(self._task, len(indices))
        return samples


@contextmanager
def read_progress(source: ImageSource) -> Iterator[ImageSource]:
    """The source, its reading shown by a bar where messages go to a terminal."""
    console = stderr_console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        yield _Watched(source, bar, bar.add_task("reading", total=len(source)))
