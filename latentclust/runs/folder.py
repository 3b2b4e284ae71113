"""A run's folder: where it lies, what it holds, and when it may be written over."""

import shutil
from datetime import datetime
from itertools import count
from pathlib import Path

from latentclust.errors import LatentclustError
from latentclust.train.checkpoint import NAME as CHECKPOINT

RECIPE = "recipe.toml"
METRICS = "metrics.jsonl"
MODEL = "model.safetensors"
ASSIGNMENTS = "assignments.csv"
FIGURES = "figures"
CONTENTS = (RECIPE, METRICS, MODEL, ASSIGNMENTS, "results.json", "report.md", CHECKPOINT, "summary.json")


def new_folder(out: Path | None, name: str, seed: int, overwrite: bool) -> Path:
    """Makes the folder of a new run.

    Args:
        out: Where the user wants it; by default `runs/NAME/DATE-TIME-SEED`.
        name: The recipe's.
        seed: The run's.
        overwrite: Whether an earlier run in `out` may be removed; nothing but a run's own files ever is.

    Raises:
        LatentclustError: where the folder holds something already, or cannot be written.
    """
    folder = out or _fresh(Path("runs") / name / f"{datetime.now():%Y%m%d-%H%M%S}-{seed}")
    try:
        if folder.is_dir() and any(folder.iterdir()):
            if not overwrite:
                raise LatentclustError.at(str(folder), "is not empty", "Choose another --out, or pass --overwrite")
            clear(folder)
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        what = f"cannot be written ({error.strerror or error})"
        raise LatentclustError.at(str(folder), what, "Choose another folder with --out") from error
    return folder


def _fresh(folder: Path) -> Path:
    """The folder itself, or where another run began in the same second, the same with a number."""
    numbered = (folder.with_name(f"{folder.name}-{number}") for number in count(2))
    return folder if not folder.exists() else next(other for other in numbered if not other.exists())


def clear(folder: Path) -> None:
    """Removes an earlier run's files, and those of its seeds; anything else stays."""
    for name in CONTENTS:
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / FIGURES, ignore_errors=True)
    for seed in folder.glob("seed-*"):
        if (seed / RECIPE).exists():
            clear(seed)
            if not any(seed.iterdir()):
                seed.rmdir()
