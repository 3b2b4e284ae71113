"""Which of a file's named arrays hold the samples and the labels."""

from collections.abc import Sequence
from pathlib import Path

from latentclust.api import LatentclustError

_SAMPLES = ("x", "X")
_LABELS = ("y", "Y")


def samples_key(names: Sequence[str], asked: str | None, path: Path) -> str:
    """The name asked for, or the usual one; raises LatentclustError where the file has no such array."""
    usual = next((name for name in _SAMPLES if name in names), _SAMPLES[0])
    return _present(names, asked if asked is not None else usual, "x", path)


def labels_key(names: Sequence[str], asked: str | None, path: Path) -> str | None:
    """The name asked for, of which the file must have an array, or else the usual one if it is there."""
    if asked is None:
        return next((name for name in _LABELS if name in names), None)
    return _present(names, asked, "y", path)


def _present(names: Sequence[str], name: str, option: str, path: Path) -> str:
    if name not in names:
        what = f"holds no {name!r} but {', '.join(names) or 'nothing'}"
        raise LatentclustError.at(str(path), what, f"Set data.{option} to one of them")
    return name
