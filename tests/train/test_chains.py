"""Chains while networks are trained: whose they are, when they move, and when they stay."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from latentclust.errors import RunFailedError
from latentclust.train.full_dataset import evaluation_mode
from latentclust.train.loop import Training

MakeTraining = Callable[..., Training]


def test_all_players_of_a_round_step_on_the_batch_whose_chains_moved(training: MakeTraining) -> None:
    made = training("cgm", "train.rounds=3")
    assert made.state.chains is not None
    drawn, stepped = [], []
    take, samples = made.state.feed.next, made.state.chains.values

    def noted() -> Any:
        drawn.append(take())
        return drawn[-1]

    made.state.feed.next = noted  # type: ignore[method-assign]
    for player in made.state.players.values():
        step = player.step
        player.step = lambda batch, step=step: (stepped.append((batch, made.state.chains.values)), step(batch))  # type: ignore[method-assign, union-attr]
    made.run()
    assert len(drawn) == 3
    assert [id(batch) for batch, _ in stepped] == [id(batch) for batch in drawn for _ in range(3)]
    for round_ in range(3):
        kept = [values["posterior_sample"] for _, values in stepped[3 * round_ : 3 * round_ + 3]]
        assert kept[0] is kept[1] is kept[2]
    assert samples == {}


def test_chains_of_other_samples_stay_and_those_of_the_batch_are_kept_after_the_round(training: MakeTraining) -> None:
    made = training("cgm")
    chains = made.state.chains
    assert chains is not None
    chains.begin(made.recipe.seed)
    before = {name: tensor.clone() for name, tensor in chains.state.items()}
    assert before["style"].shape == (64, 2)
    batch = made.state.feed.next()
    chains.advance(batch, 0.0)
    assert all(torch.equal(chains.state[name], before[name]) for name in before)
    chains.commit()
    moved = (chains.state["style"] != before["style"]).any(dim=1).nonzero().flatten()
    assert set(moved.tolist()) == set(batch.index.tolist())
    provided = chains.values["posterior_sample"].style
    assert torch.equal(provided, chains.state["style"][batch.index])


def test_chains_too_large_for_the_device_are_kept_on_the_host_and_move_equally(training: MakeTraining) -> None:
    resident, hosted = training("cgm", folder="a"), training("cgm", "data.memory_limit=8", folder="b")
    resident.run()
    hosted.run()
    assert resident.state.chains is not None
    assert hosted.state.chains is not None
    assert all(
        torch.equal(hosted.state.chains.state[name], tensor) for name, tensor in resident.state.chains.state.items()
    )


def test_sampling_holds_the_generator_in_evaluation_mode_and_gives_it_back(training: MakeTraining) -> None:
    made = training("cgm", "networks.generator.norm='batch'")
    generator, chains = made.state.networks["generator"], made.state.chains
    assert chains is not None
    made.state.networks.train()
    chains.begin(made.recipe.seed)
    statistics = [buffer.clone() for buffer in generator.buffers()]
    seen = []
    generator.register_forward_pre_hook(
        lambda module, _: seen.append((module.training, any(p.requires_grad for p in module.parameters())))
    )
    chains.advance(made.state.feed.next(), 0.0)
    assert set(seen) == {(False, False)}
    assert generator.training
    assert all(parameter.requires_grad for parameter in generator.parameters())
    assert all(torch.equal(*pair) for pair in zip(generator.buffers(), statistics, strict=True))


def test_what_was_frozen_stays_frozen(training: MakeTraining) -> None:
    network = training("cgm").state.networks["generator"]
    network.eval()
    network.requires_grad_(False)
    with evaluation_mode([network]):
        pass
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_diagnostics_are_logged_as_means_over_rounds(training: MakeTraining, recorder: type) -> None:
    listener = recorder()
    training("cgm", "train.rounds=4", "train.log_every=2", listener=listener).run()
    each = recorder()
    training("cgm", "train.rounds=4", listener=each).run()
    names = {"energy", "likelihood_energy", "style_energy", "label_entropy", "occupied"}
    assert [set(record.chains) for record in listener.records] == [names, names]
    for position, record in enumerate(listener.records):
        pair = each.records[2 * position : 2 * position + 2]
        assert record.chains["energy"] == pytest.approx(sum(entry.chains["energy"] for entry in pair) / 2)
        assert record.line()["chains"] == record.chains
    assert 1 <= listener.records[-1].chains["occupied"] <= 4


def test_diverging_chains_end_the_training_with_their_energy(training: MakeTraining, tmp_path: Path) -> None:
    said = r"^inference: the chains diverged: their \w*energy became (inf|nan) by round \d+.*inference\.step_size"
    with pytest.raises(RunFailedError, match=said):
        training("cgm", "inference.step_size=50.0", "inference.steps=100").run()
    assert not list(tmp_path.iterdir())


@torch.no_grad()
def moved_a_little(made: Training) -> None:
    """Adds noise to every parameter, for a generator of layers begins deaf to its styles."""
    torch.manual_seed(0)
    for parameter in made.state.networks.parameters():
        parameter.add_(0.1 * torch.randn_like(parameter))


@pytest.mark.parametrize("name", ["cgm", "cgm-pixel"])
def test_bf16_chains_stay_float32_and_close_to_those_of_fp32(training: MakeTraining, name: str) -> None:
    states = []
    for precision in ("fp32", "bf16"):
        made = training(name, f"train.precision='{precision}'", "inference.steps=1", folder=precision)
        assert made.state.chains is not None
        moved_a_little(made)
        made.state.chains.begin(made.recipe.seed)
        made.rng.manual_seed(0)
        made.state.chains.advance(made.state.feed.next(), 0.0)
        made.state.chains.commit()
        states.append(made.state.chains.state["style"])
    assert states[1].dtype == torch.float32
    assert not torch.equal(*states)
    torch.testing.assert_close(states[1], states[0], atol=0.02, rtol=0)


def test_chains_of_maps_stay_for_other_images_and_keep_their_bytes(training: MakeTraining) -> None:
    made = training("cgm-pixel")
    chains = made.state.chains
    assert chains is not None
    chains.begin(made.recipe.seed)
    before = {name: tensor.clone() for name, tensor in chains.state.items()}
    assert before["style"].shape == (32, 2, 4, 4)
    assert before["label"].shape == (32, 16, 16)
    batch = made.state.feed.next()
    chains.advance(batch, 0.0)
    assert all(torch.equal(chains.state[name], before[name]) for name in before)
    chains.commit()
    moved = (chains.state["style"] != before["style"]).flatten(1).any(dim=1).nonzero().flatten()
    assert set(moved.tolist()) == set(batch.index.tolist())
    assert chains.state["label"].dtype == torch.uint8
    shown = chains.values["posterior_sample"].category.argmax(dim=1)
    assert torch.equal(shown, chains.state["label"][batch.index].long())


def test_diagnostics_of_maps_are_logged(training: MakeTraining, recorder: type) -> None:
    listener = recorder()
    training("cgm-pixel", "train.rounds=2", listener=listener).run()
    names = {"likelihood_energy", "style_energy", "label_entropy", "occupied", "boundary"}
    assert [set(record.chains) for record in listener.records] == [names, names]
    assert 1 <= listener.records[-1].chains["occupied"] <= 3
    assert 0 <= listener.records[-1].chains["boundary"] <= 1
