"""Ramps: closed values, and their way to the optimizer and into the objective."""

from collections.abc import Callable

import pytest
import torch

from latentclust.specs.schedule import Ramp, value_at
from latentclust.train.loop import Training

MakeTraining = Callable[..., Training]


@pytest.mark.parametrize(
    ("shape", "quarter", "half"),
    [
        ("linear", 1.0 + 99 / 4, 50.5),
        ("cosine", 1.0 + 99 * (1 - 0.5**0.5) / 2, 50.5),  # cos(pi/4) is the root of 1/2
        ("geometric", 10**0.5, 10.0),
    ],
)
def test_a_ramp_has_its_closed_values(shape: str, quarter: float, half: float) -> None:
    ramp = Ramp.model_validate({"start": 1.0, "end": 100.0, "since": 0.2, "until": 0.6, "shape": shape})
    at = {0.0: 1.0, 0.2: 1.0, 0.3: quarter, 0.4: half, 0.6: 100.0, 1.0: 100.0}
    assert [value_at(ramp, progress) for progress in at] == pytest.approx(list(at.values()))


def test_a_geometric_ramp_of_negative_values_keeps_their_sign() -> None:
    ramp = Ramp(start=-1.0, end=-4.0, shape="geometric")
    assert [value_at(ramp, progress) for progress in (0.0, 0.5, 1.0)] == pytest.approx([-1, -2, -4])


def test_a_plain_number_stays_itself() -> None:
    assert value_at(0.25, 0.0) == value_at(0.25, 1.0) == 0.25


def test_a_learning_rate_reaches_the_optimizer_before_each_round(training: MakeTraining) -> None:
    made = training("autoencoder", "train.rounds=4", "players.both.optimizer.lr={start=0.4, end=0.0}")
    player, rates = made.state.players["both"], []
    taken = player.optimizer.step

    def recorded() -> None:
        rates.append(player.optimizer.param_groups[0]["lr"])
        taken()

    player.optimizer.step = recorded  # type: ignore[method-assign, assignment]
    made.run()
    assert rates == pytest.approx([0.4, 0.3, 0.2, 0.1])


def test_a_weight_scales_the_gradient(training: MakeTraining) -> None:
    def gradient(weight: str, progress: float) -> torch.Tensor:
        player = training("autoencoder", f"losses.reconstruction.weight={weight}").state.players["both"]
        feed = training("autoencoder").state.feed
        player.refresh(progress)
        player.step(feed.next())
        found = player.parameters[-1].grad
        assert found is not None
        return found

    ramp = "{start=1.0, end=3.0}"
    torch.testing.assert_close(gradient(ramp, 0.5), 2 * gradient("1.0", 0.5))
    torch.testing.assert_close(gradient(ramp, 1.0), 3 * gradient("1.0", 0.5))
    assert not gradient("0.0", 0.5).any()


def test_a_warm_up_rises_from_zero_and_a_cosine_follows() -> None:
    ramp = Ramp(start=2.0, end=0.0, warmup=0.2, shape="cosine")
    at = {0.0: 0.0, 0.1: 1.0, 0.2: 2.0, 0.6: 1.0, 1.0: 0.0}
    assert [value_at(ramp, progress) for progress in at] == pytest.approx(list(at.values()))


def test_a_warm_up_ends_before_the_ramp() -> None:
    with pytest.raises(ValueError, match=r"until = 0\.1 must be greater than warmup = 0\.2"):
        Ramp(start=1.0, end=0.0, until=0.1, warmup=0.2)
