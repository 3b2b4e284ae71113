"""Both systems, small: trained through their stages, saved, read again; and every recipe of the plugin."""

import json
import tomllib
from pathlib import Path
from typing import Any

import latentclust
import numpy as np
import pytest
import torch
from latentclust.testing import load_resolved_recipe, start_training
from sklearn.cluster import KMeans

from latentclust_dec.assignment import target_distribution

RECIPES = sorted((Path(__file__).parents[1] / "recipes").glob("*.toml"))

SMALL = (
    "networks.encoder.hidden=[32, 16]",
    "networks.generator.hidden=[16, 32]",
    "stages.pretraining.rounds=12",
    "stages.clustering.rounds=8",
    "tables.target.every=4",
    "train.log_every=1",
    "evaluate.tsne=false",
    "evaluate.baselines=[]",
)


def tables(system: str) -> dict[str, Any]:
    return {"schema": 1, "extends": system, "name": "small", "data": {"use": "digits"}}


def training(system: str, folder: Path, *settings: str, on_record: Any = None) -> Any:
    return start_training(tables(system), folder, (*SMALL, *settings), on_record)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_resolves_and_is_named_after_its_file(path: Path) -> None:
    resolved = load_resolved_recipe(path, ())
    assert resolved.recipe.name == path.stem
    assert [stage.name for stage in resolved.stages] == ["pretraining", "clustering"]
    assert "latentclust-dec" in resolved.distributions
    assert tomllib.loads(path.read_text())["extends"] == f"{path.stem.rpartition('-')[2]}@1"


def test_there_are_recipes_of_three_sets_for_both_systems() -> None:
    sets = ("digits", "pendigits", "usps")
    assert [path.stem for path in RECIPES] == [f"{name}-{system}" for name in sets for system in ("dec", "idec")]


def test_clustering_begins_at_k_means_of_the_pretrained_embedding(tmp_path: Path) -> None:
    made = training("dec@1", tmp_path)
    encoder, bank, found = made.state.networks["encoder"], made.state.memory_bank, {}
    take = made.state.feed.next

    def noted() -> Any:
        if made.state.stage_index == 1 and not found:  # the first step of clustering
            with torch.no_grad():
                style = encoder(torch.cat(list(bank.dataset.training_images))).style
            found.update(
                style=style,
                centroids=encoder.head.centroids.detach().clone(),
                target=made.state.memory_bank.rows["target"],
            )
            found["q"] = (1 + torch.cdist(style, found["centroids"]).square()).reciprocal()
        return take()

    made.state.feed.next = noted
    made.run()
    kmeans = KMeans(10, n_init=20, random_state=0).fit(found["style"].numpy())
    squares = torch.cdist(found["style"], found["centroids"]).square().amin(dim=1)
    assert float(squares.sum()) == pytest.approx(kmeans.inertia_, rel=0.01)  # which is as good as k-means finds it
    q = found["q"] / found["q"].sum(dim=1, keepdim=True)
    torch.testing.assert_close(found["target"], target_distribution(q), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("system", "decoder_moves"), [("dec@1", False), ("idec@1", True)])
def test_the_decoder_stays_in_dec_and_moves_in_idec(tmp_path: Path, system: str, decoder_moves: bool) -> None:
    made = training(system, tmp_path)
    before: dict[str, Any] = {}
    take = made.state.feed.next

    def noted() -> Any:
        if made.state.stage_index == 1 and not before:
            before.update(
                {name: tensor.clone() for name, tensor in made.state.networks["generator"].state_dict().items()}
            )
        return take()

    made.state.feed.next = noted
    made.run()
    after = made.state.networks["generator"].state_dict()
    assert all(torch.equal(after[name], tensor) != decoder_moves for name, tensor in before.items())


@pytest.mark.parametrize("system", ["dec@1", "idec@1"])
def test_a_run_is_saved_and_read_again_by_the_nearest_centroid(tmp_path: Path, system: str) -> None:
    finished = latentclust.run(tables(system), SMALL, out=tmp_path / "run", device="cpu")
    model = latentclust.load(finished.folder)
    digits = load_resolved_recipe(tables(system), SMALL).dataset.open(()).source.read(np.arange(1797))
    posterior = model.predict(digits)
    centroids = model.networks["encoder"].head.centroids.detach()
    nearest = torch.cdist(posterior.style, centroids).argmin(dim=1)
    assert torch.equal(posterior.labels, nearest)
    written = np.loadtxt(finished.folder / "assignments.csv", delimiter=",", skiprows=1)[:, 1] - 1
    assert np.array_equal(written, nearest.numpy())
    lines = [json.loads(line) for line in (finished.folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["stage"] for line in lines] == ["pretraining"] * 12 + ["clustering"] * 8


def test_descending_the_loss_between_targets_lowers_it(tmp_path: Path) -> None:
    losses: list[Any] = []
    settings = ("stages.clustering.rounds=200", "tables.target.every=0", "train.log_every=50")
    training("dec@1", tmp_path, *settings, on_record=lambda record: losses.append(record.losses)).run()
    clustering = [line["clustering"] for line in losses if "clustering" in line]
    assert clustering[-1] < clustering[0]
