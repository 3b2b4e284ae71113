"""Mixed precision: networks in the lower one, losses and parameters in float32, fp16 with a scaler of its own."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from latentclust.errors import InterruptedRunError
from latentclust.tensors import Code, Latent
from latentclust.train.bf16_probe import bf16_is_faster
from latentclust.train.loop import Training
from latentclust.train.precision import NetworkInLosses, Precision
from latentclust.train.training_precision import have_large_layers

MakeTraining = Callable[..., Training]

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def curve(training: Training, recorder: Any) -> Tensor:
    """Every loss of every round, `(rounds, terms)`."""
    training.callbacks.listener = recorder
    training.run()
    return torch.tensor([list(losses.values()) for _, losses in recorder.losses])


@pytest.mark.parametrize("name", ["clustergan", "dccs", "iic-pixel", "cvae-pixel"])
def test_bf16_trains_along_the_losses_of_fp32(training: MakeTraining, recorder: type, name: str) -> None:
    curves = {
        precision: curve(training(name, f"train.precision='{precision}'", folder=precision), recorder())
        for precision in ("fp32", "bf16")
    }
    assert not torch.equal(curves["bf16"], curves["fp32"]), "autocast had no effect"
    # bfloat16 keeps 8 bits of a number; the errors of a few layers and rounds add up to a few of its steps.
    torch.testing.assert_close(curves["bf16"], curves["fp32"], rtol=0.05, atol=0.05)


class Spy:
    """Notes in which type linear layers compute, inside and outside of losses, and what losses are given and return."""

    def __init__(self, training: Training) -> None:
        self.in_loss = False
        self.layers: dict[bool, set[torch.dtype]] = {False: set(), True: set()}
        self.values: set[torch.dtype] = set()
        for module in training.state.networks.modules():
            if isinstance(module, nn.Linear):
                module.register_forward_hook(lambda _, __, output: self.layers[self.in_loss].add(output.dtype))
        for player in training.state.players.values():
            player._terms = [(name, self.watched(loss), reads) for name, loss, reads in player._terms]

    def watched(self, loss: Any) -> Callable[..., Tensor]:
        def call(*values: Any) -> Tensor:
            self.in_loss = True
            term: Tensor = loss(*values)
            self.in_loss = False
            for value in (*values, term):
                tensors = {Code: ("logits", "style"), Latent: ("category", "style")}.get(type(value))
                found = [getattr(value, name) for name in tensors] if tensors else [value]
                self.values.update(item.dtype for item in found if isinstance(item, Tensor))
            return term

        return call


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("name", ["clustergan", "dccs"])
def test_layers_compute_low_while_losses_stay_in_float32(training: MakeTraining, name: str, precision: str) -> None:
    made = training(name, f"train.precision='{precision}'", "train.rounds=1")
    spy = Spy(made)
    made.run()
    assert spy.layers[False] == {DTYPES[precision]}
    in_penalty = torch.bfloat16 if precision == "bf16" else torch.float32
    assert spy.layers[True] == {in_penalty}, "fp16 is too narrow for the slopes of the gradient penalty"
    assert spy.values == {torch.float32}
    state = [item for player in made.state.players.values() for item in player.optimizer.state.values()]
    assert {tensor.dtype for item in state for tensor in item.values()} == {torch.float32}
    assert {parameter.dtype for parameter in made.state.networks.parameters()} == {torch.float32}


def test_only_fp16_scales_and_each_player_has_a_scaler_of_its_own(training: MakeTraining) -> None:
    for precision in ("fp32", "bf16", "fp16"):
        scalers = [
            player.scaler for player in training("dccs", f"train.precision='{precision}'").state.players.values()
        ]
        assert [scaler.is_enabled() for scaler in scalers] == [precision == "fp16"] * 2
        assert scalers[0] is not scalers[1]


def test_scaled_gradients_move_the_parameters_as_unscaled_ones_do(training: MakeTraining) -> None:
    moved = {}
    for precision in ("fp32", "fp16"):
        made = training("autoencoder", f"train.precision='{precision}'")
        start = [parameter.detach().clone() for parameter in made.state.networks.parameters()]
        made.state.players["both"].step(made.state.feed.next())
        moved[precision] = torch.cat(
            [
                (now.detach() - before).flatten()
                for now, before in zip(made.state.networks.parameters(), start, strict=True)
            ]
        )
    scale = moved["fp32"].abs().max().item()
    assert scale > 0
    torch.testing.assert_close(moved["fp16"], moved["fp32"], rtol=0, atol=0.01 * scale)


def test_an_overflow_in_fp16_skips_the_step_and_lowers_the_scale(training: MakeTraining) -> None:
    made = training("autoencoder", "train.precision='fp16'")
    player = made.state.players["both"]
    before = [parameter.detach().clone() for parameter in player.parameters]
    scale = player.scaler.get_scale()
    player._weights = [float("inf")]
    player.step(made.state.feed.next())
    assert all(torch.equal(now, then) for now, then in zip(player.parameters, before, strict=True))
    assert player.scaler.get_scale() == scale / 2
    assert 0 < player.means()["reconstruction"] < 1, "the term itself is finite"


def test_a_scaler_is_part_of_the_checkpoint(training: MakeTraining) -> None:
    made = training("autoencoder", "train.precision='fp16'", "train.rounds=4")
    made.state.players["both"].scaler.load_state_dict(made.state.players["both"].scaler.state_dict() | {"scale": 64.0})
    made.run()
    again = training("autoencoder", "train.precision='fp16'", "train.rounds=4")
    again.run(resume=True)
    assert again.state.players["both"].scaler.state_dict() == made.state.players["both"].scaler.state_dict()
    assert again.state.players["both"].scaler.get_scale() == 64.0


def penalty_and_gradients(training: Training) -> tuple[Tensor, Tensor]:
    """The gradient penalty of a first batch, and its gradients of the critic's weights, flat."""
    player = training.state.players["critic"]
    training.rng.manual_seed(1)
    names = [term.name for term in player.plan.terms]
    term = player.terms(training.state.feed.next())[names.index("gradient-penalty")]
    return term.detach(), torch.cat(
        [g.flatten() for g in torch.autograd.grad(term, player.parameters, allow_unused=True) if g is not None]
    )


@pytest.mark.parametrize("name", ["clustergan", "dccs"])
def test_a_penalty_in_bf16_has_nearly_the_value_and_the_gradients_of_fp32(training: MakeTraining, name: str) -> None:
    wide = ("networks.critic.hidden=[256, 256]",)
    exact, gradients = penalty_and_gradients(training(name, *wide, "train.precision='fp32'"))
    rounded, near = penalty_and_gradients(training(name, *wide, "train.precision='bf16'"))
    assert rounded != exact
    torch.testing.assert_close(rounded, exact, rtol=0.01, atol=0)
    assert torch.nn.functional.cosine_similarity(near, gradients, dim=0) > 0.999


def test_held_weights_are_converted_once_and_restored(training: MakeTraining) -> None:
    made = training("dccs", "train.precision='bf16'")
    networks, precision = made.state.networks, made.state.precision
    for parameter in networks["critic"].parameters():
        parameter.requires_grad_(False)
    before = {name: tensor.clone() for name, tensor in networks.state_dict().items()}
    with precision.converted_weights(networks.values()):
        assert {p.dtype for p in networks["critic"].parameters()} == {torch.bfloat16}
        assert {p.dtype for p in networks["encoder"].parameters()} == {torch.float32}, "it is trained"
    for name, tensor in networks.state_dict().items():
        assert torch.equal(tensor, before[name]), name


@pytest.mark.parametrize("name", ["clustergan", "dccs", "cgm"])
def test_weights_that_are_converted_once_train_to_the_same_bits(
    training: MakeTraining, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    once = training(name, "train.precision='bf16'", folder="once")
    once.run()
    monkeypatch.setattr(Precision, "converted_weights", lambda *_: nullcontext())
    each_time = training(name, "train.precision='bf16'", folder="each-time")
    each_time.run()
    for key, tensor in once.state.networks.state_dict().items():
        assert torch.equal(each_time.state.networks.state_dict()[key], tensor), key


def test_a_network_in_losses_computes_its_methods_and_layers_in_bf16_too(training: MakeTraining) -> None:
    made = training("dccs", "train.precision='bf16'")
    critic = NetworkInLosses(made.state.networks["critic"], made.state.precision)
    sample = torch.zeros(2, 12)
    assert critic.head(critic.body(sample)[0]).dtype == torch.bfloat16
    assert critic.represent(sample).dtype == torch.float32, "the method returns float32"
    assert critic.training is True


def test_a_sequence_of_layers_in_losses_has_a_length_items_and_an_order(training: MakeTraining) -> None:
    layers = NetworkInLosses(
        nn.Sequential(nn.Linear(3, 2), nn.Tanh()), training("dccs", "train.precision='bf16'").state.precision
    )
    sample = torch.ones(1, 3)
    assert len(layers) == len(list(layers)) == 2
    assert layers[0](sample).dtype == torch.bfloat16
    first, last = layers
    assert torch.equal(last(first(sample)), layers(sample))


def test_auto_is_fp32_on_a_cpu_outside_of_training() -> None:
    assert Precision("auto", torch.device("cpu")).name == "fp32"


@pytest.fixture
def faster(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Sets whether bf16 is the faster precision of this CPU."""
    return lambda answer: monkeypatch.setattr("latentclust.train.training_precision.bf16_is_faster", lambda: answer)


WIDE = "networks.encoder.hidden=[256, 256]"
"""A layer of 65,536 weights."""


@pytest.mark.parametrize(
    ("answer", "settings", "expected"), [(True, (WIDE,), "bf16"), (False, (WIDE,), "fp32"), (True, (), "fp32")]
)
def test_auto_in_training_is_bf16_for_large_layers_where_it_is_faster(
    training: MakeTraining, faster: Callable[[bool], None], answer: bool, settings: tuple[str, ...], expected: str
) -> None:
    faster(answer)
    assert training("dccs", *settings).state.precision.name == expected
    assert training("dccs", *settings, "train.precision='fp32'").state.precision.name == "fp32"


def test_large_layers_are_told_by_their_kind() -> None:
    assert not have_large_layers([nn.Linear(100, 100), nn.Conv2d(8, 8, 3)])
    assert have_large_layers([nn.Linear(8, 8), nn.Linear(256, 128)])
    assert have_large_layers([nn.Sequential(nn.Conv2d(16, 16, 3))])
    assert have_large_layers([nn.ConvTranspose2d(16, 8, 4)])


def test_a_resumed_training_keeps_the_precision_that_was_chosen(
    training: MakeTraining, recorder: type, faster: Callable[[bool], None]
) -> None:
    settings = (WIDE, "train.rounds=4", "train.checkpoint_every=2")
    faster(True)
    whole = training("dccs", *settings, folder="whole")
    whole.run()
    first = training("dccs", *settings, folder="parts")
    first.callbacks.should_stop = lambda: True
    with pytest.raises(InterruptedRunError):
        first.run()
    faster(False)  # as on another machine
    second = training("dccs", *settings, listener=recorder(), folder="parts")
    assert second.state.precision.name == "fp32"
    second.run(resume=True)
    assert {record.line()["precision"] for record in second.callbacks.listener.records} == {"bf16"}
    for name, tensor in whole.state.networks.state_dict().items():
        assert torch.equal(second.state.networks.state_dict()[name], tensor), name


def test_a_checkpoint_of_an_earlier_version_or_of_a_gpu(training: MakeTraining, faster: Callable[[bool], None]) -> None:
    faster(True)
    precision = training("dccs", WIDE).state.precision
    precision.restore({"name": "fp16", "device": "cuda"})
    assert precision.name == "bf16", "on another device the choice is made again"
    precision.restore(None)
    assert precision.name == "fp32", "auto was fp32 on every CPU"
    fixed = training("dccs", "train.precision='bf16'").state.precision
    fixed.restore({"name": "fp32", "device": "cpu"})
    assert fixed.name == "bf16", "the recipe decides"


def test_the_probe_draws_no_random_number_and_answers_once() -> None:
    state = torch.get_rng_state()
    bf16_is_faster.cache_clear()
    assert bf16_is_faster() is bf16_is_faster()
    assert torch.equal(torch.get_rng_state(), state)


def test_bf16_is_never_faster_where_onednn_does_not_support_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.backends.mkldnn.is_available", lambda: False)
    bf16_is_faster.cache_clear()
    assert not bf16_is_faster()
    bf16_is_faster.cache_clear()
