"""Baselines, readouts and tables on a network that reads the features of another one."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from latentclust.assemble.experiment import Experiment, assemble
from latentclust.assemble.resolve import Resolved
from latentclust.bundled.inference.amortized import read_code
from latentclust.bundled.nearest_neighbours import NearestNeighbours, nearest
from latentclust.errors import Issue
from latentclust.model.model import ClusteringModel
from latentclust.runs.baseline_scores import points_in
from latentclust.runs.fitted_model import trained_model
from latentclust.specs.data import ImageSet
from latentclust.specs.evaluation import PIXELS
from latentclust.tensors import Images

Tables = dict[str, Any]
FindIssues = Callable[..., tuple[Issue, ...]]
Resolve = Callable[..., Resolved]

ON_HEADS = "evaluate.baselines=[{use='kmeans', on='heads'}]"


@pytest.fixture
def iic() -> Tables:
    """IIC on vectors, whose heads have a layer of their own and read the features of the trunk."""
    return {
        "schema": 1,
        "name": "small",
        "extends": "iic@1",
        "data": {"use": "synthetic", "per_cluster": 10},
        "views": {"view": {"steps": [{"use": "point-affine"}]}},
        "prior": {"clusters": 4},
        "networks": {"trunk": {"use": "mlp", "hidden": [8]}, "heads": {"use": "mlp", "hidden": [5]}},
        "train": {"rounds": 4, "batch_size": 8},
    }


def images_of(experiment: Experiment) -> Images:
    data: ImageSet = experiment.data
    return Images(torch.as_tensor(data.source.read(torch.arange(len(data.source)).numpy())))


def untrained(resolved: Resolved) -> tuple[ClusteringModel, Experiment]:
    experiment = assemble(resolved, ())
    return trained_model(experiment, torch.device("cpu")), experiment


def test_a_baseline_on_heads_reads_the_features_of_their_trunk(iic: Tables, resolved: Resolve) -> None:
    model, experiment = untrained(resolved(iic, ON_HEADS))
    points = points_in(model, experiment.data, "heads")
    networks: dict[str, Any] = experiment.networks
    with torch.no_grad():
        expected = networks["heads"].represent(networks["trunk"](images_of(experiment)))
    assert points.shape == (len(experiment.data.source), 5)
    assert torch.equal(torch.tensor(points), expected)
    assert points.shape != points_in(model, experiment.data, PIXELS).shape


@pytest.mark.parametrize("use", ["best-head", "kmeans-on-features"])
def test_inferences_find_the_trunk_themselves(iic: Tables, resolved: Resolve, use: str) -> None:
    iic["inference"] = {"use": use, "network": "heads"}
    model, experiment = untrained(resolved(iic))
    posterior = model.predict(experiment.data.source)
    assert posterior.probabilities.shape == (len(experiment.data.source), 4)


def test_best_head_with_and_without_a_named_trunk_are_equal(iic: Tables, resolved: Resolve) -> None:
    named, experiment = untrained(resolved(iic))
    found, _ = untrained(resolved(iic | {"inference": {"use": "best-head"}}))
    source = experiment.data.source
    assert torch.equal(named.predict(source).probabilities, found.predict(source).probabilities)


def test_a_table_of_neighbours_reads_heads_through_their_trunk(iic: Tables, resolved: Resolve) -> None:
    model, experiment = untrained(resolved(iic))
    images, networks = images_of(experiment), model.model
    with torch.no_grad():
        found = NearestNeighbours(count=2, network="heads").compute(networks, [images], torch.Generator())
        assert torch.equal(found, nearest(networks.represent("heads", images), 2))


def test_a_network_on_an_encoder_reads_the_features_of_its_code(tables: Tables, resolved: Resolve) -> None:
    tables["networks"]["second"] = {"use": "mlp", "hidden": [6], "role": "encoder", "reads": "features"}
    tables["networks"]["second"] |= {"features_of": "encoder", "frozen": True}
    model, experiment = untrained(resolved(tables))
    images = images_of(experiment)
    with torch.no_grad():
        features = read_code(model.model, "encoder", images).features
        expected = experiment.networks["second"](features).logits
        assert torch.equal(read_code(model.model, "second", images).logits, expected)


@pytest.mark.parametrize(
    ("space", "settings", "said"),
    [
        ("projector", (), "unknown network 'projector'"),
        ("generator", (), "'generator' is a generator, which has no representation of images"),
        ("critic", ("networks.critic.reads=latent",), "'critic' reads latent vectors"),
    ],
)
def test_a_baseline_on_a_network_without_a_representation_of_images_is_an_issue(
    tables: Tables, issues: FindIssues, space: str, settings: tuple[str, ...], said: str
) -> None:
    tables["losses"]["critic"]["on"] = {"score_of_real": "score_of_code", "score_of_fake": "score_of_prior"}
    tables["losses"]["adversarial"]["on"] = {"score_of_fake": "score_of_code"}
    settings = settings or ("networks.critic.reads=latent",)
    found = issues(tables, *settings, f"evaluate.baselines=[{{use='kmeans', on='{space}'}}]")
    assert [issue.where for issue in found] == ["evaluate.baselines.on"]
    assert said in found[0].what


@pytest.mark.parametrize(
    ("where", "setting"),
    [
        ("inference", "inference={use='kmeans-on-features', network='generator'}"),
        (
            "evaluate.readouts (kmeans-on-features)",
            "evaluate.readouts=[{use='kmeans-on-features', network='generator'}]",
        ),
        ("tables.near", "tables.near={use='nearest-neighbours', network='generator'}"),
    ],
)
def test_other_parts_on_a_network_without_a_representation_are_issues(
    tables: Tables, issues: FindIssues, where: str, setting: str
) -> None:
    tables["losses"]["near"] = {"use": "reconstruction", "player": "generator", "on": {"images": "near_images"}}
    if "tables" not in setting:
        del tables["losses"]["near"]
    assert [issue.where for issue in issues(tables, setting)] == [where]
