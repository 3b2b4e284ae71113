"""The loop reports a divergence, writes no non-finite checkpoint, and logs the losses that it computed."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from latentclust.data.feed import Batch
from latentclust.errors import RunFailedError
from latentclust.train.checkpoint_header import CHECKPOINT
from latentclust.train.events import NullListener
from latentclust.train.loop import Training

MakeTraining = Callable[..., Training]


def checkpoint(folder: Path) -> dict[str, Tensor]:
    with safe_open(folder / CHECKPOINT, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping


def after_round(training: Training, round_: int, then: Callable[[], None]) -> None:
    """Does something when a round is played, before it is logged and saved: it is then asked whether to stop."""
    played = count(1)

    def should_stop() -> bool:
        if next(played) == round_:
            then()
        return False

    training.callbacks.should_stop = should_stop


def test_a_diverged_loss_is_named_and_the_last_finite_checkpoint_stays(training: MakeTraining, tmp_path: Path) -> None:
    steady = training("clustergan", "train.rounds=4")
    steady.run()
    expected = checkpoint(tmp_path)
    made = training("clustergan", "train.rounds=12")

    def blow_up() -> None:
        made.state.players["critic"].schedule = 1e30

    after_round(made, 5, blow_up)
    with pytest.raises(RunFailedError) as caught:
        made.run()
    (issue,) = caught.value.issues
    assert issue.where in ("losses.critic", "losses.gradient-penalty")
    assert str(tmp_path / CHECKPOINT) in issue.what
    assert "learning rate" in issue.fix
    assert caught.value.exit_code == 1
    found = checkpoint(tmp_path)
    assert all(torch.isfinite(tensor).all() for tensor in found.values())
    assert all(torch.equal(found[name], expected[name]) for name in expected if name.startswith("networks/"))


def test_a_divergence_before_any_checkpoint_says_so(training: MakeTraining, tmp_path: Path) -> None:
    made = training("autoencoder", "players.both.optimizer={use='sgd', lr=1e30}", "networks.generator.output='linear'")
    with pytest.raises(RunFailedError, match=r"losses.reconstruction: .* before the first checkpoint"):
        made.run()
    assert not (tmp_path / CHECKPOINT).exists()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_parameter_that_is_not_finite_is_caught_before_it_is_saved(
    training: MakeTraining, tmp_path: Path, value: float
) -> None:
    made = training("clustergan", "train.rounds=8")
    broken = made.state.networks["encoder"].head.weight

    def spoil() -> None:  # after the losses of the round were computed, as an optimizer's step would
        with torch.no_grad():
            broken[0, 0] = value

    after_round(made, 8, spoil)
    with pytest.raises(RunFailedError, match=r"networks\.encoder\.head\.weight: .* after round 8"):
        made.run()
    assert torch.isfinite(checkpoint(tmp_path)["networks/encoder.head.weight"]).all()


def test_batch_statistics_that_are_not_finite_are_caught_too(training: MakeTraining, tmp_path: Path) -> None:
    made = training("clustergan", "train.rounds=4")
    statistics = next(buffer for name, buffer in made.state.networks.named_buffers() if name.endswith("running_var"))

    def spoil() -> None:
        statistics.fill_(float("inf"))

    after_round(made, 4, spoil)
    with pytest.raises(RunFailedError, match="running_var"):
        made.run()
    assert not (tmp_path / CHECKPOINT).exists()


def test_a_record_is_the_mean_of_all_steps_since_the_last(training: MakeTraining, recorder: type) -> None:
    fine, coarse = recorder(), recorder()
    training("clustergan", "train.log_every=1", listener=fine, folder="fine").run()
    training("clustergan", "train.log_every=5", listener=coarse, folder="coarse").run()
    assert [round_ for round_, _ in coarse.losses] == [5, 10, 12]
    each = torch.tensor([list(losses.values()) for _, losses in fine.losses])
    means = torch.stack([each[:5].mean(0), each[5:10].mean(0), each[10:].mean(0)])
    found = torch.tensor([list(losses.values()) for _, losses in coarse.losses])
    torch.testing.assert_close(found, means)


def test_every_player_takes_its_steps_in_order_and_each_step_a_batch_of_its_own(training: MakeTraining) -> None:
    made = training("clustergan", "train.rounds=2")
    steps: list[tuple[str, tuple[int, ...]]] = []

    def recorded(name: str, step: Callable[[Batch], None]) -> Callable[[Batch], None]:
        def take(batch: Batch) -> None:
            steps.append((name, tuple(batch.index.tolist())))
            step(batch)

        return take

    for name, player in made.state.players.items():
        player.step = recorded(name, player.step)  # type: ignore[method-assign]
    made.run()
    assert [name for name, _ in steps] == ["critic", "critic", "generator"] * 2
    epoch = [index for _, batch in steps[:4] for index in batch]  # 64 samples in batches of 16
    assert sorted(epoch) == list(range(64))


def test_a_listener_of_rounds_counts_each_of_them(training: MakeTraining) -> None:
    class Counter(NullListener):
        def __init__(self) -> None:
            self.rounds: list[int] = []

        def on_round(self, round_: int) -> None:
            self.rounds.append(round_)

    made, counter = training("dccs", "train.rounds=4", "train.log_every=4"), Counter()
    made.callbacks.listener = counter
    made.run()
    assert counter.rounds == [1, 2, 3, 4]


def test_checkpoints_are_written_by_time_too(training: MakeTraining, monkeypatch: pytest.MonkeyPatch) -> None:
    """A round takes three minutes."""
    made = training("dccs", "train.rounds=6", "train.checkpoint_every=100", "train.checkpoint_minutes=4")
    clock, saved = [0.0], list[int]()
    monkeypatch.setattr("latentclust.train.loop.time.perf_counter", lambda: clock[0])
    played, save = made._train_round, made._save

    def take_three_minutes(self: Training, round_: int) -> None:
        clock[0] += 180
        played(round_)

    def note(self: Training, round_: int) -> None:
        saved.append(round_)
        save(round_)

    monkeypatch.setattr(Training, "_train_round", take_three_minutes)
    monkeypatch.setattr(Training, "_save", note)
    made.run()
    assert saved == [2, 4, 6]
