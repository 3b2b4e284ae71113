"""Odd rasters through `data inspect`, a training of two rounds and `label`."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from latentclust.model.model_file import save_model
from tests.fuzz.conftest import EndsWell
from tests.fuzz.odd_rasters import write_odd
from tests.labelling.planted import planted_model

CASES, FEW = 200, 6
CPU = ("--device", "cpu")
RESULTS = ("model.safetensors", "results.json", "report.md", "report.html", "*.tif", "*.partial")

RECIPE = """
schema = 1
extends = "iic-pixel@1"
name = "odd"
data = { use = "raster", path = "absent.tif", window = 8, windows = 8 }
prior = { clusters = 3 }

[views.view]
steps = [{ use = "flip" }]

[networks]
trunk = { channels = [4], strides = [1], dilations = [1], norm = "none" }
heads = { heads = 2 }
overclustering = { clusters = 4 }

[losses]
main = { window = 1 }
overclustering = { window = 1 }

[train]
rounds = 2
batch_size = 4

[evaluate]
baselines = []
tsne = false
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the recipe and a model of three bands of bytes."""
    folder = tmp_path_factory.mktemp("base")
    (folder / "odd.toml").write_text(RECIPE)
    save_model(folder / "model.safetensors", planted_model(tile=32))
    return folder


@pytest.mark.usefixtures("no_figures")
@pytest.mark.parametrize("cases", [FEW, pytest.param(CASES, marks=pytest.mark.slow)])
def test_odd_rasters_are_read_or_refused_in_one_message(
    base: Path,
    tmp_path: Path,
    ends_well: EndsWell,
    fuzz_seed: int,
    fuzz_cases: Callable[[int], int],
    cases: int,
) -> None:
    bad = []
    for number in range(fuzz_cases(cases)):
        case = tmp_path / f"{number}"
        (case / "scenes").mkdir(parents=True)
        path, what = write_odd(case / "scenes", np.random.default_rng([fuzz_seed, number]))
        given = ("--set", f"data.path={path}")
        faults = []
        inspected = ends_well("data", "inspect", "raster", "--set", f"path={path}", "--set", "window=8", out=case)
        trained = ends_well("run", base / "odd.toml", *given, "--out", case / "run", *CPU, out=case)
        model = case / "run" if trained.code == 0 else base / "model.safetensors"
        labelled = ends_well("label", model, path, "--out", case / "labels", *CPU, out=case)
        for command, outcome, out in (
            ("inspect", inspected, case / "none"),
            ("run", trained, case / "run"),
            ("label", labelled, case / "labels"),
        ):
            left = [file.name for name in RESULTS for file in out.glob(name)] if outcome.code else []
            told = outcome.err.strip().splitlines()[-1:]
            faults += [f"{command}: {fault}\n    {told}" for fault in [*outcome.faults(), *left]]
        if faults:
            bad.append(f"{number}: {what}\n  " + "\n  ".join(faults))
        else:
            shutil.rmtree(case)
    assert not bad, f"{len(bad)} cases of --fuzz-seed {fuzz_seed} in {tmp_path}:\n" + "\n".join(bad)
