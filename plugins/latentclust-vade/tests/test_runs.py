"""The system, small: trained through its stages, saved, read again and sampled; and every recipe of the plugin."""

import json
from importlib.resources import files
from typing import Any

import latentclust
import numpy as np
import pytest
import torch
from latentclust.testing import load_resolved_recipe, start_training

from latentclust_vade import RECIPES
from latentclust_vade.mixture import components

SMALL = (
    "networks.encoder.hidden=[32, 16]",
    "networks.generator.hidden=[16, 32]",
    "stages.pretraining.rounds=12",
    "stages.clustering.rounds=8",
    "train.log_every=1",
    "evaluate.tsne=false",
    "evaluate.baselines=[]",
)

TABLES: dict[str, Any] = {"schema": 1, "extends": "vade@1", "name": "small", "data": {"use": "digits"}}


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_inside_the_wheel_resolves_by_its_name(name: str) -> None:
    resolved = load_resolved_recipe(name, ())
    assert resolved.recipe.name == name
    assert [stage.name for stage in resolved.stages] == ["pretraining", "clustering"]
    assert "latentclust-vade" in resolved.distributions


def test_every_recipe_file_is_provided() -> None:
    assert sorted(RECIPES) == sorted(
        path.name.removesuffix(".toml") for path in (files("latentclust_vade") / "recipes").iterdir()
    )


def test_pretraining_moves_the_autoencoder_and_clustering_the_prior_too() -> None:
    pretraining, clustering = load_resolved_recipe(TABLES, ()).stages
    assert pretraining.plans["autoencoder"].networks == ("encoder", "generator")
    assert [term.name for term in pretraining.plans["autoencoder"].terms] == ["reconstruction"]
    assert clustering.plans["vade"].networks == ("encoder", "generator", "mixture")
    assert [term.name for term in clustering.plans["vade"].terms] == ["likelihood", "mixture"]


def test_clustering_begins_at_a_mixture_of_the_pretrained_embedding_and_lowers_the_bound(tmp_path: Any) -> None:
    records: list[Any] = []
    settings = (*SMALL, "stages.clustering.rounds=150", "stages.pretraining.rounds=60", "train.log_every=30")
    made = start_training(TABLES, tmp_path, settings, lambda record: records.append(record.losses))
    made.run()
    bounds = [one["likelihood"] + one["mixture"] for one in records if "mixture" in one]
    assert bounds[-1] < bounds[0]
    means = components(made.state.networks["mixture"], "mixture").means
    assert float(means.detach().std()) > 1.5  # drawn from N(0, 1) they would have 1


def test_a_run_is_saved_read_again_and_sampled(tmp_path: Any) -> None:
    finished = latentclust.run(TABLES, SMALL, out=tmp_path / "run", device="cpu")
    model = latentclust.load(finished.folder)
    digits = load_resolved_recipe(TABLES, SMALL).dataset.open(()).source.read(np.arange(1797))
    posterior = model.predict(digits)
    written = np.loadtxt(finished.folder / "assignments.csv", delimiter=",", skiprows=1)[:, 1] - 1
    assert np.array_equal(written, posterior.labels.numpy())
    torch.testing.assert_close(posterior.probabilities.sum(dim=1), torch.ones(1797))
    lines = [json.loads(line) for line in (finished.folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["stage"] for line in lines] == ["pretraining"] * 12 + ["clustering"] * 8


def test_the_posterior_begins_with_a_share_of_the_variance_within_components(tmp_path: Any) -> None:
    settings = (*SMALL, "stages.clustering.rounds=1", "players.vade.optimizer.lr=1e-12")
    made = start_training(TABLES, tmp_path, settings)
    made.run()
    networks = made.state.networks
    held = components(networks["mixture"], "mixture")
    within = held.logits.softmax(dim=0) @ (-2 * held.log_scales).exp()
    code = networks["encoder"](torch.rand(5, 1, 8, 8))
    torch.testing.assert_close(code.style_log_variance.exp(), (0.1 * within).expand(5, -1), rtol=1e-3, atol=0)
