"""Tables of a recipe: what they give to plans, and every way in which they do not fit."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from latentclust.assemble.resolve import Resolved, resolve, with_defaults
from latentclust.errors import Issue, LatentclustError
from latentclust.plugins.registry import installed
from latentclust.recipe.load import load_recipe

RECIPE = Path(__file__).parents[1] / "train" / "tables.toml"

Found = Callable[..., Resolved]

pytestmark = pytest.mark.usefixtures("whole_set")


def found(*settings: str) -> Resolved:
    return resolve(load_recipe(tomllib.loads(RECIPE.read_text()), installed(), settings), installed())


def issues(*settings: str) -> list[str]:
    try:
        found(*settings)
    except LatentclustError as error:
        return [f"{issue.where}: {issue.what}. {issue.fix}" for issue in error.issues]
    return []


def test_the_rows_and_the_images_of_a_table_are_given_to_plans() -> None:
    resolved = found()
    plan = resolved.plans["both"]
    assert {"target", "neighbours_images"} <= set(plan.given)
    assert "neighbours" not in plan.given
    assert set(resolved.tables) == {"target", "neighbours"}
    assert "latentclust-whole-set" in resolved.distributions


def test_a_table_whose_loss_is_disabled_is_left_out() -> None:
    resolved = found("losses.towards.enabled=false")
    assert set(resolved.tables) == {"neighbours"}


def test_a_table_is_shown_with_its_defaults() -> None:
    tree: Any = with_defaults(found()).tree
    assert tree["tables"]["neighbours"] == {"use": "nearest", "every": 0, "count": 3, "shift": 0, "drawn": False}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("tables.target.evry=2",), "tables.target.evry: unknown key 'evry'. Did you mean 'every'?"),
        (("tables.target.every=-1",), "tables.target.every: invalid value -1."),
        (("tables.target.use='sharpend'",), "tables.target.use: unknown table 'sharpend'. Did you mean"),
        (
            ("tables.idle={use='sharpened'}",),
            "tables.idle: no loss depends on this table. Bind a loss to 'idle' with `on`, or remove the table",
        ),
        (
            ("losses.towards.on={target='neighbours'}", "tables.target.use='sharpened'"),
            "losses.towards.on.target: the loss expects Targets, but 'neighbours' is Neighbours.",
        ),
        (
            ("tables.generator={use='sharpened'}",),
            "tables.generator: the name 'generator' is already used in this recipe. Give the table another name",
        ),
        (
            ("views={neighbours_images={use='point-affine'}}",),
            "tables.neighbours: the name 'neighbours_images' is already used in this recipe.",
        ),
        (
            ("losses.towards.on={target='target_images'}",),
            "losses.towards.on.target: the loss reads 'target_images', which is not a known quantity.",
        ),
    ],
)
def test_mistakes_are_reported(settings: tuple[str, ...], said: str) -> None:
    assert any(line.startswith(said) for line in issues(*settings)), issues(*settings)


def test_a_table_that_reads_a_network_that_is_not_there_says_so() -> None:
    (told,) = issues("tables.target.network='coder'")
    said = "tables.target: 'sharpened' requires the network 'coder', which is missing. Add [networks.coder]"
    assert told == said


def test_a_table_with_a_mistake_makes_no_other() -> None:
    assert len(issues("tables.target.every=-1")) == 1
    assert len(issues("tables.target.use='sharpend'")) == 1
    assert len(issues("tables.other={uses='nearest'}")) == 1
    assert len(issues("losses.towards.player='bothh'")) == 1


def test_all_mistakes_are_reported_together() -> None:
    told = issues("tables.target.every=-1", "tables.other={use='nearest', count='3'}", "losses.alike.player='bothh'")
    assert len(told) == 3


def test_issues_are_issues() -> None:
    with pytest.raises(LatentclustError) as caught:
        found("tables.target.every=-1")
    assert all(isinstance(issue, Issue) for issue in caught.value.issues)
