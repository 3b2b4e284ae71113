"""A run's folder: where it lies, what it holds, and when it may be written over."""

from datetime import datetime
from pathlib import Path

from latentclust.errors import LatentclustError
from latentclust.train.checkpoint import NAME as CHECKPOINT

RECIPE = "recipe.toml"
METRICS = "metrics.jsonl"
MODEL = "model.safetensors"
ASSIGNMENTS = "assignments.csv"
FIGURES = "figures"
LABEL_MAP = "label-map.png"
SAMPLES, CONTINGENCY, CODES, LOSSES, CHAINS, LENGTHS, MAPS, SCENE = DRAWN_FIGURES = tuple(
    f"{FIGURES}/{name}.png"
    for name in ("samples", "contingency", "codes", "losses", "chains", "lengths", "label-maps", "scene")
)
WRITTEN = (RECIPE, MODEL, ASSIGNMENTS, LABEL_MAP, "results.json", "report.md", CHECKPOINT, *DRAWN_FIGURES)

MAX_RUNS_PER_SECOND = 100
"""Runs that may begin in the same second before something must be amiss."""

RUN_MARKERS = (METRICS, "summary.json")
"""What tells a run's folder from any other, for a file of the same name as one of a run's may be the user's own."""


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
    try:
        folder = out or _fresh(Path("runs") / name / f"{datetime.now():%Y%m%d-%H%M%S}-{seed}")
        if folder.is_dir() and any(folder.iterdir()):
            if not overwrite:
                raise LatentclustError.at(str(folder), "is not empty", "Choose another --out, or pass --overwrite")
            _clear(folder)
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        what = f"cannot be written ({error.strerror or error})"
        raise LatentclustError.at(str(out or "runs"), what, "Choose another folder with --out") from error
    return folder


def _fresh(folder: Path) -> Path:
    """Makes the folder, or where another run began in the same second, the same with a number."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    for name in (folder.name, *(f"{folder.name}-{number}" for number in range(2, MAX_RUNS_PER_SECOND + 1))):
        try:
            (folder.parent / name).mkdir()
        except FileExistsError:
            continue
        return folder.parent / name
    raise LatentclustError.at(
        str(folder), f"{MAX_RUNS_PER_SECOND} runs began in this second", "Choose a folder with --out"
    )


def _clear(folder: Path) -> None:
    """Removes an earlier run's files, and those of its seeds; anything else stays."""
    for seed in filter(_is_run, folder.glob("seed-*")):
        _clear(seed)
        _remove_empty(seed)
    there = [name for name in WRITTEN if (folder / name).exists()]
    if there and not _is_run(folder):
        what = "would be written over, and the folder holds no run"
        raise LatentclustError.at(str(folder / there[0]), what, "Choose another --out")
    # The marks go last: a removal that is cut short can be taken up again.
    for name in (*WRITTEN, *RUN_MARKERS):
        (folder / name).unlink(missing_ok=True)
    _remove_empty(folder / FIGURES)


def _is_run(folder: Path) -> bool:
    return any((folder / name).is_file() for name in RUN_MARKERS)


def _remove_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
