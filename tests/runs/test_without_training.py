"""Recipes that train nothing: an inference is fitted, scored, saved and used."""

from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import latentclust
from latentclust.assemble.resolve import resolve
from latentclust.errors import Issue, LatentclustError
from latentclust.phases import Phase
from latentclust.plugins.registry import installed
from latentclust.recipe.load import load_recipe
from latentclust.runs.run import open_experiment
from latentclust.runs.trial_step import try_steps
from latentclust.train.events import NullListener

LEVELS = (30, 120, 220)


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, Any]:
    """A mixture of the pixels of six images in noisy blocks of three grey levels."""
    rng = np.random.default_rng(0)
    blocks = np.array(LEVELS)[rng.integers(0, 3, (6, 3, 3))].repeat(4, axis=1).repeat(4, axis=2)
    np.save(tmp_path / "images.npy", (blocks + rng.integers(0, 9, blocks.shape))[..., None].astype(np.uint8))
    data = {"use": "array", "path": str(tmp_path / "images.npy")}
    small = {"prior": {"clusters": 3}, "evaluate": {"baselines": ["pixel-kmeans"]}}
    return {"schema": 1, "extends": "mixture-pixel@1", "name": "small", "data": data, **small}


def issues(tables: dict[str, Any], *settings: str) -> tuple[Issue, ...]:
    try:
        resolve(load_recipe(tables, installed(), settings), installed())
    except LatentclustError as error:
        return error.issues
    return ()


class Heard(NullListener):
    """The phases of a run."""

    def __init__(self) -> None:
        self.phases: list[Phase] = []

    def on_phase(self, phase: Phase) -> None:
        self.phases.append(phase)


def test_the_phases_of_a_run_are_told_in_their_order(tables: dict[str, Any], tmp_path: Path) -> None:
    heard = Heard()
    latentclust.run(tables, out=tmp_path / "run", device="cpu", listener=heard)
    names = [name for name, _ in groupby(phase.name for phase in heard.phases)]
    expected = ["opening array", "fitting the inference", "reading out", "drawing figures", "writing the report"]
    assert [name for name in names if name in expected] == expected
    assert any("baseline pixel-kmeans: fitting" in name for name in names)
    assert [(phase.done, phase.total) for phase in heard.phases if phase.name == "reading out"][-1] == (6, 6)


def test_a_run_fits_the_inference_alone_and_its_model_labels_images(tables: dict[str, Any], tmp_path: Path) -> None:
    run = latentclust.run(tables, out=tmp_path / "run", device="cpu")
    assert not (run.folder / "checkpoint.safetensors").exists()
    assert not (run.folder / "figures" / "losses.png").exists()
    report = (run.folder / "report.md").read_text()
    assert "Model selection: no weights are trained." in report
    model = latentclust.load(run.folder)
    assert not model.networks
    images = np.array(LEVELS)[np.arange(9).reshape(1, 3, 3) % 3].repeat(5, axis=1).repeat(5, axis=2)
    labels = model.predict(images[:, None].astype(np.uint8)).labels
    assert [len(set(labels[0][torch.from_numpy(images[0] == level)].tolist())) for level in LEVELS] == [1, 1, 1]
    assert len(labels.unique()) == 3


def test_a_trial_is_the_whole(tables: dict[str, Any], tmp_path: Path) -> None:
    run = latentclust.run(tables, out=tmp_path / "run", device="cpu", quick=True)
    assert not run.facts.trial
    assert run.result.model_dump()["occupancy"] == latentclust.run(tables, out=tmp_path / "b").result.occupancy


def test_there_is_no_step_to_try(tables: dict[str, Any]) -> None:
    experiment, _ = open_experiment(resolve(load_recipe(tables, installed()), installed()))
    try_steps(experiment)


def test_rounds_belong_to_losses(tables: dict[str, Any]) -> None:
    assert issues(tables) == ()
    (found,) = issues(tables, "train.batch_size=8")
    assert found == Issue("train.batch_size", "has no effect without losses", "Remove the key")
    (found,) = issues(tables, "views.view.use='flip'")
    assert found == Issue("views.view", "has no effect without losses", "Remove the view")
    three = issues(tables, "train.rounds=5")
    assert [(found.where, found.what) for found in three] == [
        (where, "this key is missing") for where in ("networks", "players", "losses")
    ]
    empty = ("networks={}", "players={}", "losses={}")
    (found,) = issues(tables, "train.rounds=5", *empty)
    assert (found.where, found.what) == ("train.rounds", "is 5, but the recipe has no losses")
    trained = {"schema": 1, "extends": "dccs@1", "name": "trained", "data": {"use": "digits"}}
    (found,) = issues(trained, "train.rounds=0")
    assert (found.where, found.what) == ("train.rounds", "is 0, but the recipe has losses")


def test_a_baseline_in_the_space_of_an_absent_network_is_an_issue(tables: dict[str, Any]) -> None:
    whole = {**tables, "prior": {"use": "one-hot-gaussian", "style_dim": 0, "clusters": 3}}
    (found,) = issues(whole, "evaluate.baselines=[{use='kmeans', on='trunk'}]")
    assert (found.where, found.what) == ("evaluate.baselines.on", "unknown network 'trunk'")
    assert issues(whole, "evaluate.baselines=['kmeans']") == ()
