"""A player's step: what moves, what is held, what is computed, and in which precision."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from latentclust.recipe.training_tables import OptimizerTable
from latentclust.train.loop import Training
from latentclust.train.step import average_gradients, hold_other_networks, make_optimizer

MakeTraining = Callable[..., Training]
State = Mapping[str, Tensor]


def snapshot(training: Training) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in training.state.networks.state_dict().items()}


def changed(training: Training, before: State) -> set[str]:
    """The networks of which a parameter is another one now."""
    now = dict(training.state.networks.named_parameters())
    return {name.partition(".")[0] for name in now if not torch.equal(now[name], before[name])}


def move(training: Training, name: str) -> None:
    """One step of one player, as the loop takes it."""
    training._set_train_mode()
    training._seed_round(1)
    hold_other_networks(tuple(training.state.players.values()), training.state.players[name])
    training.state.players[name].step(training.state.feed.next())


@pytest.mark.parametrize(
    ("recipe", "player", "moved"),
    [
        ("clustergan", "critic", {"critic"}),
        ("clustergan", "generator", {"generator", "encoder"}),
        ("dccs", "critic", {"critic"}),
        ("dccs", "encoder", {"encoder", "discriminator"}),
        ("infogan", "critic", {"trunk", "critic"}),
        ("infogan", "generator", {"generator", "encoder", "trunk"}),
    ],
)
def test_a_step_moves_its_players_networks_and_gives_gradients_to_no_other(
    training: MakeTraining, recipe: str, player: str, moved: set[str]
) -> None:
    made = training(recipe)
    before = snapshot(made)
    move(made, player)
    assert changed(made, before) == moved
    assert {
        name for name, network in made.state.networks.items() for p in network.parameters() if p.grad is not None
    } <= moved


def test_a_generator_learns_through_the_held_critic(training: MakeTraining) -> None:
    settings = ("losses.style-recovery.enabled=false", "losses.category-recovery.enabled=false")
    made = training("clustergan", "players.generator.networks=['generator']", "networks.encoder.frozen=true", *settings)
    before = snapshot(made)
    move(made, "generator")
    assert changed(made, before) == {"generator"}
    gradients = [parameter.grad for parameter in made.state.networks["generator"].parameters()]
    assert all(gradient is not None and gradient.abs().sum() > 0 for gradient in gradients[-2:])


def test_a_network_of_two_players_moves_with_both_and_has_an_optimizer_state_in_each(training: MakeTraining) -> None:
    made = training("infogan")
    for player in ("critic", "generator"):
        before = snapshot(made)
        move(made, player)
        assert "trunk" in changed(made, before)
    trunk = set(made.state.networks["trunk"].parameters())
    states = [player.optimizer.state for player in made.state.players.values()]
    assert all(trunk <= set(state) for state in states)
    assert all(states[0][p]["exp_avg"].data_ptr() != states[1][p]["exp_avg"].data_ptr() for p in trunk)


def test_each_quantity_is_computed_once_a_step(training: MakeTraining) -> None:
    made = training("dccs")
    player, calls = made.state.players["encoder"], Counter[str]()

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def count(*values: Any) -> Any:
            calls[name] += 1
            return function(*values)

        return count

    names = [node.name for node in player.plan.nodes]
    player._nodes = [(name, counted(name, function), reads, place) for name, function, reads, place in player._nodes]
    move(made, "encoder")
    assert calls == Counter(dict.fromkeys(names, 1))
    reads = Counter(read for node in player.plan.nodes for read in node.reads)
    reads.update(read for term in player.plan.terms for read in term.reads)
    assert reads["code_of_real"] > 1
    assert "prior_sample" not in names, "no loss of this player asks for it"


def test_held_networks_train_their_batch_norm_and_frozen_ones_do_not(training: MakeTraining) -> None:
    made = training("clustergan", "networks.encoder.norm='batch'", *frozen_encoder())
    before = snapshot(made)
    move(made, "critic")  # computes G(z) with the generator held
    after = made.state.networks.state_dict()
    statistics = [name for name in before if "running" in name]
    assert {name.partition(".")[0] for name in statistics} == {"generator", "encoder"}
    for name in statistics:
        assert torch.equal(after[name], before[name]) == name.startswith("encoder"), name
    made = training("clustergan", "networks.encoder.norm='batch'", "train.rounds=2", *frozen_encoder(), folder="run")
    made.run()
    assert made.state.networks["generator"].training
    assert not made.state.networks["encoder"].training
    for name, tensor in made.state.networks["encoder"].state_dict().items():
        assert torch.equal(tensor, before[f"encoder.{name}"]), name


def frozen_encoder() -> tuple[str, ...]:
    return ("networks.encoder.frozen=true", "players.generator.networks=['generator']")


def test_the_learning_curve_leaves_the_modes_of_the_networks_as_they_were(training: MakeTraining) -> None:
    made = training(
        "clustergan", "networks.encoder.norm='batch'", "train.rounds=2", "evaluate.every=1", *frozen_encoder()
    )
    modes: list[bool] = []

    def curve() -> dict[str, float]:
        modes.append(any(network.training for network in made.state.networks.values()))
        return {"accuracy": 0.5}

    made.callbacks.curve = curve
    made.run()
    assert modes == [False, False]
    assert made.state.networks["generator"].training
    assert not made.state.networks["encoder"].training


def test_gradients_are_averaged_as_one_flat_tensor_and_absent_ones_stay_absent() -> None:
    parameters = [nn.Parameter(torch.zeros(2, 3)), nn.Parameter(torch.zeros(4)), nn.Parameter(torch.zeros(1))]
    parameters[0].grad = torch.arange(6.0).reshape(2, 3)
    parameters[2].grad = torch.tensor([9.0])
    seen: list[Tensor] = []

    def with_a_rank_whose_gradients_are_zero(flat: Tensor) -> Tensor:
        seen.append(flat.clone())
        return flat / 2

    average_gradients(parameters, with_a_rank_whose_gradients_are_zero)
    assert [flat.tolist() for flat in seen] == [[0, 1, 2, 3, 4, 5, 9]]
    assert parameters[0].grad.tolist() == [[0, 0.5, 1], [1.5, 2, 2.5]]
    assert parameters[1].grad is None
    assert parameters[2].grad.tolist() == [4.5]


@pytest.mark.parametrize("use", ["adam", "adamw", "rmsprop", "sgd"])
def test_each_optimizer_takes_the_step_of_its_reference(use: str) -> None:
    references: dict[str, Callable[[list[Tensor]], torch.optim.Optimizer]] = {
        "adam": lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.5, 0.9), weight_decay=0.01),
        "adamw": lambda p: torch.optim.AdamW(p, lr=0.1, betas=(0.5, 0.9), weight_decay=0.01),
        "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.1, momentum=0.5, weight_decay=0.01),
        "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.5, weight_decay=0.01),
    }
    table = OptimizerTable.model_validate({"use": use, "lr": 0.1, "weight_decay": 0.01, "betas": (0.5, 0.9)})
    ours, theirs = nn.Parameter(torch.tensor([1.0, -2.0])), nn.Parameter(torch.tensor([1.0, -2.0]))
    for parameter, optimizer in ((ours, make_optimizer(table, [ours])), (theirs, references[use]([theirs]))):
        for _ in range(3):
            optimizer.zero_grad()
            parameter.pow(2).sum().backward()
            optimizer.step()
    torch.testing.assert_close(ours, theirs)
