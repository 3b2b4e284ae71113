"""Selection reads no label: the window whose mean is nearest to zero, once it may, and the same after a resume."""

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from latentclust.errors import InterruptedRunError
from latentclust.recipe.training_tables import TrainTable
from latentclust.specs.data import SealedLabels
from latentclust.train.loop import Training
from latentclust.train.selection import Selection

MakeTraining = Callable[..., Training]

ON = ("train.select_by='losses.critic'", "train.select_every=3", "train.log_every=2", "train.rounds=15")


def table(**options: Any) -> TrainTable:
    defaults: dict[str, Any] = {"rounds": 100, "select_by": "losses.critic", "select_since": 0.5, "select_every": 10}
    return TrainTable.model_validate(defaults | options)


def watched(selection: Selection, losses: Mapping[int, float]) -> Selection:
    """The selection after these means, by round; the weights of round n are n."""
    network = nn.ModuleDict({"critic": nn.Linear(1, 1, bias=False)})
    for round_, loss in losses.items():
        with torch.no_grad():
            network["critic"].weight.fill_(round_)
        selection.update({"critic": loss, "other": 0.0}, round_, network)
    return selection


def test_the_window_whose_mean_is_nearest_to_zero_wins_with_any_sign() -> None:
    selection = watched(Selection(table()), {50: 0.0, 60: -5.0, 70: 0.3, 80: -0.2, 90: 0.25, 100: -3.0})
    assert (selection.round, selection.score) == (80, pytest.approx(0.2))
    assert selection.weights["critic.weight"].item() == 80


def test_a_window_is_its_mean_so_that_excursions_of_both_signs_cancel() -> None:
    losses = {50: 0.0, 55: 10.0, 60: -9.0, 65: 0.6, 70: 0.6}
    selection = watched(Selection(table()), losses)
    assert (selection.round, selection.score) == (60, pytest.approx(0.5))


def test_a_record_counts_by_the_rounds_that_it_stands_for() -> None:
    selection = watched(Selection(table()), {50: 9.0, 51: 10.0, 60: 0.0})
    assert selection.score == pytest.approx(1.0)


def test_no_window_that_begins_too_early_is_selected() -> None:
    perfect_early = {10: 0.0, 20: 0.0, 50: 0.0, 59: 0.0, 60: 4.0, 70: 9.0}
    selection = watched(Selection(table(select_since=0.5)), perfect_early)
    assert selection.round == 60
    assert not watched(Selection(table(select_since=0.95)), dict.fromkeys(range(10, 101, 10), 1.0)).weights


def test_nothing_is_kept_where_nothing_is_selected() -> None:
    selection = watched(Selection(table(select_by="last")), {60: 0.0, 100: 0.0})
    assert not selection.weights
    assert selection.describe(100) == "the last weights, after round 100"


def test_what_is_not_finite_is_never_selected() -> None:
    selection = watched(Selection(table()), {60: float("nan"), 70: 2.0})
    assert selection.round == 70


def test_windows_end_where_the_recipe_says_for_any_log_interval(training: MakeTraining, recorder: type) -> None:
    """Logged every 2 rounds, selected over 3 from the middle on: the windows are 10-12 and 13-15."""
    listener = recorder()
    made = training("clustergan", *ON, listener=listener)
    kept: dict[int, dict[str, Tensor]] = {}
    logged = listener.on_record

    def keep(record: Any) -> None:
        logged(record)
        kept[record.round] = {name: tensor.clone() for name, tensor in made.state.networks.state_dict().items()}

    listener.on_record = keep
    selection = made.run()
    rounds = [round_ for round_, _ in listener.losses]
    assert rounds == [2, 3, 4, 6, 8, 9, 10, 12, 14, 15]
    critic = {round_: losses["critic"] for round_, losses in listener.losses}
    means = {12: (critic[10] + 2 * critic[12]) / 3, 15: (2 * critic[14] + critic[15]) / 3}
    best = min(means, key=lambda round_: abs(means[round_]))
    assert (selection.round, selection.score) == (best, pytest.approx(abs(means[best]), rel=1e-5))
    assert all(torch.equal(tensor, kept[best][name]) for name, tensor in made.state.networks.state_dict().items())


@pytest.mark.parametrize("stopped", [5, 8, 10, 13])
def test_a_selection_survives_a_stop_and_a_resume(training: MakeTraining, recorder: type, stopped: int) -> None:
    whole = training("clustergan", *ON, "train.log_every=1", listener=recorder(), folder="whole")
    expected = whole.run()
    first = training("clustergan", *ON, "train.log_every=1", folder="parts")
    played = count(1)
    first.callbacks.should_stop = lambda: next(played) >= stopped

    with pytest.raises(InterruptedRunError, match=f"stopped after round {stopped} of 15"):
        first.run()
    second = training("clustergan", *ON, "train.log_every=1", folder="parts")
    found = second.run(resume=True)
    assert (found.round, found.score) == (expected.round, expected.score)
    for name, tensor in whole.state.networks.state_dict().items():
        assert torch.equal(second.state.networks.state_dict()[name], tensor), name


def test_training_and_selection_never_open_the_labels(training: MakeTraining, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(labels: SealedLabels) -> np.ndarray:
        raise AssertionError("the labels were opened")

    monkeypatch.setattr(SealedLabels, "unseal", opened)
    assert training("dccs", "train.select_by='losses.critic'", "train.select_every=2").run().weights
