"""The training of one row with one seed. Rows with the same recipe share a run, and a stopped one is resumed."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latentclust.assemble.resolve import Resolved
from latentclust.data.roots import data_roots
from latentclust.errors import LatentclustError
from latentclust.runs.run import FinishedRun, load_resolved_recipe, resume, run
from latentclust.runs.run_folder import RECIPE
from latentclust.train.checkpoint_header import CHECKPOINT
from latentclust.train.events import Record

SCORES = "scores.json"
"""File of a run folder with what the tables need; written last, so that a folder with it is finished."""

LINES = 4
"""Number of lines that are printed of a training."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished run.

    Attributes:
        folder: Run folder.
        scores: Metrics, baselines, readouts, contingency table, occupancy, seconds, device and protocol.
    """

    folder: Path
    scores: Mapping[str, Any]


class Lines:
    """A listener that prints some lines of a training."""

    def __init__(self, name: str) -> None:
        """Print lines that begin with a name."""
        self._name, self._next = name, 1

    def on_start(self, round_: int, rounds: int) -> None:
        """Print the first line."""
        print(f"  {self._name}: round {round_:,} of {rounds:,}", flush=True)

    def on_record(self, record: Record) -> None:
        """Print a line after each quarter."""
        if record.round * LINES >= self._next * record.rounds:
            self._next = record.round * LINES // record.rounds + 1
            losses = {name: round(value, 4) for name, value in record.losses.items()}
            print(f"  {self._name}: round {record.round:,}, {record.seconds:.0f} s {losses}", flush=True)

    def on_end(self) -> None:
        """Do nothing."""


def lacking(resolved: Resolved) -> str:
    """Return what a recipe needs and this computer does not have, as a phrase; empty if nothing."""
    if resolved.dataset.located(data_roots()) is not None:
        return ""
    return f"the data set {resolved.recipe.data.use} is not at hand ({resolved.dataset.layout})"


def train(source: str | Mapping[str, Any], settings: tuple[str, ...], seed: int, root: Path) -> Trained:
    """Train a recipe with a seed in its folder below `root`, or return what an earlier call has trained there.

    Raises:
        LatentclustError: If the recipe, the data or an option is invalid.
        RunFailedError: If the training diverges or memory runs out.
        InterruptedRunError: If Ctrl-C stops the training. The next call resumes it.
    """
    overrides = (*settings, f"seed={seed}")
    resolved = load_resolved_recipe(source, overrides)
    folder = root / f"{resolved.recipe.name}-{resolved.loaded.variant}" / f"seed-{seed}"
    scores = folder / SCORES
    if scores.is_file():
        return Trained(folder, json.loads(scores.read_text(encoding="utf-8")))
    listener = Lines(f"{resolved.recipe.name} seed {seed}")
    if _stopped(folder, resolved):
        finished = resume(folder, listener=listener)
    else:
        finished = run(source, overrides, out=folder, overwrite=True, listener=listener)
    scores.write_text(json.dumps(_scores(finished)) + "\n", encoding="utf-8")
    return Trained(folder, _scores(finished))


def _stopped(folder: Path, resolved: Resolved) -> bool:
    """Return whether a folder has a checkpoint of this very recipe."""
    recipe = folder / RECIPE
    same = recipe.is_file() and recipe.read_text(encoding="utf-8") == resolved.loaded.text
    return same and (folder / CHECKPOINT).is_file()


def _scores(finished: FinishedRun) -> dict[str, Any]:
    result, facts = finished.result, finished.facts
    if not result.metrics:
        raise LatentclustError.at(str(finished.folder), "has no scores", "Use a data set with labels")
    return {
        "metrics": result.metrics,
        "baselines": result.baselines,
        "readouts": result.readouts,
        "warnings": list(facts.warnings),
        "protocol": result.protocol,
        "occupancy": result.occupancy,
        "table": facts.table.tolist() if facts.table is not None else None,
        "rounds": int(tomllib.loads(facts.recipe_text)["train"]["rounds"]),
        "seconds": round(result.seconds, 1),
        "device": result.device,
    }
