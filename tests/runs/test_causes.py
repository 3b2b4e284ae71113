"""What a run shows of too little training, and the keys that its recipe has for it."""

from collections.abc import Callable
from math import log
from pathlib import Path

import pytest

from latentclust.plugins.registry import installed
from latentclust.runs.causes import find_causes
from latentclust.runs.run import load_resolved_recipe

RECIPES = Path(__file__).parents[1] / "train"


def history(**losses: list[float]) -> list[dict[str, float]]:
    return [dict(zip(losses, values, strict=True)) for values in zip(*losses.values(), strict=True)]


def test_losses_and_confidence_at_chance_name_rounds_weight_and_rate() -> None:
    resolved = load_resolved_recipe(RECIPES / "dccs.toml")
    found = find_causes(resolved, history(**{"mutual-information": [1.39, 1.384]}), 0.104)
    assert found.at_chance
    assert found.sentences == (
        "The loss mutual-information is 1.38 (1.39 at chance) and the mean confidence is 0.104 (1/K = 0.1 at chance): "
        "too little is learned yet. Raise train.rounds (now 8); if nothing changes, raise "
        "losses.mutual-information.weight or players.encoder.optimizer.lr.",
    )


def test_a_loss_that_still_falls_asks_for_rounds() -> None:
    resolved = load_resolved_recipe(RECIPES / "dccs.toml")
    falling = history(**{"mutual-information": [1.3, 1.1, 0.9, 0.7], "critic": [-1.0, -2.0, -3.0, -4.0]})
    expected = ("The loss mutual-information still falls at the last round: raise train.rounds (now 8).",)
    assert find_causes(resolved, falling, 0.9).sentences == expected, "the critic's loss is that of a game"


def test_losses_of_a_single_player_all_count() -> None:
    resolved = load_resolved_recipe(RECIPES / "autoencoder.toml")
    (name,) = [term.name for plan in resolved.plans.values() for term in plan.terms][:1]
    (sentence,) = find_causes(resolved, history(**{name: [3.0, 2.0, 1.0]}), 0.9).sentences
    assert sentence.startswith(f"The loss {name} still falls at the last round: raise train.rounds (now ")


def test_a_run_that_has_converged_shows_nothing() -> None:
    resolved = load_resolved_recipe(RECIPES / "dccs.toml")
    assert find_causes(resolved, history(**{"mutual-information": [0.5] * 12}), 0.97).sentences == ()
    assert find_causes(resolved, (), None).sentences == ()


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("mutual-information", {}, 2 * log(2)),
        ("category-recovery", {}, log(10)),
        ("invariant-information", {}, 0.0),
        ("pixel-invariant-information", {"entropy_coefficient": 1.5}, -log(10)),
        ("reconstruction", {}, None),
    ],
)
def test_values_at_chance(name: str, options: dict[str, float], expected: float | None) -> None:
    loss: Callable[..., object] = installed().find("loss", name, "losses").value
    found = loss(**options).chance(10)  # type: ignore[attr-defined]
    assert found == (None if expected is None else pytest.approx(expected))
