"""Baselines of images beside label maps, and the reverse, are issues of the recipe."""

from typing import Any, ClassVar

import pytest

from latentclust.assemble.lookup import Lookup
from latentclust.assemble.recipe_checks import check_baselines
from latentclust.bundled.baselines import KMeans
from latentclust.bundled.map_baselines import PixelKMeans
from latentclust.bundled.priors import OneHotGaussian
from latentclust.plugins.registry import Registry
from latentclust.recipe.load import load_recipe

BASELINES = {"kmeans": KMeans(), "pixel-kmeans": PixelKMeans()}


class Maps(OneHotGaussian):
    per_pixel: ClassVar[bool] = True


@pytest.fixture
def find(registry: Registry, tables: dict[str, Any]) -> Lookup:
    return Lookup(registry, load_recipe(tables, registry).tables)


@pytest.mark.parametrize(
    ("kind", "refused", "said"),
    [
        (OneHotGaussian, "'pixel-kmeans'", "clusters pixels, but the prior clusters images"),
        (Maps, "'kmeans'", "clusters whole images, but the prior clusters pixels"),
    ],
)
def test_the_one_that_does_not_fit_is_named(find: Lookup, kind: type, refused: str, said: str) -> None:
    check_baselines(find, kind(clusters=3, style_dim=2), BASELINES)
    (issue,) = find.issues
    assert issue.where == "evaluate.baselines"
    assert refused in issue.what
    assert said in issue.what
    assert issue.fix


def test_of_an_unknown_prior_nothing_is_said(find: Lookup) -> None:
    check_baselines(find, None, BASELINES)
    assert find.issues == []


def test_a_recipe_of_images_refuses_a_baseline_of_pixels(issues: Any, tables: dict[str, Any]) -> None:
    (issue,) = issues(tables, "evaluate.baselines=['kmeans', 'pixel-kmeans']")
    assert issue.where == "evaluate.baselines"
    assert "'pixel-kmeans'" in issue.what
