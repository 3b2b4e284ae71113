"""The `Example:` of every bundled part is a recipe table that resolves strictly against a system."""

import inspect
import re
import textwrap
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from latentclust.assemble.resolve import resolve
from latentclust.errors import LatentclustError
from latentclust.plugins.discovery import BUNDLED
from latentclust.plugins.registry import Part, Registry, installed
from latentclust.recipe.load import load_recipe

TABLE_OF_KIND = {
    "backbone": "networks",
    "baseline": "evaluate",
    "dataset": "data",
    "inference": "inference",
    "loss": "losses",
    "metric": "evaluate",
    "prior": "prior",
    "table": "tables",
    "view": "views",
}
"""The top-level table in which a recipe uses a kind of part."""

BESIDE = {"view": {"data"}, "table": {"losses"}, "inference": {"networks"}}
"""Other top-level tables of an example: a view may preprocess `data`, and a sample table needs a loss; an inference may
read a network that no system has."""

EXAMPLE = re.compile(r"^Example:\n    ```toml\n(.*?)^    ```$", re.MULTILINE | re.DOTALL)

SYSTEMS = [part.name for part in installed().parts("system") if part.provider.distribution == BUNDLED]


def bundled_parts() -> list[Part]:
    parts = [part for kind in TABLE_OF_KIND for part in installed().parts(kind)]
    return [part for part in parts if part.provider.distribution == BUNDLED]


def examples(part: Part) -> list[str]:
    """The TOML of the examples in the docstring of a part."""
    return [textwrap.dedent(found) for found in EXAMPLE.findall(inspect.getdoc(part.value) or "")]


def used(value: Any) -> Iterator[str]:
    """Every name of a part in a table: the values of `use`, and the plain names in lists of parts."""
    if isinstance(value, Mapping):
        yield from (str(value["use"]) for _ in range("use" in value))
        for below in value.values():
            yield from used(below)
    elif isinstance(value, list):
        for item in value:
            yield from [item] if isinstance(item, str) else used(item)


def resolution_issues(tables: Mapping[str, Any], registry: Registry) -> dict[str, str]:
    """What stops the tables from resolving over each bundled system; empty as soon as one takes them."""
    issues: dict[str, str] = {}
    for system in SYSTEMS:
        recipe = {"extends": system, "name": "example", "data": {"use": "digits"}, **tables}
        try:
            resolve(load_recipe(recipe, registry), registry)
        except LatentclustError as error:
            issues[system] = str(error)
        else:
            return {}
    return issues


@pytest.mark.parametrize("part", bundled_parts(), ids=lambda part: f"{part.kind}-{part.name}")
def test_a_bundled_part_has_an_example_that_resolves(part: Part, registry: Registry) -> None:
    found = examples(part)
    assert len(found) == 1, "its docstring must have one `Example:` with a ```toml block"
    tables = tomllib.loads(found[0])
    expected = {TABLE_OF_KIND[part.kind]} | BESIDE.get(part.kind, set())
    assert set(tables) <= expected
    assert part.name in used(tables)
    assert resolution_issues(tables, registry) == {}


def test_an_example_with_an_unknown_option_is_refused(registry: Registry) -> None:
    tables = {"losses": {"mmd": {"use": "mmd", "player": "generator", "width": 1.0}}}
    issues = resolution_issues(tables, registry)
    assert set(issues) == set(SYSTEMS)
    assert all("width" in issue for issue in issues.values())
