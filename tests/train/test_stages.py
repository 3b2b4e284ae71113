"""Training in stages: against a loop written by hand, and resumed inside each of them."""

from collections.abc import Callable
from copy import deepcopy
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from latentclust.assemble.experiment import Experiment
from latentclust.errors import InterruptedRunError, RunFailedError
from latentclust.train.loop import Training

MakeTraining = Callable[..., Training]

pytestmark = pytest.mark.usefixtures("whole_set")


def adam(lr: float, *networks: nn.Module) -> torch.optim.Adam:
    return torch.optim.Adam([p for network in networks for p in network.parameters()], lr=lr)


def by_hand(experiment: Experiment) -> dict[str, nn.Module]:
    """Five rounds of the autoencoder, the head centred, then seven of the encoder with a new target every third."""
    networks = deepcopy(experiment.networks)
    encoder, generator = networks["encoder"], networks["generator"]
    samples = torch.from_numpy(experiment.data.source.read(np.arange(64)))
    order = [index for epoch in range(3) for index in np.random.default_rng((3, epoch)).permutation(64)]
    batches = iter(torch.tensor(order).view(-1, 16))

    def error(rows: Tensor) -> Tensor:
        return (generator(encoder(samples[rows]).latent()) - samples[rows]).pow(2).mean()

    optimizer = adam(0.01, encoder, generator)
    for _ in range(5):
        optimizer.zero_grad()
        error(next(batches)).backward()
        optimizer.step()
    with torch.no_grad():
        code = encoder(samples)
        encoder.head.bias -= torch.cat((code.logits, code.style), 1).mean(0)
    optimizer = adam(0.02, encoder)
    for round_ in range(7):
        if round_ % 3 == 0:
            with torch.no_grad():
                q = encoder(samples).logits.softmax(1)
                target = q**2 / q.sum(0)
                target /= target.sum(1, keepdim=True)
        rows = next(batches)
        optimizer.zero_grad()
        towards = -(target[rows] * encoder(samples[rows]).logits.log_softmax(1)).sum(1).mean()
        (towards + 0.5 * error(rows)).backward()
        optimizer.step()
    return networks


def test_stages_end_where_a_loop_written_by_hand_ends(
    experiment: Callable[..., Experiment], training: MakeTraining
) -> None:
    start = experiment("stages")
    expected = by_hand(start)
    made = training("stages")
    made.run()
    for role, network in expected.items():
        initial, found = start.networks[role].state_dict(), made.state.networks[role].state_dict()
        assert all(not torch.equal(found[key], initial[key]) for key in initial), role
        # Adam divides by square roots of small numbers, whose rounding differs between CPUs.
        torch.testing.assert_close(found, network.state_dict(), rtol=1e-4, atol=5e-5)


def stopped_and_resumed(training: MakeTraining, rounds: int, *settings: str) -> Training:
    first, played = training("stages", *settings, folder="parts"), count(1)
    first.callbacks.should_stop = lambda: next(played) >= rounds
    with pytest.raises(InterruptedRunError, match=f"stopped after round {rounds} of 12"):
        first.run()
    second = training("stages", *settings, folder="parts")
    second.run(resume=True)
    return second


@pytest.mark.parametrize("rounds", [2, 4, 5, 6, 10])
def test_a_training_resumes_inside_each_stage_and_between_them(training: MakeTraining, rounds: int) -> None:
    settings = ("stages.clustering.start={use='centred', noise=0.1}", "networks.encoder.norm='batch'")
    whole = training("stages", *settings, folder="whole")
    whole.run()
    found = stopped_and_resumed(training, rounds, *settings).state.networks.state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in whole.state.networks.state_dict().items())


def test_records_are_of_one_stage_and_name_it(training: MakeTraining, recorder: type) -> None:
    listener: Any = recorder()
    training("stages", listener=listener).run()
    told = [(record.round, record.stage, set(record.losses)) for record in listener.records]
    first, second = {"reconstruction"}, {"towards", "kept"}
    pretraining, clustering = [(r, "pretraining", first) for r in (3, 5)], [(6, "clustering", second)]
    assert told == [*pretraining, *clustering, (9, "clustering", second), (12, "clustering", second)]
    assert listener.records[0].line()["stage"] == "pretraining"


def test_a_training_without_stages_names_none(training: MakeTraining, recorder: type) -> None:
    listener: Any = recorder()
    training("autoencoder", "train.rounds=1", listener=listener).run()
    assert "stage" not in listener.records[0].line()


def test_what_a_stage_does_not_move_is_held_and_the_last_stages_optimizer_is_let_go(training: MakeTraining) -> None:
    made = training("stages")
    seen: list[tuple[int, bool]] = []
    made.state.networks["generator"].register_forward_pre_hook(
        lambda network, _: seen.append((made.state.stage_index, any(p.requires_grad for p in network.parameters())))
    )
    made.run()
    assert set(seen) == {(0, True), (1, False)}
    assert not made.state.players_by_stage[0]["autoencoder"].optimizer.state
    assert made.state.players_by_stage[1]["encoder"].optimizer.state
    assert list(made.state.players) == ["encoder"]


def test_schedules_run_over_their_stage(training: MakeTraining) -> None:
    ramp = "{start=0.4, end=0.0}"
    made = training(
        "stages", f"players.autoencoder.optimizer.lr={ramp}", f"players.encoder.optimizer.lr={ramp}", "train.rounds=8"
    )
    rates: list[float] = []
    for crew in made.state.players_by_stage:
        for player in crew.values():
            step, groups = player.step, player.optimizer.param_groups
            player.step = lambda batch, step=step, groups=groups: (rates.append(groups[0]["lr"]), step(batch))  # type: ignore[method-assign, misc]
    made.run()
    assert rates == pytest.approx([0.4, 0.8 / 3, 0.4 / 3, 0.4, 0.32, 0.24, 0.16, 0.08])


def test_a_table_is_computed_in_the_stage_that_reads_it(training: MakeTraining) -> None:
    made = training("stages", "stages.clustering.rounds=1")
    assert made.state.memory_bank is not None
    made._start_round(1)
    assert made.state.memory_bank.rows == {}
    made.run()
    assert set(made.state.memory_bank.rows) == {"target"}


def test_weights_are_selected_from_the_last_stage_alone(training: MakeTraining) -> None:
    made = training("stages", "train.select_by='losses.towards'", "train.select_every=2", "train.select_since=0.0")
    selection = made.run()
    assert selection.rounds_before == 5
    assert selection.round in (8, 10, 12)  # the window that ends with round 6 begins in pretraining


OWN = (
    "stages.clustering.batch_size=24",
    "stages.clustering.optimizers.encoder={use='sgd', lr={start=0.4, end=0.0, warmup=0.5}}",
    "stages.pretraining.select_by='losses.reconstruction'",
    "train.select_every=2",
    "train.select_since=0.0",
)


def test_a_stage_has_its_own_batch_size_and_optimizer(training: MakeTraining) -> None:
    made = training("stages", *OWN, "stages.clustering.rounds=4")
    player = made.state.players_by_stage[1]["encoder"]
    sizes: list[int] = []
    rates: list[float] = []
    for crew in made.state.players_by_stage:
        for each in crew.values():
            step = each.step
            each.step = lambda batch, step=step: (sizes.append(len(batch.index)), step(batch))  # type: ignore[method-assign, misc]
    refresh = player.refresh
    player.refresh = lambda progress: (refresh(progress), rates.append(player.optimizer.param_groups[0]["lr"]))  # type: ignore[method-assign, func-returns-value, return-value]
    made.run()
    assert sizes == [16] * 5 + [24] * 4
    assert isinstance(player.optimizer, torch.optim.SGD)
    assert rates == pytest.approx([0.0, 0.2, 0.4, 0.2])  # warm-up over half of the stage, then a ramp to 0


def test_a_stage_ends_with_the_weights_that_its_own_loss_selects(training: MakeTraining, recorder: type) -> None:
    made, entered = training("stages", *OWN, listener=recorder(), folder="whole"), {}
    kept: dict[int, dict[str, Tensor]] = {}
    made.callbacks.listener.on_record = lambda record: kept.update(  # type: ignore[method-assign]
        {record.round: deepcopy(made.state.networks.state_dict())}
    )
    enter = type(made.state).enter_stage
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            type(made.state),
            "enter_stage",
            lambda state, index: (entered.update(deepcopy(state.networks.state_dict())), enter(state, index)),
        )
        last = made.run()
    first = made.state.selections[0]
    assert first.round in (2, 4)
    assert all(torch.equal(entered[name], tensor) for name, tensor in kept[first.round].items())
    assert last.describe(12) == (
        f"the last weights, after round 12; stage 'pretraining' ended with the weights of round {first.round} of 5, "
        f"where |losses.reconstruction| averaged over 2 rounds was least ({first.score:.4g}); no label was read"
    )


@pytest.mark.parametrize("rounds", [3, 5, 8])
def test_a_training_with_selected_stages_and_other_batches_resumes(training: MakeTraining, rounds: int) -> None:
    whole = training("stages", *OWN, folder="whole")
    expected = whole.run()
    resumed = stopped_and_resumed(training, rounds, *OWN)
    found = resumed.state.networks.state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in whole.state.networks.state_dict().items())
    assert resumed.state.selection.describe(12) == expected.describe(12)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("weight='head.biass'", "no network has weights named 'encoder.head.biass'. Did you mean 'encoder.head.bias'?"),
        ("size=2", "'encoder.head.bias' has shape (2,), expected (6,)."),
        ("noise=1e38", "'encoder.head.bias' is not finite."),
    ],
)
def test_weights_that_cannot_be_right_end_the_training(
    training: MakeTraining, tmp_path: Path, options: str, said: str
) -> None:
    with pytest.raises(RunFailedError) as caught:
        training("stages", f"stages.clustering.start={{use='centred', {options}}}").run()
    assert str(caught.value).startswith(f"stages.clustering.start: {said}")
