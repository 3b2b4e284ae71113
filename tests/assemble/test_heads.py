"""Keys of the roles `heads` and `encoder`: what they build, and where they are refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from latentclust.assemble.build import DEFAULT_SUB_HEADS
from latentclust.assemble.experiment import assemble
from latentclust.assemble.resolve import Resolved, resolve
from latentclust.bundled.backbones.mlp import Mlp
from latentclust.errors import Issue
from latentclust.networks.images import EncoderNetwork, HeadsNetwork
from latentclust.plugins.discovery import Discovery, ProvidedParts, Provider, discover
from latentclust.plugins.registry import Registry
from latentclust.recipe.load import load_recipe
from latentclust.specs.backbones import EncoderHeadSpec, Extractor, ExtractorSpec
from latentclust.specs.parts import PriorSpec
from latentclust.tensors import Images, Shape

Resolve = Callable[..., Resolved]
Issues = Callable[..., tuple[Issue, ...]]


@pytest.fixture
def iic() -> dict[str, Any]:
    """IIC in little, on vectors."""
    return {
        "schema": 1,
        "name": "small",
        "extends": "iic@1",
        "data": {"use": "synthetic", "per_cluster": 10},
        "views": {"view": {"steps": [{"use": "point-affine"}]}},
        "prior": {"clusters": 4},
        "networks": {"trunk": {"use": "mlp", "hidden": [8]}},
        "train": {"rounds": 4, "batch_size": 8},
    }


def test_heads_are_as_many_as_said_and_tell_apart_the_priors_clusters(
    iic: dict[str, Any], resolved: Resolve, tmp_path: Path
) -> None:
    networks = assemble(resolved(iic, "networks.heads.heads=3"), (tmp_path,)).networks
    main, over = networks["heads"], networks["overclustering"]
    assert isinstance(main, HeadsNetwork)
    assert isinstance(over, HeadsNetwork)
    assert (main.heads, main.clusters) == (3, 4)
    assert (over.heads, over.clusters) == (DEFAULT_SUB_HEADS, 50)
    assert main.head.in_features == over.head.in_features == 8


def test_each_reading_of_trunk_and_heads_is_computed_once(iic: dict[str, Any], resolved: Resolve) -> None:
    names = [node.name for node in resolved(iic).plans["iic"].nodes]
    assert names == [
        "features_of_real",
        "heads_of_real_features",
        "features_of_view",
        "heads_of_view_features",
        "overclusters_of_real_features",
        "overclusters_of_view_features",
    ]


@pytest.mark.parametrize(("key", "value"), [("heads", 3), ("clusters", 7)])
def test_keys_of_heads_are_refused_elsewhere(tables: dict[str, Any], issues: Issues, key: str, value: int) -> None:
    (told,) = issues(tables, f"networks.encoder.{key}={value}")
    assert told.where == f"networks.encoder.{key}"
    assert told.what == "is a key of the role 'heads', but 'encoder' has the role 'encoder'"


def test_a_log_variance_is_an_encoders_alone(tables: dict[str, Any], issues: Issues) -> None:
    assert issues(tables, "networks.encoder.log_variance=true") == ()
    assert issues(tables, "networks.critic.log_variance=false") == ()
    (told,) = issues(tables, "networks.critic.log_variance=true")
    assert told.where == "networks.critic.log_variance"


def test_a_log_variance_widens_the_encoders_head(tables: dict[str, Any], resolved: Resolve, tmp_path: Path) -> None:
    encoder = assemble(resolved(tables, "networks.encoder.log_variance=true"), (tmp_path,)).networks["encoder"]
    assert isinstance(encoder, EncoderNetwork)
    assert encoder.head.out_features == 4 + 2 * 3


def test_the_inference_must_read_heads_of_the_priors_clusters(iic: dict[str, Any], issues: Issues) -> None:
    (told,) = issues(iic, "inference.network=overclustering")
    assert told.where == "networks.overclustering.clusters"
    assert told.what == "must be 4, as in the prior, because the inference reads it; got 50"
    assert issues(iic, "inference.network=overclustering", "networks.overclustering.clusters=4") == ()


class Nearest(EncoderHeadSpec):
    """Logits by the distance of the style to fixed centroids."""

    hidden: int = 5

    def extractor(self, shape: Shape) -> Extractor:
        return Mlp(hidden=(self.hidden,)).extractor(shape)

    def head(self, width: int, clusters: int, style_dim: int) -> nn.Module:
        return Distances(width, clusters, style_dim)


class Distances(nn.Module):
    def __init__(self, width: int, clusters: int, style_dim: int) -> None:
        super().__init__()
        self.embed, self.centroids = nn.Linear(width, style_dim), nn.Parameter(torch.randn(clusters, style_dim))

    def forward(self, representation: Tensor) -> Tensor:
        style = self.embed(representation)
        return torch.cat((-torch.cdist(style, self.centroids), style), dim=1)


@pytest.fixture
def with_nearest(registry: Registry, tables: dict[str, Any]) -> Callable[..., Resolved]:
    """Resolves the small recipe under settings, its encoder with a head of its own."""
    provision = ProvidedParts(Provider("plugin", "1", "parts"), "provide_backbones", {"nearest": Nearest})
    extended = Registry(Discovery((*discover().provisions, provision), ()))
    tables["networks"]["encoder"] = {"use": "nearest"}
    return lambda *settings: resolve(load_recipe(tables, extended, settings), extended)


def test_a_backbone_may_bring_the_encoders_head(with_nearest: Callable[..., Resolved], tmp_path: Path) -> None:
    encoder = assemble(with_nearest(), (tmp_path,)).networks["encoder"]
    assert isinstance(encoder, EncoderNetwork)
    code = encoder(Images(torch.rand(6, 100)))
    assert code.logits.shape == (6, 4)
    assert code.style.shape == (6, 3)
    torch.testing.assert_close(code.logits, -torch.cdist(code.style, encoder.head.centroids))
    assert code.features.shape == (6, 5)


def test_a_head_that_comes_with_its_backbone_has_a_log_variance_beside_it(
    with_nearest: Callable[..., Resolved], tmp_path: Path
) -> None:
    plain = assemble(with_nearest(), (tmp_path,)).networks["encoder"]
    encoder = assemble(with_nearest("networks.encoder.log_variance=true"), (tmp_path,)).networks["encoder"]
    images = Images(torch.rand(6, 100))
    code = encoder(images)
    torch.testing.assert_close(code.logits, plain(images).logits)
    torch.testing.assert_close(code.log_variance, encoder.variance_head(encoder.represent(images)))
    assert code.log_variance.shape == (6, 3)
    assert "variance_head.weight" not in plain.state_dict()


class PerCluster(ExtractorSpec):
    """A layer with one value per cluster, unless a width is set."""

    width: int | None = None

    def for_prior(self, prior: PriorSpec) -> "PerCluster":
        return self if self.width else self.model_copy(update={"width": prior.clusters})

    def extractor(self, shape: Shape) -> Extractor:
        assert self.width is not None, "for_prior sets it"
        return Mlp(hidden=(self.width,)).extractor(shape)


@pytest.mark.parametrize(("settings", "width"), [((), 4), (("networks.encoder.width=6",), 6)])
def test_a_backbone_takes_sizes_from_the_prior(
    registry: Registry, tables: dict[str, Any], tmp_path: Path, settings: tuple[str, ...], width: int
) -> None:
    provision = ProvidedParts(Provider("plugin", "1", "parts"), "provide_backbones", {"per-cluster": PerCluster})
    extended = Registry(Discovery((*discover().provisions, provision), ()))
    tables["networks"]["encoder"] = {"use": "per-cluster"}
    experiment = assemble(resolve(load_recipe(tables, extended, settings), extended), (tmp_path,))
    assert experiment.networks["encoder"].body.width == width
