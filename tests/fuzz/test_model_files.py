"""Mutated model files and checkpoints through every command that reads them."""

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentclust.cli.main import main
from latentclust.model.model_file import save_model
from latentclust.train.checkpoint_header import CHECKPOINT
from tests.fuzz.conftest import EndsWell
from tests.fuzz.tensor_file_mutations import mutate
from tests.labelling.planted import noise_scene, planted_model, write_scene

CASES, FEW = 2_000, 24
CPU = ("--device", "cpu")
RESULTS = (
    "model.safetensors",
    "results.json",
    "report.md",
    "report.html",
    "assignments.csv",
    "o.csv",
    "*.tif",
    "*.partial",
)
"""Files, or patterns of them, that only a command that succeeds may leave."""

RECIPE = """
schema = 1
name = "small"
data = {{ use = "array", path = "{path}" }}
prior = {{ use = "one-hot-gaussian", clusters = 3, style_dim = 2 }}

[networks]
encoder = {{ use = "mlp", hidden = [8] }}
generator = {{ use = "mlp", hidden = [8] }}
critic = {{ use = "mlp", hidden = [8] }}

[players]
critic = {{ networks = ["critic"] }}
generator = {{ networks = ["generator", "encoder"] }}

[losses]
critic = {{ use = "wasserstein-critic", player = "critic" }}
adversarial = {{ use = "adversarial", player = "generator" }}
category-recovery = {{ use = "category-recovery", player = "generator" }}

[train]
rounds = 3
batch_size = 8
checkpoint_every = 2
select_by = "losses.critic"
select_every = 1

[inference]
use = "kmeans-on-code"

[evaluate]
tsne = false
baselines = []
"""

CHAINS = """
schema = 1
name = "chains"
data = {{ use = "array", path = "{path}" }}
prior = {{ use = "one-hot-gaussian", clusters = 3, style_dim = 2 }}
inference = {{ use = "langevin-gibbs", steps = 2, burn_in = 1, sweeps = 1 }}

[networks]
generator = {{ use = "mlp", hidden = [8] }}

[players]
generator = {{ networks = ["generator"] }}

[losses]
likelihood = {{ use = "gaussian-likelihood", player = "generator" }}

[train]
rounds = 3
batch_size = 8
checkpoint_every = 2

[evaluate]
tsne = false
baselines = []
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs on images, stopped after round 3 of 5, a map model, an image and a scene."""
    folder = tmp_path_factory.mktemp("base")
    rng = np.random.default_rng(0)
    labels = np.arange(36) % 3
    images = (rng.integers(0, 60, (36, 4, 6)) + 80 * labels[:, None, None]).astype(np.uint8)
    np.savez(folder / "images.npz", x=images, y=labels)
    Image.fromarray(images[0]).save(folder / "image.png")
    write_scene(folder / "scene.tif", noise_scene(40, 50))
    (folder / "map").mkdir()
    save_model(folder / "map" / "model.safetensors", planted_model(tile=32))
    for name, text in (("run", RECIPE), ("chains", CHAINS)):
        (folder / f"{name}.toml").write_text(text.format(path=folder / "images.npz"))
        with pytest.raises(SystemExit) as ended:
            main(["run", str(folder / f"{name}.toml"), "--out", str(folder / name), "--device", "cpu"])
        assert ended.value.code == 0
        (folder / name / "recipe.toml").write_text(text.format(path=folder / "images.npz").replace("= 3\nb", "= 5\nb"))
    return folder


Words = tuple[object, ...]


def write(case: Path, content: bytes) -> Path:
    """Write the model file of a case."""
    path = case / "model.safetensors"
    path.write_bytes(content)
    return path


def predict(base: Path, case: Path, content: bytes) -> Words:
    return "predict", write(case, content), base / "image.png", "--out", case / "out" / "o.csv", *CPU


def label(base: Path, case: Path, content: bytes) -> Words:
    return "label", write(case, content), base / "scene.tif", "--out", case / "out", *CPU


def evaluate(base: Path, case: Path, content: bytes) -> Words:
    return "evaluate", write(case, content), *CPU


def name_clusters(base: Path, case: Path, content: bytes) -> Words:
    return "clusters", "name", write(case, content), "1=water"


def resume(base: Path, case: Path, content: bytes, run: str = "run") -> Words:
    shutil.copytree(base / run, case / "out", ignore=shutil.ignore_patterns("figures", *RESULTS))
    (case / "out" / CHECKPOINT).write_bytes(content)
    return "run", "--resume", case / "out", *CPU


COMMANDS: tuple[tuple[str, Callable[[Path, Path, bytes], Words]], ...] = (
    ("run/model", predict),
    ("map/model", label),
    ("run/checkpoint", resume),
    ("run/model", evaluate),
    ("chains/model", predict),
    ("chains/checkpoint", partial(resume, run="chains")),
    ("map/model", label),
    ("map/model", name_clusters),
)
"""The files and the commands that read them, in turns."""


def half_written(out: Path, code: int | str) -> Iterator[str]:
    """Yield the results of a command that failed."""
    if code:
        yield from (f"{path} of a failed command" for name in RESULTS for path in out.glob(name))


@pytest.mark.usefixtures("no_figures")
@pytest.mark.parametrize("cases", [FEW, pytest.param(CASES, marks=pytest.mark.slow)])
def test_damaged_model_files_and_checkpoints_end_in_one_message(
    base: Path, tmp_path: Path, ends_well: EndsWell, fuzz_seed: int, fuzz_cases: Callable[[int], int], cases: int
) -> None:
    bad = []
    for number in range(fuzz_cases(cases)):
        case, (file, command) = tmp_path / f"{number}", COMMANDS[number % len(COMMANDS)]
        case.mkdir()
        whole = (base / f"{file}.safetensors").read_bytes()
        content, what = mutate(whole, np.random.default_rng([fuzz_seed, number]))
        outcome = ends_well(*command(base, case, content), out=case)
        if faults := [*outcome.faults(), *half_written(case / "out", outcome.code)]:
            bad.append(f"{number}: {file}: {what}: {'; '.join(faults)}\n  {outcome.err.strip():.600}")
        else:  # the files of the others stay
            shutil.rmtree(case)
    assert not bad, f"{len(bad)} cases of --fuzz-seed {fuzz_seed} in {tmp_path}:\n" + "\n".join(bad)
