"""Recipes with values from the schema: what `recipe check --with-data` passes is trained, or fails in one message."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from hypothesis import HealthCheck, Phase, given, seed, settings

from latentclust.plugins.registry import Registry
from tests.fuzz.conftest import EndsWell
from tests.fuzz.recipe_values import Tables, changed, recipes
from tests.labelling.planted import noise_scene, write_scene

CASES, FEW = 200, 5
CPU = ("--device", "cpu")

COMMON: Tables = {
    "schema": 1,
    "name": "fuzz",
    "train": {"rounds": 2, "batch_size": 8},
    "evaluate": {"tsne": False, "baselines": []},
}


def dls(path: Path) -> Tables:
    """ClusterGAN with every reconstruction, on images of two groups."""
    mlp = {"use": "mlp", "hidden": [8]}
    loss = {"player": "generator"}
    return COMMON | {
        "data": {"use": "array", "path": str(path / "images.npz")},
        "views": {"view": {"use": "affine"}},
        "prior": {"use": "one-hot-gaussian", "clusters": 3, "style_dim": 2},
        "inference": {"use": "amortized"},
        "networks": {"encoder": mlp, "generator": mlp, "critic": mlp},
        "players": {"critic": {"networks": ["critic"]}, "generator": {"networks": ["generator", "encoder"]}},
        "losses": {
            "critic": {"use": "wasserstein-critic", "player": "critic"},
            "penalty": {"use": "gradient-penalty", "player": "critic"},
            "adversarial": {"use": "adversarial", **loss},
            "category-recovery": {"use": "category-recovery", **loss},
            "style-recovery": {"use": "style-recovery", **loss},
            "reconstruction": {"use": "reconstruction", **loss},
        },
    }


def maps(path: Path) -> Tables:
    """IIC of label maps, on windows of a scene."""
    on = {"heads_of_real": "heads_of_real_features", "heads_of_view": "aligned_heads_of_view"}
    conv = {"use": "map-conv", "channels": [4], "strides": [1], "dilations": [1], "norm": "none"}
    return COMMON | {
        "data": {"use": "raster", "path": str(path / "scene.tif"), "window": 8, "windows": 8},
        "views": {"view": {"use": "flip"}},
        "prior": {"use": "categorical-map", "clusters": 3, "style_dim": 0, "style_stride": 1},
        "inference": {"use": "best-head", "trunk": "trunk"},
        "networks": {"trunk": conv, "heads": {"use": "pixel-mlp", "reads": "features", "heads": 2}},
        "players": {"iic": {"networks": ["trunk", "heads"]}},
        "losses": {"main": {"use": "pixel-invariant-information", "player": "iic", "window": 1, "on": on}},
    }


def chains(path: Path) -> Tables:
    """The clustered generator."""
    return COMMON | {
        "data": {"use": "array", "path": str(path / "images.npz")},
        "prior": {"use": "one-hot-gaussian", "clusters": 3, "style_dim": 2},
        "inference": {"use": "langevin-gibbs", "steps": 2, "burn_in": 1, "sweeps": 1},
        "networks": {"generator": {"use": "mlp", "hidden": [8]}},
        "players": {"generator": {"networks": ["generator"]}},
        "losses": {"likelihood": {"use": "gaussian-likelihood", "player": "generator"}},
    }


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images of three groups and a scene."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    labels = np.arange(36) % 3
    images = rng.integers(0, 60, (36, 8, 8)) + 80 * labels[:, None, None]
    np.savez(folder / "images.npz", x=images.astype("u1"), y=labels)
    write_scene(folder / "scene.tif", noise_scene(40, 50))
    return folder


@pytest.mark.usefixtures("no_figures")
@pytest.mark.parametrize("base", [dls, maps, chains], ids=lambda base: base.__name__)
@pytest.mark.parametrize("cases", [FEW, pytest.param(CASES, marks=pytest.mark.slow)])
def test_a_recipe_that_passes_the_check_trains_or_fails_in_one_message(
    base: Callable[[Path], Tables],
    data: Path,
    tmp_path: Path,
    registry: Registry,
    ends_well: EndsWell,
    fuzz_seed: int,
    fuzz_cases: Callable[[int], int],
    cases: int,
) -> None:
    tables, bad, codes = base(data), [], []

    @seed(fuzz_seed)
    @settings(
        max_examples=fuzz_cases(cases),
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(recipes(tables, registry))
    def check(changes: list[tuple[tuple[str, ...], Any]]) -> None:
        recipe, out = tmp_path / "recipe.toml", tmp_path / "run"
        try:
            recipe.write_text(tomli_w.dumps(changed(tables, changes)))
        except (AttributeError, TypeError, ValueError):  # no TOML
            return
        outcome = ends_well("recipe", "check", recipe, "--with-data", out=tmp_path)
        command, faults = "check", [*outcome.faults()]
        if outcome.code == 0:
            outcome = ends_well("run", recipe, "--out", out, *CPU, out=tmp_path)
            refused = ["is refused after the check"] * (outcome.code == 2)
            command, faults = "run", [] if outcome.hung else [*outcome.faults(), *refused]  # it may ask for long work
        codes.append((command, outcome.code))
        if faults:
            bad.append(f"{changes}: {command}: {'; '.join(faults)}\n  {outcome.err.strip()[-500:]}")
        shutil.rmtree(out, ignore_errors=True)

    check()
    print({code: codes.count(code) for code in set(codes)})
    assert not bad, f"{len(bad)} recipes of --fuzz-seed {fuzz_seed}:\n" + "\n".join(bad)
