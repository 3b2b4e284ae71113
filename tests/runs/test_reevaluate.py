"""Evaluation of a saved model."""

import pytest
import torch

from latentclust.errors import LatentclustError
from latentclust.runs.reevaluate import evaluate_model, open_evaluation
from latentclust.runs.run import run

CPU = torch.device("cpu")


TABLES = {
    "schema": 1,
    "name": "small",
    "data": {"use": "synthetic", "per_cluster": 10, "preprocess": []},
    "prior": {"use": "one-hot-gaussian", "clusters": 4, "style_dim": 3},
    "networks": {name: {"use": "mlp", "hidden": [8]} for name in ("encoder", "generator")},
    "players": {"generator": {"networks": ["generator", "encoder"]}},
    "losses": {"category-recovery": {"use": "category-recovery", "player": "generator"}},
    "train": {"rounds": 4, "batch_size": 8},
    "inference": {"use": "amortized"},
    "evaluate": {"tsne": False},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return run(TABLES, out=tmp_path_factory.mktemp("runs") / "run", device="cpu").folder


def test_unchanged_it_is_the_stored_model(folder):
    readout = open_evaluation(folder, CPU)

    assert not readout.other_data
    assert not readout.other_inference


def test_another_inference_is_fitted_to_the_data(folder):
    readout = open_evaluation(folder, CPU, settings=["inference.use=kmeans-on-code"])

    assert readout.other_inference
    assert readout.model.state == {}
    facts = evaluate_model(readout, ())
    assert facts.occupancy.sum() == 40
    assert (facts.occupancy > 0).all()  # k-means leaves no cluster empty


def test_the_networks_are_those_of_the_file(folder):
    stored, changed = (
        open_evaluation(folder, CPU),
        open_evaluation(folder, CPU, settings=["inference.use=kmeans-on-code", "seed=5"]),
    )
    for name, network in stored.model.networks.items():
        for key, tensor in network.state_dict().items():
            assert torch.equal(tensor, changed.model.networks[name].state_dict()[key])


def test_other_data_keep_what_belongs_to_every_set_and_lose_the_former_options(folder):
    readout = open_evaluation(folder, CPU, data="digits")

    assert readout.other_data
    assert readout.model.resolved.recipe.data.use == "digits"
    assert readout.model.resolved.recipe.data.options == {}
    with pytest.raises(LatentclustError, match="digits has samples of shape"):
        evaluate_model(readout, ())


def test_another_draw_of_the_set_is_said_to_be_other_data(folder):
    facts = evaluate_model(open_evaluation(folder, CPU, settings=["data.per_cluster=5"]), ())

    assert facts.occupancy.sum() == 20
    assert facts.protocol.name.startswith("synthetic all to ")


@pytest.mark.parametrize(
    "setting",
    [
        "prior.clusters=3",
        "networks.encoder.use=mlp",
        "train.rounds=1",
        "data.preprocess=[]",
        "data . preprocess=[]",
        "data={preprocess=[]}",
    ],
)
def test_what_was_trained_stays(folder, setting):
    with pytest.raises(LatentclustError, match="would change what was trained"):
        open_evaluation(folder, CPU, settings=[setting])
