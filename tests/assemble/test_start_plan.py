"""The plan of several starts: when they are compared, by what, and every way in which a recipe does not fit."""

import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from latentclust.assemble.resolve import Resolved, resolve, resolve_system
from latentclust.assemble.stages import first_trained
from latentclust.assemble.start_plan import Criterion, start_plan
from latentclust.errors import LatentclustError
from latentclust.plugins.registry import Registry, installed
from latentclust.recipe.load import load_recipe

RECIPES = Path(__file__).parents[1] / "train"


@pytest.fixture
def dccs(resolved: Callable[..., Resolved]) -> Callable[..., Resolved]:
    """Resolve the tiny recipe of DCCS under settings."""
    tables = tomllib.loads((RECIPES / "dccs.toml").read_text())
    return lambda *settings: resolved(tables, *settings)


def stages(*settings: str) -> Resolved:
    """Resolve the tiny recipe with stages, against the parts that the fixture `whole_set` installs."""
    tables = tomllib.loads((RECIPES / "stages.toml").read_text())
    return resolve(load_recipe(tables, installed(), settings), installed())


def issues(dccs: Callable[..., Resolved], *settings: str) -> list[str]:
    try:
        dccs(*settings)
    except LatentclustError as error:
        return [str(issue) for issue in error.issues]
    return []


@pytest.mark.parametrize(
    ("starts", "rounds", "decisions", "kept"),
    [
        ("1", 800, (), []),
        ("2", 800, (200,), [1]),
        ("3", 800, (100, 200), [2, 1]),
        ("4", 800, (100, 200), [2, 1]),
        ("5", 800, (50, 100, 200), [3, 2, 1]),
        ("8", 801, (50, 100, 200), [4, 2, 1]),
        ("{ count = 4, fraction = 0.5 }", 800, (200, 400), [2, 1]),
        ("{ count = 2, fraction = 1.0 }", 800, (800,), [1]),
        ("{ count = 1 }", 800, (), []),
    ],
)
def test_starts_are_halved_until_one_is_left(
    dccs: Callable[..., Resolved], starts: str, rounds: int, decisions: tuple[int, ...], kept: list[int]
) -> None:
    plan = start_plan(dccs(f"train.starts={starts}", f"train.rounds={rounds}").recipe)
    assert plan.decisions == decisions
    assert [plan.kept(number) for number in range(len(decisions))] == kept


def test_each_halving_costs_the_same_fraction_of_a_training(dccs: Callable[..., Resolved]) -> None:
    for count, halvings in ((2, 1), (4, 2), (8, 3), (16, 4)):
        plan = start_plan(dccs(f"train.starts={count}", "train.rounds=1600").recipe)
        alive, begin, trained = count, 0, 0
        for number, round_ in enumerate(plan.decisions):
            trained += alive * (round_ - begin)
            alive, begin = plan.kept(number), round_
        assert trained + 1600 - begin == 1600 * (1 + 0.25 * halvings)


@pytest.mark.usefixtures("whole_set")
def test_losses_are_averaged_over_the_second_half_but_not_before_the_stage() -> None:
    starts, rounds = "train.starts={count=4, fraction=0.5}", "train.rounds=64"
    found = stages(starts, rounds, "stages.pretraining.rounds=20", "stages.clustering.rounds=44")
    plan = start_plan(found.recipe)
    assert plan.decisions == (16, 32)
    assert [plan.window(number, found.stages) for number in (0, 1)] == [8, 20]


def test_bars_stand_for_the_magnitude_and_each_figure_has_its_direction() -> None:
    values = {
        "losses.critic": -0.3,
        "losses.main": -2.0,
        "information": 1.5,
        "empty-clusters": 2.0,
        "chains.energy": 7.0,
    }
    found = {name: Criterion.parse(name).badness(values) for name in (*values, "|losses.critic|")}
    assert found == {**values, "information": -1.5, "|losses.critic|": 0.3}
    assert Criterion.parse("|losses.critic|").key == "losses.critic"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            ("train.starts=2", "train.devices=2"),
            "train.starts: 2 starts cannot be combined with data-parallel training on 2 devices. Set train.devices = 1",
        ),
        (
            ("train.starts=8", "train.rounds=8"),
            "train.starts: 8 starts cannot be compared 3 times within 0.25 of 8 rounds. "
            "Set train.rounds to at least 16, or train.starts = 1 for a single start",
        ),
        (
            ("train.starts=2", "train.rounds=1"),
            "train.starts: 2 starts cannot be compared once within 0.25 of 1 rounds. "
            "Set train.rounds to at least 4, or train.starts = 1 for a single start",
        ),
        (
            ("train.starts=2", "train.score_starts_by=['losses.critc']"),
            "train.score_starts_by.0: 'losses.critc' is not a loss of this recipe. Did you mean 'losses.critic'?",
        ),
        (
            ("train.starts=2", "train.score_starts_by=['empty-clusters', 'accuracy']"),
            "train.score_starts_by.1: 'accuracy' is not a label-free criterion.",
        ),
        (
            ("train.starts=2", "train.score_starts_by=['chains.energy']"),
            "train.score_starts_by.0: 'chains.energy' requires an inference with chains.",
        ),
        (
            ("train.starts=2", "train.score_starts_by=['agreement']"),
            "train.score_starts_by.0: 'agreement' requires an inference with chains.",
        ),
        (
            ("train.starts=2", "train.score_starts_by=['recovery-error']"),
            "train.score_starts_by.0: 'recovery-error' requires the networks 'encoder' and 'generator'.",
        ),
        (("train.starts=0",), "train.starts: invalid value 0."),
        (("train.starts={count=2, fraction=0.0}",), "train.starts.fraction: invalid value 0.0."),
        (("train.starts={count=2, until=0.5}",), "train.starts.until: unknown key 'until'."),
        (("train.score_starts_by=[]",), "train.score_starts_by: invalid value []."),
    ],
)
def test_what_does_not_fit_is_named(dccs: Callable[..., Resolved], settings: tuple[str, ...], said: str) -> None:
    (issue,) = issues(dccs, *settings)
    assert issue.startswith(said)


@pytest.mark.parametrize("starts", [2, 3, 4, 8, 9])
@pytest.mark.parametrize("fraction", [0.05, 0.3, 0.4, 1.0])
def test_the_number_of_rounds_that_the_message_names_is_enough(
    dccs: Callable[..., Resolved], starts: int, fraction: float
) -> None:
    table = f"train.starts={{count={starts}, fraction={fraction}}}"
    (issue,) = issues(dccs, table, "train.rounds=1") or ["at least 1,"]  # two starts need one round
    enough = issue.partition("at least ")[2].partition(",")[0]
    assert not issues(dccs, table, f"train.rounds={enough}")


@pytest.mark.usefixtures("whole_set")
def test_a_loss_of_another_stage_does_not_compare_starts() -> None:
    settings = ("train.starts=2", "train.score_starts_by=['losses.towards']")
    with pytest.raises(LatentclustError, match=r"'losses.towards' is not active in the stage 'pretraining', in which"):
        stages(*settings)
    stages("train.starts={count=2, fraction=0.8}", settings[1])


def test_a_single_start_is_never_compared(dccs: Callable[..., Resolved]) -> None:
    """A recipe that switches off the loss by which its system compares starts stays valid, and the same variant."""
    assert not issues(dccs, "train.score_starts_by=['losses.gone']", "train.devices=2")
    single = {dccs(*given).loaded.variant for given in ((), ("train.starts=1",), ("train.score_starts_by=['x']",))}
    assert len(single) == 1
    assert dccs("train.starts=2").loaded.variant not in single


def test_every_bundled_system_can_be_trained_with_several_starts(registry: Registry) -> None:
    names = {part.name for part in registry.parts("system")}
    assert "dccs@1" in names
    for name in names - {"mixture-pixel@1"}:  # it trains nothing
        assert start_plan(resolve_system(name, registry, ("train.starts=4",)).recipe).count == 4


@pytest.mark.usefixtures("whole_set")
@pytest.mark.parametrize(
    ("starts", "decisions", "fraction"),
    [("2", (12,), 1.0), ("4", (9, 12), 1.0), ("{ count = 2, fraction = 0.4 }", (8,), 0.4)],
)
def test_starts_of_a_stage_are_compared_within_it(starts: str, decisions: tuple[int, ...], fraction: float) -> None:
    resolved = stages(f"stages.clustering.starts={starts}", "train.score_starts_by=['losses.towards']")
    plan = start_plan(resolved.recipe)
    assert (plan.stage, plan.first, plan.decisions, plan.fraction) == ("clustering", 5, decisions, fraction)
    assert plan.window(len(decisions) - 1, resolved.stages) >= 5
    assert first_trained(resolved.recipe, resolved.stages, "clustering") == []
    assert first_trained(resolved.recipe, resolved.stages, "pretraining") == ["encoder", "generator"]


@pytest.mark.usefixtures("whole_set")
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            ("train.starts=2",),
            "stages.clustering.starts: a training can have several starts in one place only. Keep one of "
            "stages.clustering.starts, train.starts; `weights-from-run` lets another run begin with a chosen start",
        ),
        (
            ("stages.clustering.starts=64",),
            "stages.clustering.starts: 64 starts cannot be compared 6 times within 1 of 7 rounds. Set "
            "stages.clustering.rounds to at least 32, or stages.clustering.starts = 1 for a single start",
        ),
        (
            ("train.score_starts_by=['losses.reconstruction']",),
            "train.score_starts_by.0: 'losses.reconstruction' is not active in the stage 'clustering', in which starts "
            "are compared. Name another criterion, or set stages.clustering.starts.fraction",
        ),
        (
            ("stages.clustering.select_by='losses.kept'",),
            "stages.clustering.select_by: 'losses.kept' cannot select weights of a stage with 2 starts, whose last "
            "weights are compared. Set stages.clustering.select_by = 'last', or stages.clustering.starts = 1",
        ),
        (
            ("train.select_by='losses.towards'",),
            "train.select_by: 'losses.towards' cannot select weights of a stage with 2 starts, whose last weights are "
            "compared. Set train.select_by = 'last', or stages.clustering.starts = 1",
        ),
    ],
)
def test_starts_of_a_stage_that_cannot_be_compared(settings: tuple[str, ...], said: str) -> None:
    with pytest.raises(LatentclustError) as caught:
        stages("stages.clustering.starts=2", "train.score_starts_by=['losses.towards']", *settings)
    assert said in [str(issue) for issue in caught.value.issues]


@pytest.mark.usefixtures("whole_set")
def test_a_stage_before_the_starts_may_select_its_weights() -> None:
    starts = ("stages.clustering.starts=2", "train.score_starts_by=['losses.towards']")
    resolved = stages(*starts, "stages.pretraining.select_by='losses.reconstruction'")
    assert start_plan(resolved.recipe).count == 2


@pytest.mark.usefixtures("whole_set")
def test_a_network_that_changed_after_steps_of_an_earlier_stage_is_not_trained_first() -> None:
    resolved = stages("losses.towards.player='autoencoder'", "players.encoder.networks=['generator']")
    recipe, (pretraining, clustering) = resolved.recipe, resolved.stages
    plan = pretraining.plans["autoencoder"]
    untrained = {"autoencoder": replace(plan, networks=("generator",))}
    assert "encoder" in first_trained(recipe, (replace(pretraining, plans=untrained), clustering), "clustering")
    terms = tuple(replace(term, after=("encoder",)) for term in plan.terms)
    stepped = {"autoencoder": replace(plan, networks=("generator",), terms=terms)}
    assert "encoder" not in first_trained(recipe, (replace(pretraining, plans=stepped), clustering), "clustering")
