"""NumPy archives, read without unpickling."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from latentclust.api import decode_errors


@contextmanager
def open_npz(path: Path) -> Iterator[Any]:
    """An open archive; raises LatentclustError where it is damaged, holds Python objects or lacks what is read.

    numpy is given an open file, for it leaves one that it opened itself open when the archive is damaged.
    """
    fix = "Copy the file again, or write it by numpy.savez without Python objects"
    with decode_errors(path, fix), path.open("rb") as content, np.load(content, allow_pickle=False) as file:
        yield file
