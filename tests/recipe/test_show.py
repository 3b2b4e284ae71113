"""Recipes as TOML with the origin of each value."""

import tomllib

import pytest

from latentclust.recipe.merge import Layered
from latentclust.recipe.show import annotated, inline


@pytest.mark.parametrize(
    "value",
    [
        True,
        3,
        -0.5,
        1e-4,
        1e20,
        "plain",
        'with "quotes", # and \\',
        "",
        [],
        [1, 2],
        [[1.0], ["a"]],
        {"a": {"b": [{"c d": 1}]}},
    ],
)
def test_a_value_on_one_line_is_read_back_as_it_was(value):
    line = f"value = {inline(value)}"

    assert "\n" not in line
    assert tomllib.loads(line)["value"] == value


def test_tables_are_read_back_as_they_were_and_each_value_names_its_layer():
    base = {
        "name": "a",
        "losses": {"x y": {"use": "mmd", "on": {"code": "z"}}, "w": {"use": "gan"}},
        "steps": [{"use": "f"}],
    }
    layered = Layered().over(base, "base@1").over({"name": "b", "losses": {"w": {"weight": 2.0}}}, "mine.toml")
    text = annotated(layered)

    assert tomllib.loads(text) == layered.tree
    origins = {line.split(" = ")[0]: line.rpartition("# ")[2] for line in text.splitlines() if " = " in line}
    assert origins["name"] == origins["weight"] == "mine.toml"
    assert origins["steps"] == origins["code"] == "base@1"
