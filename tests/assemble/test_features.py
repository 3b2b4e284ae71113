"""Networks that read each other's features: trunks on trunks, centroids of what they read, and circles."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from latentclust.assemble.experiment import assemble
from latentclust.assemble.resolve import resolve
from latentclust.errors import Issue, LatentclustError
from latentclust.networks.images import CentroidsNetwork
from latentclust.networks.maps import TrunkMapNetwork
from latentclust.plugins.discovery import discover
from latentclust.plugins.registry import Registry
from latentclust.recipe.load import load_recipe

Tables = dict[str, Any]
FindIssues = Callable[..., tuple[Issue, ...]]

NEGATIVE_DISTANCES = """
    import torch
    from torch import nn
    from latentclust.api import Centroids, CentroidsSpec, Features, LossSpec, Scalar, Similarities, hookimpl

    class Table(nn.Module):
        def __init__(self, clusters, width):
            super().__init__()
            self.centroids = nn.Parameter(torch.arange(float(clusters * width)).view(clusters, width))

        def forward(self, features):
            distances = torch.cdist(features.flatten(2).mT, self.centroids).mT
            return -distances.unflatten(2, features.shape[2:])

    class Points(CentroidsSpec):
        "Points, compared by distance."
        def centroids(self, clusters: int, width: int) -> nn.Module:
            return Table(clusters, width)

    class Nearest(LossSpec):
        "The mean distance to the nearest."
        def __call__(self, similarities: Similarities) -> Scalar:
            return Scalar(-similarities.amax(dim=1).mean())

    def similarities(centroids: Centroids, features_of_real: Features) -> Similarities:
        return centroids(features_of_real)

    @hookimpl
    def provide_backbones():
        return {"points": Points}

    @hookimpl
    def provide_losses():
        return {"nearest": Nearest}

    @hookimpl
    def provide_quantities():
        return {"similarities": similarities}
"""


@pytest.fixture
def maps(tmp_path: Path) -> Tables:
    """IIC of label maps on eight images, its heads on a chain of two trunks."""
    path = tmp_path / "images.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (8, 16, 24, 3), dtype=np.uint8))
    return {
        "schema": 1,
        "extends": "iic-pixel@1",
        "name": "small",
        "data": {"use": "array", "path": str(path)},
        "prior": {"clusters": 3},
        "networks": {
            "heads": {"features_of": "upper"},
            "upper": {
                "use": "map-conv",
                "role": "trunk",
                "reads": "features",
                "channels": [6],
                "strides": [2],
                "dilations": [1],
            },
            "trunk": {"channels": [5], "strides": [2], "dilations": [1]},
        },
        "players": {"iic": {"networks": ["trunk", "upper", "heads", "overclustering"]}},
        "train": {"rounds": 2, "batch_size": 4},
    }


def test_strides_multiply_along_a_chain_of_trunks(maps: Tables, resolved: Callable[..., Any]) -> None:
    networks = assemble(resolved(maps), ()).networks
    lower, upper = networks["trunk"], networks["upper"]
    assert isinstance(lower, TrunkMapNetwork)
    assert isinstance(upper, TrunkMapNetwork)
    assert (lower.stride, upper.stride) == (2, 4)
    features = upper(lower(torch.zeros(1, 3, 16, 24)))
    assert features.shape == (1, 6, 4, 6)
    assert networks["heads"](features).shape == (1, 1, 3, 16, 24)
    assert networks["overclustering"](lower(torch.zeros(1, 3, 16, 24))).shape == (1, 1, 24, 16, 24)


def test_the_sides_of_images_are_multiples_of_a_chains_stride(maps: Tables, resolved: Callable[..., Any]) -> None:
    maps["networks"]["upper"]["strides"] = [3]
    with pytest.raises(LatentclustError, match="a stride of 6 does not divide images of 16x24 pixels"):
        assemble(resolved(maps), ())


def test_features_that_go_round_are_refused(maps: Tables, issues: FindIssues) -> None:
    maps["networks"]["trunk"] |= {"reads": "features", "features_of": "upper"}
    told = {issue.where: issue.what for issue in issues(maps)}
    assert told == {
        "networks.trunk.features_of": "features form a cycle: trunk -> upper -> trunk",
        "networks.upper.features_of": "features form a cycle: upper -> trunk -> upper",
    }


def test_an_encoder_of_label_maps_has_no_features(maps: Tables, resolved: Callable[..., Any]) -> None:
    maps["networks"]["encoder"] = {"use": "pixel-mlp", "frozen": True}
    maps["networks"]["heads"]["features_of"] = "encoder"
    maps["prior"]["style_dim"] = 1
    with pytest.raises(LatentclustError, match="'encoder' is an encoder of label maps, which has no feature map"):
        assemble(resolved(maps), ())


@pytest.mark.parametrize("per_pixel", [True, False])
def test_centroids_are_as_many_as_the_priors_clusters_and_as_wide_as_what_they_read(
    maps: Tables,
    tables: Tables,
    per_pixel: bool,
    distribution: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    distribution("points", NEGATIVE_DISTANCES)
    monkeypatch.setenv("LATENTCLUST_PLUGINS", "points")  # another installed plugin may also provide `similarities`
    chosen = maps if per_pixel else tables
    if not per_pixel:
        chosen["networks"]["trunk"] = {"use": "mlp", "hidden": [5], "frozen": True}
    chosen["networks"]["centroids"] = {"use": "points"}
    chosen["players"]["centroids"] = {"networks": ["centroids"]}
    chosen.setdefault("losses", {})["nearest"] = {"use": "nearest", "player": "centroids"}
    registry = Registry(discover())
    experiment = assemble(resolve(load_recipe(chosen, registry, ()), registry), ())
    network = experiment.networks["centroids"]
    assert isinstance(network, CentroidsNetwork)
    assert network.body.centroids.shape == (experiment.resolved.prior.clusters, 5)
    assert [node.name for node in experiment.resolved.plans["centroids"].nodes] == ["features_of_real", "similarities"]
    assert network(torch.zeros(2, 5, 3, 4)).shape == (2, experiment.resolved.prior.clusters, 3, 4)


def test_centroids_read_only_what_has_features(tables: Tables, distribution: Callable[[str, str], None]) -> None:
    distribution("points", NEGATIVE_DISTANCES)
    tables["networks"]["centroids"] = {"use": "points", "features_of": "critic", "frozen": True}
    registry = Registry(discover())
    with pytest.raises(LatentclustError, match="'critic' is not a trunk or an encoder"):
        resolve(load_recipe(tables, registry, ()), registry)


def test_a_backbone_of_another_role_is_refused(tables: Tables, issues: FindIssues) -> None:
    tables["networks"]["centroids"] = {"use": "mlp", "features_of": "encoder", "frozen": True}
    (told,) = issues(tables)
    assert (told.where, told.what) == ("networks.centroids.use", "'mlp' cannot be used as centroids")
