"""The idx format of MNIST and its successors: a big-endian header, then bytes."""

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentclust.api import LatentclustError, decode_errors

_UNSIGNED_BYTE = 0x08
_WORD = 4


def read_idx(path: Path, rank: int) -> NDArray[np.uint8]:
    """The array of an idx file of unsigned bytes, gzipped or not, with `rank` axes.

    Raises:
        LatentclustError: The file is damaged, of another type or rank, or of another length than its header says.
    """
    with decode_errors(path):
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    start = _WORD * (rank + 1)
    magic = bytes((0, 0, _UNSIGNED_BYTE, rank))
    if data[:_WORD] != magic or len(data) < start:
        what = f"starts with {data[:_WORD].hex() or 'nothing'}, not {magic.hex()}: no idx file of {rank} axes of bytes"
        raise LatentclustError.at(str(path), what, "Fetch or copy the file again")
    shape = tuple(int(extent) for extent in np.frombuffer(data, ">u4", rank, _WORD))
    if len(data) - start != np.prod(shape, dtype=np.int64):
        what = f"holds {len(data) - start} bytes, where its header says {'x'.join(map(str, shape))}"
        raise LatentclustError.at(str(path), what, "Fetch or copy the file again")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def read_part(folder: Path, stem: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images `(n, 1, h, w)` and labels `(n,)` of the part whose files' names begin with `stem`."""
    images = read_idx(_existing(folder, f"{stem}-images", 3), 3)
    return images[:, np.newaxis], read_idx(_existing(folder, f"{stem}-labels", 1), 1)


def _existing(folder: Path, stem: str, rank: int) -> Path:
    names = [f"{stem}{mark}idx{rank}-ubyte{suffix}" for mark in "-." for suffix in ("", ".gz")]
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        raise LatentclustError.at(str(folder), f"{names[1]} is absent", "Fetch or copy the missing file")
    return found
