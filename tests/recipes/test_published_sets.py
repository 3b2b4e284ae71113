"""Recipes of sets that are seldom at hand, on files that are generated in the published layouts."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

import latentclust
from latentclust.assemble.experiment import assemble
from latentclust.data.roots import VARIABLE
from latentclust.runs.run import load_resolved_recipe

RNG = np.random.default_rng(0)


def coil100(root: Path) -> None:
    """100 objects in two poses each, as published: coil-100/objN__ANGLE.png of 128x128 in colour."""
    (root / "coil-100").mkdir()
    for number in range(1, 101):
        picture = RNG.integers(0, 256, (4, 4, 3), np.uint8).repeat(32, axis=0).repeat(32, axis=1)
        for angle in (0, 5):
            Image.fromarray(np.roll(picture, angle, axis=1)).save(root / f"coil-100/obj{number}__{angle}.png")


def ytf(root: Path) -> None:
    (root / "ytf").mkdir()
    with h5py.File(root / "ytf/ytf.h5", "w") as file:
        file["data"] = RNG.integers(0, 256, (82, 3, 55, 55), np.uint8)
        file["labels"] = np.arange(82) % 41 + 1


def imagenet10(root: Path) -> None:
    from latentclust.bundled.datasets.imagenet10 import CLASSES

    for name in CLASSES:
        (root / "imagenet10" / name).mkdir(parents=True)
        for number in range(7):
            picture = RNG.integers(0, 256, (40, 50 + number, 3), np.uint8)
            Image.fromarray(picture).save(root / "imagenet10" / name / f"{name}_{number}.JPEG")


def test_coil100_dccs_runs_on_the_published_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    coil100(tmp_path)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    settings = ["train.rounds=1", "train.starts=1", "train.batch_size=20", "train.log_every=1", "evaluate.tsne=false"]
    finished = latentclust.run("coil100-dccs", settings, out=tmp_path / "run", device="cpu")
    assert sum(finished.result.occupancy) == 200
    assert finished.result.clusters == 100
    assert finished.result.protocol.startswith("coil100-all-all: coil100 (200 samples)")
    assert set(finished.result.metrics) == {"accuracy", "purity", "nmi", "ari"}


@pytest.mark.parametrize(
    ("recipe", "write", "shape"),
    [
        ("coil100-clustergan-paper", coil100, (3, 32, 32)),
        ("coil100-dls", coil100, (3, 128, 128)),
        ("ytf-dls", ytf, (3, 55, 55)),
        ("imagenet10-dccs", imagenet10, (1, 96, 96)),
    ],
)
def test_a_recipe_fits_its_published_layout(
    tmp_path: Path, recipe: str, write: Callable[[Path], None], shape: tuple[int, ...]
) -> None:
    write(tmp_path)
    experiment = assemble(load_resolved_recipe(recipe, ("train.batch_size=50",)), (tmp_path,))
    assert experiment.shape == shape
    assert len(experiment.data.classes) == experiment.resolved.prior.clusters
