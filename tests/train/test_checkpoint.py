"""Checkpoints contain everything that a resumed training needs, and are written atomically."""

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from latentclust.errors import InterruptedRunError, LatentclustError, RunFailedError
from latentclust.train.checkpoint_header import CHECKPOINT
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
    content = (tmp_path / CHECKPOINT).read_bytes()
    again = training("clustergan")
    again.run(resume=True)
    assert_same(weights(again), weights(made))
    assert (tmp_path / CHECKPOINT).read_bytes() == content


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
    with pytest.raises(LatentclustError, match=rf"{CHECKPOINT}: cannot be written \(No space left on device\)"):
        made.run()
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]
    monkeypatch.undo()
    again = training("clustergan", "train.rounds=8")
    again.run(resume=True)
    assert_same(weights(again), weights(made))


def test_an_absent_checkpoint_is_named(training: MakeTraining) -> None:
    with pytest.raises(LatentclustError, match=rf"{CHECKPOINT}: the checkpoint does not exist"):
        training("clustergan").run(resume=True)


@pytest.mark.parametrize("spoil", ["cut", "empty", "text", "bare", "format", "not a round"])
def test_a_damaged_checkpoint_is_refused(training: MakeTraining, tmp_path: Path, spoil: str) -> None:
    training("clustergan", "train.rounds=4").run()
    path = tmp_path / CHECKPOINT
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
    with pytest.raises(LatentclustError, match=f"{CHECKPOINT}: "):
        training("clustergan", "train.rounds=4").run(resume=True)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("networks.critic.hidden=[13]", r"networks\.critic\.hidden was \[12\] and is \[13\]"),
        ("train.batch_size=30", "train.batch_size was 16 and is 30"),
        ("players.critic.optimizer.lr=0.5", r"players\.critic\.optimizer\.lr was .* and is 0\.5"),
        ("players.critic.optimizer={use='sgd', lr=0.1}", r"players\.critic\.optimizer\.use was 'adam' and is 'sgd'"),
        ("losses.critic.weight=9.0", r"losses\.critic\.weight is new \(9\.0\)"),
        ("seed=77", "seed (was .* and is 77|is new .77.)"),
        ("train.select_by='losses.critic'", "train.select_by was 'last' and is 'losses.critic'"),
        ("train.rounds=4", "train.rounds was 5 and is 4"),
        ("data.per_cluster=40", "data.per_cluster was"),
    ],
)
def test_a_checkpoint_of_another_recipe_is_refused(
    training: MakeTraining, tmp_path: Path, setting: str, said: str
) -> None:
    rounds = ("train.rounds=5", "train.checkpoint_every=5")
    training("clustergan", *rounds).run()
    before = (tmp_path / CHECKPOINT).read_bytes()
    with pytest.raises(LatentclustError, match=f"the recipe has changed since the checkpoint: .*{said}"):
        training("clustergan", *rounds, setting).run(resume=True)
    assert (tmp_path / CHECKPOINT).read_bytes() == before


@pytest.mark.parametrize("setting", ["name='other'", "evaluate.tsne=false", "train.log_every=1", "train.rounds=6"])
def test_what_does_not_change_the_weights_may_be_changed(training: MakeTraining, setting: str) -> None:
    training("clustergan", "train.rounds=5", "train.checkpoint_every=5").run()
    again = training("clustergan", "train.rounds=5", "train.checkpoint_every=5", setting)
    again.run(resume=True)


def test_a_checkpoint_of_other_data_is_refused(training: MakeTraining) -> None:
    training("clustergan", "train.rounds=5").run()
    again = training("clustergan", "train.rounds=5")
    assert again.state.identity is not None
    data = again.state.identity.data
    for change, said in (
        ({"samples": 7}, f"they had {data.samples} samples and have 7"),
        ({"shape": (1, 9, 9)}, "and have"),
        ({"values": "0"}, "they have other values or another order"),
    ):
        again.state.identity = again.state.identity.model_copy(update={"data": data.model_copy(update=change)})
        with pytest.raises(LatentclustError, match=f"the training data have changed since the checkpoint: .*{said}"):
            again.run(resume=True)


def edited(path: Path, change: Callable[[dict[str, Any], dict[str, Tensor]], None]) -> None:
    """Change the header and the tensors of a checkpoint."""
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["latentclust"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    change(header, tensors)
    save_file(tensors, path, {"latentclust": json.dumps(header)})


HEADERS: dict[str, Any] = {
    "round": [-1, 10**30, 2.5, "4", None, True],
    "feed": [{}, [], {"epoch": -1, "position": 0}, {"epoch": 0, "position": 10**6}, {"epoch": 0.5, "position": 0}],
    "selection": [[], None, ["x", 0, 0.0, 0], [None, -1, 0.0, 0], [1.0, 5, 0.0, 0], [float("nan"), 1, 0.0, 1]],
    "scalers": [None, {"critic": 3}, []],
    "counts": [{}, {"critic": -1}, {"critic": "1"}, None],
    "diagnosed": [-1, "x"],
    "moments": [{}, {"critic": 1}, "x"],
    "identity": [{}, 3, {"recipe": {}, "data": {"samples": "many"}}],
    "precision": [3, {"name": 3}, {"name": "mlp", "device": "cpu"}],
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in HEADERS.items() for value in values])
def test_header_fields_of_a_wrong_kind_are_refused(
    training: MakeTraining, tmp_path: Path, key: str, value: object
) -> None:
    training("clustergan", "train.rounds=4").run()
    edited(tmp_path / CHECKPOINT, lambda header, tensors: header.update({key: value}))
    with pytest.raises(LatentclustError, match=r"is not a readable checkpoint|does not match this recipe|resume: "):
        training("clustergan", "train.rounds=6").run(resume=True)


def test_a_checkpoint_of_more_rounds_than_the_recipe_has_is_refused(training: MakeTraining, tmp_path: Path) -> None:
    training("clustergan", "train.rounds=4").run()
    edited(tmp_path / CHECKPOINT, lambda header, tensors: header.update(round=7))
    with pytest.raises(LatentclustError, match=r"has 7 finished rounds, but train\.rounds is 6"):
        training("clustergan", "train.rounds=6").run(resume=True)


def test_missing_moments_are_noticed_where_their_number_is_not_known(training: MakeTraining, tmp_path: Path) -> None:
    """Files of earlier versions do not state it."""

    def spoil(header: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        header["moments"] = None
        tensors.pop(moment(tensors))

    training("clustergan", "train.rounds=4").run()
    edited(tmp_path / CHECKPOINT, spoil)
    with pytest.raises(LatentclustError, match=r"does not match this recipe \(the optimizer has .* of parameter"):
        training("clustergan", "train.rounds=6").run(resume=True)


def moment(tensors: dict[str, Tensor]) -> str:
    return next(name for name in tensors if name.endswith("exp_avg_sq") and tensors[name].ndim == 2)


TENSORS: dict[str, Callable[[dict[str, Tensor]], object]] = {
    "a moment of another shape": lambda t: t.update({moment(t): torch.zeros(3)}),
    "a moment of another type": lambda t: t.update({moment(t): t[moment(t)].double()}),
    "a moment that is not finite": lambda t: t[moment(t)].fill_(torch.inf),
    "a moment that is missing": lambda t: t.pop(moment(t)),
    "a moment of another name": lambda t: t.update({moment(t).replace("exp_avg_sq", "x"): t.pop(moment(t))}),
    "a moment of no parameter": lambda t: t.update({"optimizers/critic/99/exp_avg": t.pop(moment(t))}),
    "no moments": lambda t: [t.pop(name) for name in list(t) if name.startswith("optimizers/")],
    "a weight that is not finite": lambda t: t["networks/critic.head.bias"].fill_(torch.nan),
    "a weight of another type": lambda t: t.update({"networks/critic.head.bias": torch.zeros(1, dtype=torch.int64)}),
    "a weight that is missing": lambda t: t.pop("networks/critic.head.bias"),
    "sums of another shape": lambda t: t.update({"sums/critic": torch.zeros(1000)}),
}


@pytest.mark.parametrize("change", TENSORS)
def test_tensors_are_checked_before_any_is_restored(training: MakeTraining, tmp_path: Path, change: str) -> None:
    training("clustergan", "train.rounds=4").run()
    edited(tmp_path / CHECKPOINT, lambda header, tensors: TENSORS[change](tensors))
    again = training("clustergan", "train.rounds=6")
    before = weights(again)
    with pytest.raises(LatentclustError, match="does not match this recipe"):
        again.run(resume=True)
    assert_same(weights(again), before)


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("label", lambda label: label.fill_(-1), "categories outside 0 to "),
        ("label", lambda label: label.fill_(99), "categories outside 0 to "),
        ("label", lambda label: label[1:].clone(), "rows for"),
        ("style", lambda style: style.fill_(torch.nan), "is not finite"),
    ],
)
def test_chains_are_checked_before_they_are_restored(
    training: MakeTraining, tmp_path: Path, name: str, value: Callable[[Tensor], Tensor], what: str
) -> None:
    training("cgm", "train.rounds=4").run()
    key = f"chains/{name}"
    edited(tmp_path / CHECKPOINT, lambda header, tensors: tensors.update({key: value(tensors[key])}))
    with pytest.raises(LatentclustError, match="does not match this recipe") as caught:
        training("cgm", "train.rounds=6").run(resume=True)
    assert what in str(caught.value)


def test_chains_that_are_missing_are_named(training: MakeTraining, tmp_path: Path) -> None:
    training("cgm", "train.rounds=4").run()
    edited(tmp_path / CHECKPOINT, lambda header, tensors: tensors.pop("chains/style"))
    with pytest.raises(LatentclustError, match=r"the chains have the tensors \['label'\], not \['label', 'style'\]"):
        training("cgm", "train.rounds=6").run(resume=True)


def test_moments_that_are_not_finite_are_not_written(training: MakeTraining, tmp_path: Path) -> None:
    made = training("clustergan", "train.rounds=4", "train.checkpoint_every=2")
    made.run()
    state = next(iter(made.state.players["critic"].optimizer.state.values()))
    state["exp_avg_sq"].fill_(torch.inf)
    before = (tmp_path / CHECKPOINT).read_bytes()
    with pytest.raises(
        RunFailedError, match=r"players\.critic: the state of its optimizer is not finite after round 4"
    ):
        made._save(4)
    assert (tmp_path / CHECKPOINT).read_bytes() == before
