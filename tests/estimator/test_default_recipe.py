"""Recipes for arrays: their networks read samples of any shape, and they are valid."""

import numpy as np
import pytest

from latentclust.errors import InvalidArgumentError
from latentclust.estimator.default_recipe import known_systems, newest, recipe_for, system_for
from latentclust.plugins.registry import installed
from latentclust.runs.given_samples import given_samples
from latentclust.runs.run import load_resolved_recipe, open_experiment

SHAPES = [(1,), (64,), (1, 8, 8), (3, 32, 32), (1, 5, 40), (4, 70, 50)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("system", ["auto", "dccs", "clustergan"])
def test_a_recipe_fits_any_shape(shape: tuple[int, ...], system: str) -> None:
    samples = np.random.default_rng(0).random((6, *shape)).astype(np.float32)
    tables = recipe_for(shape, 6, 3) if system == "auto" else system_for(system, shape, 6)
    overrides = {"prior.clusters": 3} | ({"data.layout_of_images": "chw"} if len(shape) > 1 else {})
    experiment, _ = open_experiment(load_resolved_recipe(tables, overrides, given=given_samples(samples)))
    assert experiment.resolved.prior.clusters == 3
    assert len(experiment.shape) == len(shape)


def test_small_images_are_enlarged_and_larger_ones_keep_their_size() -> None:
    assert recipe_for((1, 8, 8), 100, 10)["data"] == {"size": 16}
    assert recipe_for((1, 28, 28), 100, 10)["data"] == {}


def test_a_system_without_a_version_is_the_newest() -> None:
    assert newest("dccs", installed()) == f"dccs@{known_systems(installed())['dccs'][-1]}"
    assert newest("dccs@1", installed()) == "dccs@1"


def test_systems_that_need_augmented_images_refuse_vectors() -> None:
    with pytest.raises(InvalidArgumentError, match="the system 'iic' compares augmented images"):
        system_for("iic", (4,), 10)
