"""Trials: what is divided by ten, what stays, and the mark."""

from typing import Any

import pytest

from latentclust.assemble.resolve import resolve
from latentclust.plugins.registry import Registry
from latentclust.recipe.load import load_recipe, shipped_recipes
from latentclust.recipe.merge import Layered
from latentclust.recipe.trial import as_trial


def shortened(tree: dict[str, Any]) -> dict[str, Any]:
    return as_trial(Layered().over(tree, "test")).tree


def test_rounds_and_intervals_are_divided_and_checkpoints_are_not() -> None:
    train = {"rounds": 1234, "select_every": 70, "log_every": 5, "checkpoint_every": 50, "batch_size": 64}
    found = shortened({"train": train, "evaluate": {"every": 200}, "tables": {"target": {"use": "t", "every": 140}}})
    assert found["train"] == {
        "rounds": 123,
        "select_every": 7,
        "log_every": 1,
        "checkpoint_every": 50,
        "batch_size": 64,
        "trial": True,
    }
    assert found["evaluate"] == {"every": 20}
    assert found["tables"] == {"target": {"use": "t", "every": 14}}


def test_unset_intervals_are_divided_too_and_zero_stays_off() -> None:
    found = shortened({"train": {"rounds": 600}, "evaluate": {"every": 0}, "tables": {"target": {"every": 0}}})
    assert (found["train"]["select_every"], found["train"]["log_every"]) == (10, 2)
    assert (found["evaluate"]["every"], found["tables"]["target"]["every"]) == (0, 0)


def test_stages_share_a_tenth_of_their_sum_and_keep_a_round_each() -> None:
    stages = {"one": {"rounds": 30}, "two": {"rounds": 50}}
    assert shortened({"stages": stages, "train": {}})["train"]["rounds"] == 8
    assert shortened({"stages": stages, "train": {"rounds": 5}})["train"]["rounds"] == 2
    assert shortened({"stages": stages, "train": {}})["stages"] == stages


def test_a_trial_of_a_trial_is_the_same() -> None:
    once = as_trial(Layered().over({"train": {"rounds": 1000}}, "test"))
    assert as_trial(once) is once


@pytest.mark.parametrize("rounds", ["many", True, -5, 1.5])
def test_what_is_no_number_of_rounds_is_left_to_the_validation(rounds: object) -> None:
    assert shortened({"train": {"rounds": rounds}})["train"]["rounds"] == rounds


def test_settings_come_before_the_division(registry: Registry) -> None:
    assert load_recipe("digits", registry, ("train.rounds=300",), quick=True).recipe.train.rounds == 30


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_any_shipped_recipe_has_a_trial_on_the_same_data(name: str, registry: Registry) -> None:
    whole, trial = load_recipe(name, registry), load_recipe(name, registry, quick=True)
    if not whole.recipe.losses:  # nothing is trained
        assert trial.recipe == whole.recipe
        return
    assert trial.recipe.train.rounds == whole.recipe.train.rounds // 10
    assert trial.recipe.data == whole.recipe.data
    assert trial.recipe.losses == whole.recipe.losses
    assert trial.recipe.train.trial
    assert trial.variant != whole.variant
    assert trial.layered.origins["train.rounds"] == "--quick"
    assert resolve(trial, registry).recipe.train.trial  # a tenth of the rounds is enough to compare starts
