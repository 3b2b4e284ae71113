"""The command line in this process, and small trained models to use it on."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from latentclust.cli.main import main
from latentclust.runs.run import run

RECIPE = """
schema = 1
name = "small"

[data]
use = "array"
path = "{path}"

[prior]
use = "one-hot-gaussian"
clusters = 3
style_dim = 2

[networks]
encoder = {{ use = "mlp", hidden = [16] }}
generator = {{ use = "mlp", hidden = [16] }}
critic = {{ use = "mlp", hidden = [16] }}

[players.critic]
networks = ["critic"]

[players.generator]
networks = ["generator", "encoder"]

[losses.critic]
use = "wasserstein-critic"
player = "critic"

[losses.adversarial]
use = "adversarial"
player = "generator"

[losses.category-recovery]
use = "category-recovery"
player = "generator"

[train]
rounds = 6
batch_size = 8
log_every = 1
checkpoint_every = 2

[inference]
use = "amortized"

[evaluate]
tsne = false
"""


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str


Cli = Callable[..., Outcome]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs `latentclust` with the given words."""

    def call(*words: object) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_:
            main([str(word) for word in words])
        captured = capsys.readouterr()
        return Outcome(int(exit_.value.code or 0), captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """36 labelled grey images of 4x6 (h x w), three groups apart from one another."""
    rng = np.random.default_rng(0)
    labels = np.arange(36) % 3
    x = rng.integers(0, 60, (36, 4, 6)) + 80 * labels[:, None, None]
    path = tmp_path_factory.mktemp("data") / "images.npz"
    np.savez(path, x=x.astype(np.uint8), y=labels)
    return path


@pytest.fixture(scope="session")
def recipe(images: Path) -> Path:
    """A small generative system on these images."""
    path = images.with_name("small.toml")
    path.write_text(RECIPE.format(path=images))
    return path


@pytest.fixture(scope="session")
def trained(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of it."""
    return run(recipe, out=tmp_path_factory.mktemp("runs") / "small", device="cpu").folder


@pytest.fixture(scope="session")
def trained_vectors(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run on vectors of 100 values."""
    settings = ["data.use=synthetic", "data.per_cluster=10"]
    return run(recipe, settings, out=tmp_path_factory.mktemp("runs") / "vectors", device="cpu").folder
