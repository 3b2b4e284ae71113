"""Run folders: their path, their files and when they may be overwritten."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from latentclust.errors import LatentclustError
from latentclust.files import lock_file, remove_stale
from latentclust.plugins.given import COPIES, COPIES_LIST
from latentclust.report.assignments import ASSIGNMENTS
from latentclust.report.training_log import LOG
from latentclust.train.checkpoint_header import CHECKPOINT
from latentclust.train.starts_file import STARTS, STARTS_FOLDER

RECIPE = "recipe.toml"
METRICS = LOG
MODEL = "model.safetensors"
FIGURES = "figures"
LABEL_MAP = "label-map.png"
SAMPLES, CONTINGENCY, CODES, LOSSES, CHAINS, LENGTHS, MAPS, SCENE = DRAWN_FIGURES = tuple(
    f"{FIGURES}/{name}.png"
    for name in ("samples", "contingency", "codes", "losses", "chains", "lengths", "label-maps", "scene")
)
WRITTEN = (
    RECIPE,
    MODEL,
    ASSIGNMENTS,
    LABEL_MAP,
    "results.json",
    "report.md",
    "report.html",
    CHECKPOINT,
    STARTS,
    *DRAWN_FIGURES,
)

SEEDS = "seeds.json"
"""File of a folder of several seeds, which names them."""

MAX_RUNS_PER_SECOND = 100
"""Maximum number of runs that may start in the same second."""

LOCK = ".run.lock"
"""File that a running process locks, and removes at the end."""

RUN_MARKERS = (METRICS, SEEDS, "summary.json")
"""Files that mark a folder as a run folder. A file with another name in `WRITTEN` may belong to the user."""


def new_folder(out: Path | None, name: str, seed: int, overwrite: bool, *, trial: bool = False) -> Path:
    """Create the folder of a new run.

    Args:
        out: Requested folder. Defaults to `runs/NAME/DATE-TIME-SEED`, with `-trial` at the end for a trial.
        name: Name of the recipe.
        seed: Seed of the run.
        overwrite: Whether an earlier run in `out` may be removed. Only the files of a run are removed.
        trial: Whether the run is a trial with a tenth of the rounds.

    Raises:
        LatentclustError: If the folder is not empty or cannot be written.
    """
    try:
        folder = out or _fresh(Path("runs") / name / f"{datetime.now():%Y%m%d-%H%M%S}-{seed}{'-trial' * trial}")
        if folder.is_dir() and any(path.name != LOCK for path in folder.iterdir()):
            if not overwrite:
                raise LatentclustError.at(str(folder), "is not empty", "Choose another --out, or pass --overwrite")
            with lock_run(folder):
                _clear(folder)
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        what = f"cannot be written ({error.strerror or error})"
        raise LatentclustError.at(str(out or "runs"), what, "Choose another folder with --out") from error
    return folder


@contextmanager
def lock_run(folder: Path) -> Iterator[None]:
    """Lock a run folder against a second run, and remove what killed runs left half-written.

    Raises:
        LatentclustError: If another process is writing the run, or the folder cannot be written.
    """
    with lock_file(folder / LOCK, "another process is writing this run", "Wait for it, or choose another --out"):
        for part in (folder, folder / STARTS_FOLDER, folder / FIGURES):
            remove_stale(part)
        yield


def _fresh(folder: Path) -> Path:
    """Create the folder, with a number appended if another run started in the same second."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    for name in (folder.name, *(f"{folder.name}-{number}" for number in range(2, MAX_RUNS_PER_SECOND + 1))):
        try:
            (folder.parent / name).mkdir()
        except FileExistsError:
            continue
        return folder.parent / name
    raise LatentclustError.at(
        str(folder), f"{MAX_RUNS_PER_SECOND} runs started in this second", "Choose a folder with --out"
    )


def _clear(folder: Path) -> None:
    """Remove the files of an earlier run and of its seeds. All other files stay."""
    for seed in filter(_is_run, folder.glob("seed-*")):
        _clear(seed)
        _remove_empty(seed)
    existing = [name for name in WRITTEN if (folder / name).exists()]
    if existing and not _is_run(folder):
        what = "would be overwritten, but the folder is not a run folder"
        raise LatentclustError.at(str(folder / existing[0]), what, "Choose another --out")
    # Remove the marker files last, so that an interrupted removal can be resumed.
    for name in (*WRITTEN, *RUN_MARKERS):
        (folder / name).unlink(missing_ok=True)
    for checkpoint in (folder / STARTS_FOLDER).glob("start-*.safetensors"):
        checkpoint.unlink()
    for copy in (folder / COPIES).glob("*.py"):
        copy.unlink()
    (folder / COPIES / COPIES_LIST).unlink(missing_ok=True)
    for part in (STARTS_FOLDER, FIGURES, COPIES):
        _remove_empty(folder / part)


def _is_run(folder: Path) -> bool:
    return any((folder / name).is_file() for name in RUN_MARKERS)


def _remove_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
