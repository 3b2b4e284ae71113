"""Which of a file's named arrays hold the samples and the labels."""

from collections.abc import Sequence
from pathlib import Path

from latentclust.api import LatentclustError

_SAMPLES = ("x", "X")
_LABELS = ("y", "Y")


def chosen(names: Sequence[str], x: str | None, y: str | None, path: Path) -> tuple[str, str | None]:
    """The names of samples and labels: those asked for, or the usual ones; no labels where neither is there.

    Raises:
        LatentclustError: A name that was asked for, or any for the samples, is not in the file.
    """
    samples = x if x is not None else next((name for name in _SAMPLES if name in names), None)
    labels = y if y is not None else next((name for name in _LABELS if name in names), None)
    for option, name in (("x", samples or "x"), ("y", labels)):
        if name is not None and name not in names:
            what = f"holds no {name!r} but {', '.join(names) or 'nothing'}"
            raise LatentclustError.at(str(path), what, f"Set data.{option} to one of them")
    assert samples is not None, "its absence was reported"
    return samples, labels
