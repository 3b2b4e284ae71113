"""Trainings of the tiny recipes beside this file, ready to be stepped or run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from latentclust.assemble.experiment import Experiment, assemble
from latentclust.runs.run import load_resolved_recipe
from latentclust.train.callbacks import Callbacks
from latentclust.train.events import Listener, NullListener, Record
from latentclust.train.fabric import make_fabric
from latentclust.train.loop import Training
from latentclust.train.setup import prepare_training

RECIPES = Path(__file__).parent

MakeExperiment = Callable[..., Experiment]
MakeTraining = Callable[..., Training]


@dataclass
class Recorder:
    """Keeps every record, and does something when a round is reached."""

    at: int = 0
    then: Callable[[], None] = lambda: None
    records: list[Record] = field(default_factory=list)

    def on_start(self, round_: int, rounds: int) -> None:
        """Nothing."""

    def on_record(self, record: Record) -> None:
        """Keeps it."""
        self.records.append(record)
        if record.round == self.at:
            self.then()

    def on_end(self) -> None:
        """Nothing."""

    @property
    def losses(self) -> list[tuple[int, dict[str, float]]]:
        """Round and losses of each record."""
        return [(record.round, record.losses) for record in self.records]


@pytest.fixture
def recorder() -> type[Recorder]:
    """The class, as tests make several."""
    return Recorder


@pytest.fixture(scope="session")
def lay_maps() -> Callable[[Path], None]:
    """Lays what the recipes of label maps read into a folder: 32 images, 16x16 pixels in noisy blocks of 3 colours."""

    def lay(folder: Path) -> None:
        rng = np.random.default_rng(0)
        colours = np.array([[40, 40, 60], [200, 60, 50], [90, 180, 220]])
        blocks = rng.integers(0, 3, (32, 4, 4)).repeat(4, axis=1).repeat(4, axis=2)
        noisy = colours[blocks] + rng.normal(0, 12, (32, 16, 16, 3))
        np.save(folder / "maps.npy", noisy.clip(0, 255).astype(np.uint8))

    return lay


@pytest.fixture
def _maps(lay_maps: Callable[[Path], None], tmp_path_factory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the working folder one that holds them."""
    folder = tmp_path_factory.mktemp("maps")
    lay_maps(folder)
    monkeypatch.chdir(folder)


@pytest.fixture
def experiment(_maps: None) -> MakeExperiment:
    """Makes the experiment of a recipe beside this file, under `--set` settings."""

    def make(name: str, *settings: str) -> Experiment:
        return assemble(load_resolved_recipe(RECIPES / f"{name}.toml", settings), ())

    return make


@pytest.fixture
def training(experiment: MakeExperiment, tmp_path: Path) -> MakeTraining:
    """Makes a training on the CPU, in `tmp_path` or a folder of that name in it."""

    def make(name: str, *settings: str, listener: Listener | None = None, folder: str = "") -> Training:
        (tmp_path / folder).mkdir(exist_ok=True)
        callbacks = Callbacks(listener or NullListener())
        return prepare_training(experiment(name, *settings), make_fabric("cpu", 1), tmp_path / folder, callbacks)

    return make
