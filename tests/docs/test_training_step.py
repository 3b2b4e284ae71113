"""docs/explanation/training-step.md names functions that there are, and draws what `recipe show --graph` prints."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from latentclust.assemble.graph import mermaid
from latentclust.assemble.resolve import resolve_system
from latentclust.plugins.registry import Registry
from tests.docs.scripts import load_script

PAGE = "docs/explanation/training-step.md"
NAMED = re.compile(r"`([\w/]+)\.py`(?:: | \| )`(\w+)`")


def script() -> Any:
    """The module that writes the page."""
    return load_script("docs/scripts/training_step.py")


def test_the_page_is_what_its_script_writes(page):
    assert page(PAGE).text == script().filled(page(PAGE).text), "run `python docs/scripts/training_step.py`"


def test_it_draws_the_graph_of_dls(page, registry: Registry):
    assert page(PAGE).blocks("mermaid") == [mermaid(resolve_system("dls@1", registry))]


def test_it_shows_both_methods_of_a_step(page):
    heads = [block.partition("(")[0] for block in page(PAGE).blocks("python")]
    assert heads[-2:] == ["def step", "def compute"]


def test_the_functions_that_it_names_are_there(page):
    found = NAMED.findall(page(PAGE).prose)
    assert len(found) > 12
    for file, name in found:
        assert hasattr(import_module(f"latentclust.{file.replace('/', '.')}"), name), f"{file}.py: {name}"


@pytest.mark.parametrize("name", ["Training.run", "Training._train_round", "Player.step", "Player.compute"])
def test_the_methods_that_it_names_are_there(name: str, page):
    assert f"`{name}`" in page(PAGE).text
    owner, _, method = name.partition(".")
    home = import_module("latentclust.train.loop" if owner == "Training" else "latentclust.train.step")
    assert hasattr(getattr(home, owner), method)


def test_the_tables_that_it_begins_with_are_the_recipes(page):
    (block,) = page(PAGE).blocks("toml")
    recipe = Path(__file__).parents[2] / "recipes" / "digits-dls.toml"
    assert block in recipe.read_text(encoding="utf-8")
