"""Every recipe and every system that ships."""

from importlib.resources.abc import Traversable
from pathlib import Path

import pytest

from latentclust.assemble.resolve import resolve
from latentclust.recipe.load import load_recipe, shipped_recipes
from latentclust.registry import Part, Registry, installed

SYSTEMS = installed().parts("system")
RECIPES = shipped_recipes()
FOLDER = Path(__file__).parents[2] / "recipes"


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_resolves_under_its_files_name(name: str, registry: Registry) -> None:
    found = resolve(load_recipe(name, registry), registry)
    assert found.recipe.name == name
    assert found.recipe.description
    plain = "pixel-kmeans" if found.prior.per_pixel else "kmeans"
    assert plain in found.baselines, "every report prints the k-means baseline beside the result"
    assert {"accuracy", "purity", "nmi", "ari"} <= set(found.metrics)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_names_its_data_set(name: str, registry: Registry) -> None:
    data = load_recipe(name, registry).recipe.data.use.replace("-", "")
    named_after_its_scene = data == "raster"
    assert named_after_its_scene or name.startswith(data) or data.startswith(name.partition("-")[0])


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_says_where_it_comes_from(name: str) -> None:
    assert RECIPES[name].read_text("utf-8").startswith("# "), "its first line is a comment that says what it is"


def test_every_file_of_the_folder_is_a_shipped_recipe() -> None:
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(RECIPES)
    assert all(isinstance(item, Traversable) for item in RECIPES.values())


@pytest.mark.parametrize("system", SYSTEMS, ids=[part.name for part in SYSTEMS])
def test_a_system_lacks_nothing_but_data(system: Part, registry: Registry) -> None:
    name, _, version = system.name.partition("@")
    assert version.isdecimal()
    tables = {"extends": system.qualified, "data": {"use": "digits"}}
    found = resolve(load_recipe(tables, registry), registry)
    assert found.recipe.name == name
    assert found.recipe.description
    assert found.loaded.layered.origins["data.use"] == "the given tables"
    assert all(origin == "the given tables" or "@" in origin for origin in found.loaded.layered.origins.values())


@pytest.mark.parametrize("system", SYSTEMS, ids=[part.name for part in SYSTEMS])
def test_a_system_is_selected_without_labels(system: Part, registry: Registry) -> None:
    recipe = load_recipe({"extends": system.name, "data": {"use": "digits"}}, registry).recipe
    assert recipe.train.select_by == "last" or recipe.train.select_by.startswith("losses.")
    assert recipe.evaluate.every == 0, "a learning curve reads labels, and is the user's to ask for"
