"""Several starts of one training: the chosen one is the run with its seed, and no start that fails ends the run."""

import weakref
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

import pytest
import torch

from latentclust.assemble.experiment import Experiment, with_seed
from latentclust.assemble.start_plan import Criterion
from latentclust.errors import InterruptedRunError, LatentclustError, RunFailedError
from latentclust.train import starts as module
from latentclust.train.callbacks import Callbacks
from latentclust.train.events import Leg
from latentclust.train.fabric import make_fabric
from latentclust.train.setup import prepare_training
from latentclust.train.starts import StartCallbacks, describe_decision, start_seed, train
from latentclust.train.starts_file import Decision, StartScore, StartsLog

MakeExperiment = Callable[..., Experiment]

FOUR = ("train.starts=4", "train.rounds=32", "train.score_starts_by=['|losses.critic|']")


class Follower:
    """Keep the legs, decisions and records of a training."""

    def __init__(self) -> None:
        self.legs: list[Leg] = []
        self.decisions: list[str] = []
        self.rounds: list[tuple[int, int, int]] = []

    def on_start(self, round_: int, rounds: int) -> None:
        """Do nothing."""

    def on_leg(self, leg: Leg) -> None:
        self.legs.append(leg)

    def on_decision(self, text: str) -> None:
        self.decisions.append(text)

    def on_record(self, record: object) -> None:
        self.rounds.append((record.start, record.round, record.rounds))  # type: ignore[attr-defined]

    def on_end(self) -> None:
        """Do nothing."""


def no_figures(experiment: Experiment, names: Sequence[str]) -> dict[str, float]:
    raise AssertionError("no figure compares these starts")


def trained(
    experiment: Experiment, folder: Path, listener: Follower | None = None, figures: module.Figures = no_figures
) -> tuple[Experiment, StartsLog]:
    callbacks = Callbacks(listener or Follower())
    given = StartCallbacks(lambda _: callbacks, figures)
    found, _, log = train(experiment, make_fabric("cpu", 1), folder, given, resume=False)
    assert log is not None
    return found, log


def weights(experiment: Experiment) -> dict[str, torch.Tensor]:
    return {f"{n}.{key}": t for n, network in experiment.networks.items() for key, t in network.state_dict().items()}


def test_the_first_start_has_the_seed_of_the_recipe_and_the_others_have_their_own() -> None:
    seeds = [start_seed(seed, start) for seed in (0, 1, 2) for start in range(1, 9)]
    assert [start_seed(seed, 1) for seed in (0, 1, 2)] == [0, 1, 2]
    assert len(set(seeds)) == len(seeds)
    assert start_seed(0, 2) == start_seed(0, 2)


def test_the_chosen_start_is_the_run_with_its_seed(experiment: MakeExperiment, tmp_path: Path) -> None:
    follower = Follower()
    found, log = trained(experiment("dccs", *FOUR), tmp_path / "four", follower)
    first, second = log.decisions
    critic = {score.start: abs(score.values["losses.critic"]) for score in first.scores}
    assert first.kept == tuple(sorted(critic, key=lambda start: critic[start])[:2])
    assert [score.start for score in second.scores] == sorted(first.kept)
    critic = {score.start: abs(score.values["losses.critic"]) for score in second.scores}
    assert second.kept == (min(critic, key=lambda start: critic[start]),) == (log.chosen,)
    seed = next(score.seed for score in second.scores if score.start == log.chosen)
    alone = with_seed(experiment("dccs", "train.rounds=32"), seed)
    prepare_training(alone, make_fabric("cpu", 1), tmp_path).run()
    expected = weights(alone)
    assert all(torch.equal(tensor, expected[name]) for name, tensor in weights(found).items())
    assert found.resolved.recipe.seed == 3
    check_legs(follower, log)
    assert StartsLog.read(tmp_path / "four") == log
    assert sorted(path.name for path in (tmp_path / "four").iterdir()) == ["checkpoint.safetensors", "starts.json"]


def check_legs(follower: Follower, log: StartsLog) -> None:
    """Assert that the listener was told of each leg, with the rounds of all starts, and of both decisions."""
    kept = sorted(log.decisions[0].kept)
    assert [(leg.start, leg.chosen) for leg in follower.legs] == [
        *((start, False) for start in (1, 2, 3, 4, *kept)),
        (log.chosen, True),
    ]
    assert follower.legs[2].progress == {1: 4, 2: 4, 3: 0, 4: 0}
    assert follower.legs[-1].progress == {start: 8 if start in kept else 4 for start in (1, 2, 3, 4)}
    assert [text.partition(" (")[0] for text in follower.decisions] == [
        f"After round 4, starts {kept[0]} and {kept[1]} go on",
        f"After round 8, start {log.chosen} goes on",
    ]
    assert follower.rounds[3] == (1, 4, 4)
    assert follower.rounds[-1] == (log.chosen, 32, 32)


def test_the_mean_of_a_loss_is_that_of_the_log(experiment: MakeExperiment, tmp_path: Path) -> None:
    """Decided after rounds 4 and 8, the means are over rounds 3 to 4 and 5 to 8, for any interval of the log."""
    each, rare = [trained(experiment("dccs", *FOUR, f"train.log_every={n}"), tmp_path / str(n))[1] for n in (1, 7)]
    for one, two in zip(each.decisions, rare.decisions, strict=True):
        for score, same in zip(one.scores, two.scores, strict=True):
            assert score.values["losses.critic"] == pytest.approx(same.values["losses.critic"], rel=1e-5)


def test_figures_are_asked_for_by_name_and_do_not_change_the_training(
    experiment: MakeExperiment, tmp_path: Path
) -> None:
    def figures(of: Experiment, names: Sequence[str]) -> dict[str, float]:
        torch.rand(7)
        assert list(names) == ["empty-clusters"]
        assert not any(
            parameter.isnan().any() for network in of.networks.values() for parameter in network.parameters()
        )
        return {"empty-clusters": float(of.resolved.recipe.seed == 3)}

    by = "train.score_starts_by=['empty-clusters', '|losses.critic|']"
    found, log = trained(experiment("dccs", *FOUR[:2], by), tmp_path / "four", figures=figures)
    assert 1 not in log.decisions[0].kept
    seed = start_seed(3, log.chosen or 0)
    alone = with_seed(experiment("dccs", "train.rounds=32"), seed)
    prepare_training(alone, make_fabric("cpu", 1), tmp_path).run()
    assert all(torch.equal(tensor, weights(alone)[name]) for name, tensor in weights(found).items())


def test_a_loss_of_weight_zero_compares_starts_and_changes_no_training(
    experiment: MakeExperiment, tmp_path: Path
) -> None:
    watched = "losses.watched={use='category-divergence', player='encoder', weight=0.0}"
    made = experiment("dccs", *FOUR[:2], "train.score_starts_by=['losses.watched']", watched)
    found, log = trained(made, tmp_path / "four")
    values = {score.start: score.values["losses.watched"] for score in log.decisions[0].scores}
    assert len(set(values.values())) == 4
    assert log.decisions[0].kept[0] == min(values, key=lambda start: values[start])
    alone = with_seed(experiment("dccs", "train.rounds=32"), start_seed(3, log.chosen or 0))
    prepare_training(alone, make_fabric("cpu", 1), tmp_path).run()
    expected = weights(alone)
    assert all(torch.equal(tensor, expected[name]) for name, tensor in weights(found).items())


def test_a_start_that_fails_is_out_and_all_that_fail_end_the_run(
    experiment: MakeExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt = {start_seed(3, start) for start in (1, 2, 3)}

    def spoil(of: Experiment, seed: int) -> Experiment:
        made = with_seed(of, seed)
        if seed in spoilt:
            next(made.networks["encoder"].parameters()).data.fill_(float("nan"))
        return made

    monkeypatch.setattr(module, "with_seed", spoil)
    follower = Follower()
    _, log = trained(experiment("dccs", *FOUR), tmp_path / "one", follower)
    assert [score.failed is not None for score in log.decisions[0].scores] == [True, True, True, False]
    assert len(log.decisions) == 1
    assert log.chosen == 4
    assert "start 1: failed" in follower.decisions[0]
    spoilt.add(start_seed(3, 4))
    with pytest.raises(RunFailedError, match=r"train\.starts: all starts failed: start 1: losses.*became nan.*start 4"):
        trained(experiment("dccs", *FOUR), tmp_path / "none")


def test_only_one_start_is_in_memory(
    experiment: MakeExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive: list[weakref.ref[torch.nn.Module]] = []

    def watch(of: Experiment, seed: int) -> Experiment:
        assert not [one for one in alive if one() is not None]
        made = with_seed(of, seed)
        alive.append(weakref.ref(made.networks["encoder"]))
        return made

    monkeypatch.setattr(module, "with_seed", watch)
    trained(experiment("dccs", *FOUR), tmp_path / "four")
    assert len(alive) == 7


def test_a_diagnostic_that_the_chains_lack_is_named(experiment: MakeExperiment, tmp_path: Path) -> None:
    settings = ("train.starts=2", "train.score_starts_by=['chains.enrgy']")
    """It is named at the first record, not after the training of a start."""
    made = experiment("cgm", *settings)
    with pytest.raises(LatentclustError, match=r"there is no 'chains.enrgy' in the log. Did you mean 'chains.energy'"):
        trained(made, tmp_path / "two")
    assert not (tmp_path / "two" / "starts").exists(), "no checkpoint was written"


def test_starts_are_ranked_by_the_first_criterion_in_which_they_differ() -> None:
    criteria = [Criterion.parse(name) for name in ("empty-clusters", "|losses.critic|")]
    values = {1: (1.0, 0.0), 2: (0.0, -0.2), 3: (0.0, 0.1), 4: (0.0, -0.2), 5: (0.0, None)}
    keys = ("empty-clusters", "losses.critic")
    scores = [StartScore(start=n, seed=n, values=dict(zip(keys, v, strict=True))) for n, v in values.items()]
    scores.append(StartScore(start=6, seed=6, failed="diverged"))
    ranked = sorted(scores, key=lambda score: (score.badness(criteria), score.start))
    assert [score.start for score in ranked] == [3, 2, 4, 5, 1, 6]


def test_a_figure_that_is_not_finite_ranks_last_and_can_be_read_again(
    experiment: MakeExperiment, tmp_path: Path
) -> None:
    def figures(of: Experiment, names: Sequence[str]) -> dict[str, float]:
        return {"information": float("nan") if of.resolved.recipe.seed == 3 else 1.0}

    settings = ("train.starts=2", "train.rounds=8", "train.score_starts_by=['information']")
    follower = Follower()
    _, log = trained(experiment("dccs", *settings), tmp_path, follower, figures)
    assert log.chosen == 2
    assert log.decisions[0].scores[0].values == {"information": None}
    assert StartsLog.read(tmp_path) == log
    assert follower.decisions == [
        "After round 2, start 2 goes on (start 1: information not finite; start 2: information 1)"
    ]


def test_a_decision_reads_as_a_sentence() -> None:
    criteria = [Criterion.parse("|losses.critic|")]
    scores = (
        StartScore(start=1, seed=0, values={"losses.critic": -0.25}),
        StartScore(start=2, seed=5, failed="losses.critic: became nan"),
    )
    text = describe_decision(Decision(round=75, scores=scores, kept=(1,)), criteria)
    assert text == "After round 75, start 1 goes on (start 1: losses.critic -0.25; start 2: failed)"


def test_a_missing_file_of_starts_is_named(experiment: MakeExperiment, tmp_path: Path) -> None:
    made = experiment("dccs", *FOUR)
    given = StartCallbacks(lambda _: Callbacks(), no_figures)
    with pytest.raises(LatentclustError, match=r"starts\.json: cannot be read, but the training has several starts"):
        train(made, make_fabric("cpu", 1), tmp_path, given, resume=True)


def test_new_networks_of_another_seed_leave_the_experiment_as_it_is(experiment: MakeExperiment) -> None:
    made = experiment("dccs")
    before = {name: tensor.clone() for name, tensor in weights(made).items()}
    other, same = with_seed(made, 4), with_seed(made, 3)
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights(made).items())
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights(same).items())
    assert not all(torch.equal(tensor, before[name]) for name, tensor in weights(other).items())
    assert other.resolved.recipe.seed == 4


OF_STAGE = (
    "stages.clustering.starts=4",
    "train.score_starts_by=['losses.towards']",
    "train.log_every=1",
    "networks.encoder.norm='batch'",
    "networks.other={use='mlp', role='encoder', hidden=[12]}",
    "players.encoder.networks=['encoder', 'other']",
    "losses.other={use='reconstruction', player='encoder', stages=['clustering']}",
    "losses.other.on={reconstruction='image_of_other'}",
    "quantities.code_of_other={use='code_of_real', on={encoder='other'}}",
    "quantities.image_of_other={use='reconstruction', on={code_of_real='code_of_other'}}",
)
"""The second of two stages has four starts. It is the first to train the network `other`."""


@pytest.mark.usefixtures("whole_set")
def test_starts_of_a_stage_share_the_stages_before(experiment: MakeExperiment, tmp_path: Path) -> None:
    follower = Follower()
    made = experiment("stages", *OF_STAGE)
    found, log = trained(made, tmp_path / "four", follower)
    assert (log.stage, [decision.round for decision in log.decisions]) == ("clustering", [9, 12])
    assert [score.start for score in log.decisions[0].scores] == [1, 2, 3, 4]
    assert len({score.values["losses.towards"] for score in log.decisions[0].scores}) == 4
    shared = [round_ for start, round_, _ in follower.rounds if start == 0]
    assert shared == [1, 2, 3, 4, 5]
    assert min(round_ for start, round_, _ in follower.rounds if start) == 6
    assert follower.legs[0].progress == {0: 5, 1: 0, 2: 0, 3: 0, 4: 0}
    assert sorted(path.name for path in (tmp_path / "four").iterdir()) == ["checkpoint.safetensors", "starts.json"]
    # A single start is the first one, and the network that earlier stages alone train is the same in all.
    alone = experiment("stages", *OF_STAGE[1:])
    prepare_training(alone, make_fabric("cpu", 1), tmp_path).run()
    same = [torch.equal(tensor, weights(alone)[name]) for name, tensor in weights(found).items()]
    assert all(same) == (log.chosen == 1)
    generator = {name for name in weights(found) if name.startswith("generator.")}
    assert all(torch.equal(weights(found)[name], weights(alone)[name]) for name in generator)


@pytest.mark.usefixtures("whole_set")
@pytest.mark.parametrize("after", [3, 5, 13, 25])
def test_starts_of_a_stage_resume_anywhere(experiment: MakeExperiment, tmp_path: Path, after: int) -> None:
    whole, expected = trained(experiment("stages", *OF_STAGE), tmp_path / "whole")
    counted = count(1)
    stopping = StartCallbacks(lambda _: Callbacks(should_stop=lambda: next(counted) >= after), no_figures)
    (tmp_path / "parts").mkdir()
    with pytest.raises(InterruptedRunError):
        train(experiment("stages", *OF_STAGE), make_fabric("cpu", 1), tmp_path / "parts", stopping, resume=False)
    going = StartCallbacks(lambda _: Callbacks(), no_figures)
    found, _, log = train(
        experiment("stages", *OF_STAGE), make_fabric("cpu", 1), tmp_path / "parts", going, resume=True
    )
    assert log == expected
    assert all(torch.equal(tensor, weights(found)[name]) for name, tensor in weights(whole).items())
