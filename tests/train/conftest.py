"""Trainings of the tiny recipes beside this file, ready to be stepped or run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from latentclust.assemble.experiment import Experiment, assemble
from latentclust.runs.run import prepare_recipe
from latentclust.train.devices import make_fabric
from latentclust.train.events import Listener, Record, Silence
from latentclust.train.loop import Training
from latentclust.train.prepare import prepare

RECIPES = Path(__file__).parent

MakeExperiment = Callable[..., Experiment]
MakeTraining = Callable[..., Training]


@dataclass
class Recorder:
    """Keeps every record, and does something when a round is reached."""

    at: int = 0
    then: Callable[[], None] = lambda: None
    records: list[Record] = field(default_factory=list)

    def begun(self, round_: int, rounds: int) -> None:
        """Nothing."""

    def logged(self, record: Record) -> None:
        """Keeps it."""
        self.records.append(record)
        if record.round == self.at:
            self.then()

    def ended(self) -> None:
        """Nothing."""

    @property
    def losses(self) -> list[tuple[int, dict[str, float]]]:
        """Round and losses of each record."""
        return [(record.round, record.losses) for record in self.records]


@pytest.fixture
def recorder() -> type[Recorder]:
    """The class, as tests make several."""
    return Recorder


@pytest.fixture
def experiment() -> MakeExperiment:
    """Makes the experiment of a recipe beside this file, under `--set` settings."""

    def make(name: str, *settings: str) -> Experiment:
        return assemble(prepare_recipe(RECIPES / f"{name}.toml", settings), ())

    return make


@pytest.fixture
def training(experiment: MakeExperiment, tmp_path: Path) -> MakeTraining:
    """Makes a training on the CPU, in `tmp_path` or a folder of that name in it."""

    def make(name: str, *settings: str, listener: Listener | None = None, folder: str = "") -> Training:
        (tmp_path / folder).mkdir(exist_ok=True)
        return prepare(experiment(name, *settings), make_fabric("cpu", 1), tmp_path / folder, listener or Silence())

    return make
