"""Checkpoints contain everything that a resumed training needs, and are written atomically."""

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from latentclust.errors import InterruptedRunError, LatentclustError
from latentclust.train.checkpoint import NAME
from latentclust.train.loop import Training

MakeTraining = Callable[..., Training]


def weights(training: Training) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in training.state.networks.state_dict().items()}


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    different = [name for name in expected if not torch.equal(found[name], expected[name])]
    assert not different


def stop_after(training: Training, rounds: int) -> None:
    """Asks for a stop once that many rounds are played: the question is put after each."""
    played = count(1)
    training.callbacks.should_stop = lambda: next(played) >= rounds


OPTIMIZERS = [
    f"players.both.optimizer={{use='{use}', lr=0.01, betas=[{momentum}, 0.9]}}"
    for use, momentum in (("adam", 0.5), ("adamw", 0.5), ("rmsprop", 0.0), ("rmsprop", 0.5), ("sgd", 0.0), ("sgd", 0.9))
]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("clustergan", ()),
        ("dccs", ()),
        ("infogan", ()),
        ("cgm", ()),
        ("cgm-pixel", ()),
        ("cgm-pixel", ("train.precision='bf16'", "inference.noise={start=0.5, end=0.2}", "prior.coupling=0.0")),
        ("iic-pixel", ()),
        ("cvae-pixel", ()),
        ("cgm", ("inference.chains='cluster'", "inference.reach={start=0.0, end=1.0}")),
        ("dccs", ("train.precision='bf16'",)),
        ("autoencoder", ("players.both.optimizer.lr={start=0.5, end=0.01, shape='geometric'}",)),
        *(("autoencoder", (optimizer,)) for optimizer in OPTIMIZERS),
    ],
)
def test_a_stopped_training_resumes_to_the_same_bits(
    training: MakeTraining, recorder: type, name: str, settings: tuple[str, ...]
) -> None:
    settings = (*settings, "train.rounds=9", "train.log_every=2")
    whole = training(name, *settings, listener=recorder(), folder="whole")
    whole.run()
    first = training(name, *settings, listener=recorder(), folder="parts")
    stop_after(first, 5)  # between two records, so that the sums so far count too
    with pytest.raises(InterruptedRunError, match="stopped after round 5 of 9") as caught:
        first.run()
    assert caught.value.exit_code == 130
    second = training(name, *settings, listener=recorder(), folder="parts")
    second.run(resume=True)
    assert_same(weights(second), weights(whole))
    assert first.callbacks.listener.losses + second.callbacks.listener.losses == whole.callbacks.listener.losses
    parts = (*first.callbacks.listener.records, *second.callbacks.listener.records)
    assert [one.cluster_sizes for one in parts] == [one.cluster_sizes for one in whole.callbacks.listener.records]
    if whole.state.chains is not None:
        assert second.state.chains is not None
        assert_same(second.state.chains.state, whole.state.chains.state)
        assert [record.chains for record in parts] == [record.chains for record in whole.callbacks.listener.records]


def with_dropout(training: Training) -> Training:
    """Puts dropout, which draws from torch's own generator, before the encoder's head."""
    encoder = training.state.networks["encoder"]
    encoder.body.rest.append(nn.Dropout(0.5))
    return training


def test_networks_that_draw_from_torchs_own_generator_resume_to_the_same_bits(training: MakeTraining) -> None:
    plain = training("dccs", folder="plain")
    plain.run()
    whole = with_dropout(training("dccs", folder="whole"))
    whole.run()
    assert not torch.equal(whole.state.networks["encoder"].head.weight, plain.state.networks["encoder"].head.weight)
    first = with_dropout(training("dccs", folder="parts"))
    stop_after(first, 3)
    with pytest.raises(InterruptedRunError):
        first.run()
    torch.manual_seed(1234)  # whatever the caller does in between
    second = with_dropout(training("dccs", folder="parts"))
    second.run(resume=True)
    assert_same(weights(second), weights(whole))


def test_training_leaves_torchs_own_generator_to_the_caller(training: MakeTraining) -> None:
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    made = training("dccs", "train.rounds=2", "evaluate.every=1")
    made.callbacks.curve = lambda: {"drawn": float(torch.rand(1))}
    made.run()
    assert torch.equal(torch.rand(1), expected)


def test_the_learning_curve_changes_no_bit_of_the_training(training: MakeTraining) -> None:
    plain, curved = training("dccs", folder="plain"), training("dccs", "evaluate.every=2", folder="curved")
    curved.callbacks.curve = lambda: {"drawn": float(torch.rand(1))}
    plain.run()
    curved.run()
    assert_same(weights(curved), weights(plain))


def test_two_seeds_differ_and_one_does_not(training: MakeTraining) -> None:
    trained = {}
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        made = training("clustergan", f"seed={seed}", "train.rounds=2", folder=folder)
        made.run()
        trained[folder] = weights(made)
    assert_same(trained["a"], trained["b"])
    assert not torch.equal(trained["a"]["critic.head.weight"], trained["c"]["critic.head.weight"])


def test_resuming_a_finished_training_changes_nothing(training: MakeTraining, tmp_path: Path) -> None:
    made = training("clustergan")
    made.run()
    content = (tmp_path / NAME).read_bytes()
    again = training("clustergan")
    again.run(resume=True)
    assert_same(weights(again), weights(made))
    assert (tmp_path / NAME).read_bytes() == content


def test_a_failed_write_stops_the_training_and_keeps_the_checkpoint_before(
    training: MakeTraining, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = training("clustergan", "train.rounds=8")

    feed = made.state.feed

    def full(descriptor: int) -> None:
        if feed.state() != {
            "epoch": 3,
            "position": 0,
        }:  # of 3 batches a round and 4 an epoch, after 4 rounds
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("latentclust.files.os.fsync", full)
    with pytest.raises(LatentclustError, match=rf"{NAME}: cannot be written \(No space left on device\)"):
        made.run()
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    monkeypatch.undo()
    again = training("clustergan", "train.rounds=8")
    again.run(resume=True)
    assert_same(weights(again), weights(made))


def test_an_absent_checkpoint_is_named(training: MakeTraining) -> None:
    with pytest.raises(LatentclustError, match=rf"{NAME}: the checkpoint does not exist"):
        training("clustergan").run(resume=True)


@pytest.mark.parametrize("spoil", ["cut", "empty", "text", "bare", "format", "not a round"])
def test_a_damaged_checkpoint_is_refused(training: MakeTraining, tmp_path: Path, spoil: str) -> None:
    training("clustergan", "train.rounds=4").run()
    path = tmp_path / NAME
    content = path.read_bytes()
    match spoil:
        case "cut":
            path.write_bytes(content[: len(content) // 2])
        case "empty":
            path.write_bytes(b"")
        case "text":
            path.write_text("not safetensors at all")
        case "bare":
            save_file({"networks/x": torch.zeros(1)}, path)
        case "format":
            path.write_bytes(content.replace(b'{\\"format\\": 1,', b'{\\"format\\": 9,'))
        case _:
            save_file({}, path, {"latentclust": json.dumps({"format": 1})})
    with pytest.raises(LatentclustError, match=f"{NAME}: "):
        training("clustergan", "train.rounds=4").run(resume=True)


@pytest.mark.parametrize(
    "setting",
    ["networks.critic.hidden=[13]", "train.batch_size=30"],
)
def test_a_checkpoint_of_another_recipe_is_refused(training: MakeTraining, tmp_path: Path, setting: str) -> None:
    training("clustergan", "train.rounds=5", "train.checkpoint_every=5").run()
    with pytest.raises(LatentclustError, match="Resume with"):
        training("clustergan", "train.rounds=5", setting).run(resume=True)
