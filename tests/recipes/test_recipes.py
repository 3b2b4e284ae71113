"""Every recipe and every system that ships."""

import re
from importlib.resources.abc import Traversable
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from latentclust.assemble.graph import dot, mermaid, trees
from latentclust.assemble.resolve import Resolved, resolve, resolve_system
from latentclust.plugins.registry import Part, Registry, installed
from latentclust.recipe.load import load_recipe, shipped_recipes

SYSTEMS = installed().parts("system")
RECIPES = shipped_recipes()
FOLDER = Path(__file__).parents[2] / "recipes"


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_resolves_under_its_files_name(name: str, registry: Registry) -> None:
    found = resolve(load_recipe(name, registry), registry)
    assert found.recipe.name == name
    assert found.recipe.description
    assert found.loaded.layered.dropped == {}, "a key that another backbone drops is set again"
    plain = "pixel-kmeans" if found.prior.per_pixel else "kmeans"
    assert plain in {name.partition("-on-")[0] for name in found.baselines}, (
        "every report prints the k-means baseline beside the result"
    )
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
def test_a_system_of_stages_sets_no_rounds_besides_theirs(system: Part, registry: Registry) -> None:
    """A recipe that sets the rounds of the stages would otherwise have them scaled to those of the system."""
    tree = load_recipe({"extends": system.qualified, "data": {"use": "digits"}}, registry).layered.tree
    assert not ("stages" in tree and "rounds" in tree["train"])


@pytest.mark.parametrize("system", SYSTEMS, ids=[part.name for part in SYSTEMS])
def test_a_system_is_complete_except_for_its_data(system: Part, registry: Registry) -> None:
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


# Drawings


def check_drawings(found: Resolved) -> None:
    """Every loss of every player is in the tree, in the Graphviz text and in the Mermaid text, as are its reads."""
    console = Console(width=200, file=StringIO())
    for tree in trees(found):
        console.print(tree)
    assert isinstance(console.file, StringIO)
    tree_text, dot_text, mermaid_text = console.file.getvalue(), dot(found), mermaid(found)
    for plan in found.plans.values():
        names = {*(term.name for term in plan.terms), *(node.name for node in plan.nodes), *plan.given}
        assert [name for name in names if name not in tree_text] == []
        assert [name for name in names if f'"{name}"' not in dot_text] == []
        assert [name for name in names if not re.search(rf'"{re.escape(name)}(, weight|")', mermaid_text)] == []
    check_mermaid(mermaid_text)


FRAME, NODE = re.compile(r'  subgraph \w+\["[^"]+"\]'), re.compile(r'    (\w+)[\[(]+"[^"]+"[\])]+(:::\w+)?')
EDGE, STYLE = re.compile(r"    (\w+) --> (\w+)"), re.compile(r"  classDef \w+ \S+")


def check_mermaid(text: str) -> None:
    """The lines are of the few forms that are used, every name is declared once, and arrows join declared names."""
    first, *lines = text.splitlines()
    assert first == "flowchart LR"
    nodes = [found[1] for line in lines if (found := NODE.fullmatch(line))]
    arrows = [found.groups() for line in lines if (found := EDGE.fullmatch(line))]
    assert len(nodes) == len(set(nodes))
    assert {end for arrow in arrows for end in arrow} <= set(nodes)
    others = [line for line in lines if not NODE.fullmatch(line) and not EDGE.fullmatch(line)]
    assert [line for line in others if not (FRAME.fullmatch(line) or STYLE.fullmatch(line) or line == "  end")] == []


@pytest.mark.parametrize("name", RECIPES)
def test_the_graph_of_a_recipe_is_drawn(name: str, registry: Registry) -> None:
    check_drawings(resolve(load_recipe(name, registry), registry))


@pytest.mark.parametrize("system", SYSTEMS, ids=[part.name for part in SYSTEMS])
def test_the_graph_of_a_system_is_drawn(system: Part, registry: Registry) -> None:
    check_drawings(resolve_system(system.name, registry))
