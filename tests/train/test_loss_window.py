"""Means since a round: records weigh as much as the rounds they stand for, and a stored window continues."""

import pytest

from latentclust.train.loss_window import LossWindow


def test_a_record_weighs_as_much_as_its_rounds() -> None:
    window = LossWindow(since=4)
    for round_, loss in {2: 100.0, 4: 100.0, 5: 3.0, 8: 1.0}.items():
        window.update({"critic": loss}, {"energy": -loss}, round_)
    assert window.means() == {"losses.critic": pytest.approx(1.5), "chains.energy": pytest.approx(-1.5)}


def test_a_window_from_the_first_round_on_counts_all_records() -> None:
    window = LossWindow(since=0)
    window.update({"critic": 2.0}, {}, 1)
    window.update({"critic": 5.0}, {}, 3)
    assert window.means() == {"losses.critic": pytest.approx(4.0)}


def test_a_stored_window_continues_and_that_of_another_decision_does_not() -> None:
    window = LossWindow(since=4)
    window.update({"critic": 1.0}, {}, 4)
    window.update({"critic": 1.0}, {}, 6)
    same, other, fresh = LossWindow(since=4), LossWindow(since=6), LossWindow(since=4)
    same.restore(window.state())
    other.restore(window.state())
    fresh.restore(None)
    for one in (same, other, fresh):
        one.update({"critic": 4.0}, {}, 8)
    assert same.means() == {"losses.critic": pytest.approx(2.5)}
    assert other.means() == {"losses.critic": pytest.approx(4.0)}
    assert fresh.means() == {"losses.critic": pytest.approx(4.0)}
