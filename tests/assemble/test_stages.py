"""Stages of a recipe: how long each is, what counts in it, and every way in which they do not fit."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from latentclust.assemble.graph import dot, trees
from latentclust.assemble.resolve import Resolved, resolve, with_defaults
from latentclust.assemble.stages import selected_by
from latentclust.errors import LatentclustError
from latentclust.plugins.registry import installed
from latentclust.recipe.load import load_recipe
from latentclust.recipe.show import annotated

RECIPE = Path(__file__).parents[1] / "train" / "stages.toml"

pytestmark = pytest.mark.usefixtures("whole_set")


def found(*settings: str) -> Resolved:
    return resolve(load_recipe(tomllib.loads(RECIPE.read_text()), installed(), settings), installed())


def issues(*settings: str) -> list[str]:
    try:
        found(*settings)
    except LatentclustError as error:
        return [str(issue) for issue in error.issues]
    return []


def test_each_stage_has_the_plans_of_the_losses_that_count_in_it() -> None:
    pretraining, clustering = found("losses.always={use='style-divergence', player='encoder', weight=0.1}").stages[:2]
    assert (pretraining.name, pretraining.first, pretraining.last) == ("pretraining", 0, 5)
    assert (clustering.name, clustering.first, clustering.last) == ("clustering", 5, 12)
    assert {name: [t.name for t in plan.terms] for name, plan in pretraining.plans.items()} == {
        "autoencoder": ["reconstruction"],
        "encoder": ["always"],
    }
    assert list(clustering.plans) == ["encoder"]
    assert [term.name for term in clustering.plans["encoder"].terms] == ["towards", "kept", "always"]


def test_a_plan_of_some_losses_computes_and_is_given_what_they_read_alone() -> None:
    plan = found().plans["encoder"]
    towards = plan.restricted({"towards"})
    assert [node.name for node in towards.nodes] == ["code_of_real"]
    assert set(towards.given) == {"encoder", "images", "target"}
    kept = plan.restricted({"kept"})
    assert [node.name for node in kept.nodes] == ["code_of_real", "reconstruction"]
    assert set(kept.given) == {"encoder", "images", "generator"}
    assert plan.restricted({"towards", "kept"}) == plan


def test_a_plan_that_reads_an_alignment_keeps_its_view(resolved: Callable[..., Resolved]) -> None:
    (plan,) = resolved(RECIPE.with_name("iic-pixel.toml")).plans.values()
    assert {"view", "view_alignment"} <= set(plan.restricted({"main"}).given)
    assert plan.restricted({term.name for term in plan.terms}) == plan


@pytest.mark.parametrize(
    ("settings", "ends"),
    [
        ((), [5, 12]),
        (("stages.pretraining.rounds=50",), [50, 57]),
        (("train.rounds=24",), [10, 24]),
        (("train.rounds=2",), [1, 2]),
        (("train.rounds=3", "stages.pretraining.rounds=1000"), [2, 3]),
        (("train.rounds=3", "stages.clustering.rounds=1000"), [1, 3]),
        (("stages.more.rounds=4", "losses.towards.stages=['clustering', 'more']", "train.rounds=8"), [2, 6, 8]),
    ],
)
def test_stages_last_as_long_as_they_say_or_share_the_rounds_that_are_said(
    settings: tuple[str, ...], ends: list[int]
) -> None:
    resolved = found(*settings)
    assert [stage.last for stage in resolved.stages] == ends
    assert [stage.first for stage in resolved.stages] == [0, *ends[:-1]]
    assert resolved.recipe.train.rounds == ends[-1]


def test_the_recipe_with_its_defaults_is_the_same_recipe() -> None:
    full = annotated(with_defaults(found("stages.clustering.start={use='centred', noise=0.5}")))
    again = resolve(load_recipe(tomllib.loads(full), installed()), installed())
    assert again.stages == found("stages.clustering.start={use='centred', noise=0.5}").stages


def test_the_last_stage_may_have_its_own_selection() -> None:
    resolved = found("stages.clustering.select_by='losses.kept'")
    full = annotated(with_defaults(resolved))
    again = resolve(load_recipe(tomllib.loads(full), installed()), installed())
    for recipe in (resolved.recipe, again.recipe):
        assert selected_by(recipe, "clustering") == ("losses.kept", "stages.clustering.select_by")
        assert selected_by(recipe, "pretraining")[0] == "last"


def test_the_drawing_names_the_stages(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    for tree in trees(found()):
        Console(width=100).print(tree)
    text = capsys.readouterr().out
    assert text.startswith("stage pretraining: rounds 1 to 5\n")
    assert "stage clustering: rounds 6 to 12, begins with centred" in text
    assert "player encoder: 1 step a round, moves encoder, holds generator" in text
    drawn = dot(found())
    assert drawn.count("{") == drawn.count("}") == 3
    assert '"clustering/encoder/target" -> "clustering/encoder/losses.towards";' in drawn


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("stages.pretraining.rounds=0",), "stages.pretraining.rounds: invalid value 0."),
        (("stages.pretraining.round=3",), "stages.pretraining.round: unknown key 'round'. Did you mean 'rounds'?"),
        (
            ("stages.more={}", "losses.towards.stages=['clustering', 'more']"),
            "stages.more.rounds: this key is missing. Add it",
        ),
        (
            ("losses.towards.stages=['clusterin']",),
            "losses.towards.stages: unknown stage 'clusterin'. Did you mean 'clustering'?",
        ),
        (("losses.towards.stages=[]",), "losses.towards.stages: invalid value []."),
        (
            ("stages.idle.rounds=3",),
            "stages.idle: no loss is active in this stage. Add 'idle' to the `stages` of a loss",
        ),
        (
            ("train.rounds=1",),
            "train.rounds: must be at least the number of stages, 2, got 1. Use at least 2, or remove the key",
        ),
        (
            ("stages.clustering.optimizers.encode.lr=0.1",),
            "stages.clustering.optimizers.encode: unknown player 'encode'. Did you mean 'encoder'?",
        ),
        (
            ("stages.clustering.optimizers.autoencoder.lr=0.1",),
            "stages.clustering.optimizers.autoencoder: 'autoencoder' takes no steps in this stage, because none of its "
            "losses is active. Add 'clustering' to the `stages` of a loss, or remove the table",
        ),
        (
            ("stages.pretraining.select_by='losses.towards'",),
            "stages.pretraining.select_by: 'losses.towards' is not a loss of the stage 'pretraining'.",
        ),
        (
            ("stages.clustering.start='centered'",),
            "stages.clustering.start: unknown start 'centered'. Did you mean 'centred'?",
        ),
        (
            ("stages.clustering.start={use='centred', nois=1.0}",),
            "stages.clustering.start.nois: unknown key 'nois'. Did you mean 'noise'?",
        ),
        (
            ("stages.clustering.start={use='centred', network='coder'}",),
            "stages.clustering.start: requires the network 'coder', which is missing. Add [networks.coder]",
        ),
        (
            ("train.select_by='losses.reconstruction'",),
            "train.select_by: 'losses.reconstruction' is not a loss of the last stage, 'clustering'. Did you mean",
        ),
        (
            ("train.select_by='losses.towards'", "stages.clustering.select_by='losses.kept'"),
            "train.select_by: is for the last stage, and stages.clustering.select_by is set too. "
            "Remove stages.clustering.select_by, or set train.select_by = 'last'",
        ),
    ],
)
def test_each_mistake_is_reported_alone(settings: tuple[str, ...], said: str) -> None:
    (told,) = issues(*settings)
    assert told.startswith(said), told


def test_stages_of_a_loss_are_refused_where_the_recipe_has_none(
    tables: dict[str, Any], resolved: Callable[..., Resolved]
) -> None:
    with pytest.raises(LatentclustError) as caught:
        resolved(tables, "losses.critic.stages=['first']")
    assert str(caught.value) == ("losses.critic.stages: unknown stage 'first'. Add [stages.first], or remove the key")


def test_a_recipe_without_stages_is_one_stage(tables: dict[str, Any], resolved: Callable[..., Resolved]) -> None:
    (stage,) = resolved(tables).stages
    assert (stage.name, stage.first, stage.last, stage.start) == ("", 0, 4, None)
    assert stage.plans == resolved(tables).plans


def test_the_error_for_a_recipe_without_rounds_or_stages_says_to_add_them(tables: dict[str, Any]) -> None:
    del tables["train"]["rounds"]
    with pytest.raises(LatentclustError, match=r"^train\.rounds: this key is missing"):
        resolve(load_recipe(tables, installed()), installed())


def test_all_mistakes_are_reported_together() -> None:
    told = issues("stages.pretraining.rounds=0", "losses.towards.stages=['x']", "stages.clustering.start='y'")
    assert len(told) == 3
