"""Progress of reading samples, apart from the progress of a training because it imports torch."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress, TaskID

from latentclust.cli.terminal import stderr_console
from latentclust.specs.data import ImageSource


class _ReadSource(ImageSource):
    """A source that advances a progress bar as it is read."""

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
    """Yield the source with a progress bar for its reading, if messages go to a terminal."""
    console = stderr_console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        yield _ReadSource(source, bar, bar.add_task("reading", total=len(source)))
