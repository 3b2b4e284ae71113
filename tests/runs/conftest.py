"""One finished run, and the recipes of tests/train, at a size that takes seconds."""

from collections.abc import Callable
from pathlib import Path

import pytest

import latentclust
from latentclust.runs.run import FinishedRun

RECIPES = Path(__file__).parents[1] / "train"


@pytest.fixture(scope="session")
def recipe() -> Callable[[str], Path]:
    """The file of a tiny recipe."""
    return lambda name: RECIPES / f"{name}.toml"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """DCCS on the digits, with a baseline and a learning curve; do not change its folder."""
    settings = ["evaluate.baselines=['kmeans']", "evaluate.every=4", "train.select_by='losses.critic'"]
    folder = tmp_path_factory.mktemp("finished") / "run"
    return latentclust.run(RECIPES / "dccs.toml", [*settings, "train.select_every=2"], out=folder, device="cpu")
