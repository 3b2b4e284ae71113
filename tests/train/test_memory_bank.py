"""Tables with a row for each sample: when they are computed, what a step is given of them, and how they resume."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from latentclust.data.feed import Batch, Feed
from latentclust.errors import InterruptedRunError, LatentclustError, RunFailedError
from latentclust.train.loop import Training
from latentclust.train.memory_bank import MemoryBank

MakeTraining = Callable[..., Training]

pytestmark = pytest.mark.usefixtures("whole_set")


def tables_of(made: Training) -> MemoryBank:
    assert made.state.memory_bank is not None
    return made.state.memory_bank


def samples_of(made: Training) -> Tensor:
    return torch.cat(list(tables_of(made).dataset.training_images))


@torch.no_grad()
def sharpened(made: Training) -> Tensor:
    """The target distribution of the networks as they are, written out."""
    encoder = made.state.networks["encoder"]
    encoder.eval()
    q = encoder(samples_of(made)).logits.softmax(dim=1)
    encoder.train()
    weight = q**2 / q.sum(0)
    return weight / weight.sum(1, keepdim=True)


def test_a_table_is_computed_every_so_many_rounds_from_the_networks_as_they_are(training: MakeTraining) -> None:
    made = training("tables", "train.rounds=8")
    found: list[Tensor] = []
    take = made.state.feed.next

    def noted() -> Batch:
        found.append(tables_of(made).rows["target"].clone())
        if len(found) in (1, 4, 7):
            assert torch.equal(found[-1], sharpened(made)), len(found)
        return take()

    made.state.feed.next = noted  # type: ignore[method-assign]
    made.run()
    changed = [round_ + 2 for round_ in range(7) if not torch.equal(found[round_], found[round_ + 1])]
    assert changed == [4, 7]


def test_a_table_without_every_is_computed_once(training: MakeTraining) -> None:
    made = training("tables", "tables.neighbours.drawn=true", "train.rounds=8")
    tables_of(made).refresh(1, made.stage)
    first = tables_of(made).rows["neighbours"].clone()
    made.run()
    assert torch.equal(tables_of(made).rows["neighbours"], first)


def test_a_table_that_draws_does_so_by_seed_name_and_round(training: MakeTraining) -> None:
    def drawn(*settings: str, round_: int = 1) -> Tensor:
        made = training("tables", "tables.neighbours.drawn=true", *settings)
        tables_of(made).refresh(round_, made.stage)
        return tables_of(made).rows["neighbours"]

    assert torch.equal(drawn(), drawn())
    assert not torch.equal(drawn(), drawn("seed=4"))
    assert not torch.equal(drawn(), drawn(round_=2))


def test_it_is_computed_from_held_networks_in_evaluation_mode_that_are_given_back(training: MakeTraining) -> None:
    made = training("tables")
    made.state.networks.train()
    encoder = made.state.networks["encoder"]
    statistics = [buffer.clone() for buffer in encoder.buffers()]
    seen = []
    encoder.register_forward_pre_hook(
        lambda module, _: seen.append(
            (module.training, torch.is_grad_enabled(), any(p.requires_grad for p in module.parameters()))
        )
    )
    tables_of(made).refresh(1, made.stage)
    assert set(seen) == {(False, False, False)}
    assert encoder.training
    assert all(parameter.requires_grad for parameter in encoder.parameters())
    assert all(torch.equal(*pair) for pair in zip(encoder.buffers(), statistics, strict=True))


def test_a_step_is_given_the_rows_of_its_batch(training: MakeTraining) -> None:
    made = training("tables")
    tables = tables_of(made)
    tables.refresh(1, made.stage)
    batch = made.state.feed.next()
    assert torch.equal(tables.batch_rows("target", batch), tables.rows["target"][batch.index])
    made.state.networks.train()
    towards = made.state.players["both"].terms(batch)[1]
    code = made.state.networks["encoder"](batch.raw)
    expected = -(tables.rows["target"][batch.index] * code.logits.log_softmax(dim=1)).sum(dim=1).mean()
    torch.testing.assert_close(towards, expected)


def test_the_images_are_of_one_sample_of_each_row_drawn_by_the_steps_generator(training: MakeTraining) -> None:
    made = training("tables")
    tables, samples = tables_of(made), samples_of(made)
    tables.refresh(1, made.stage)
    batch = made.state.feed.next()
    rows = tables.rows["neighbours"][batch.index]
    drawn = []
    for seed in (1, 1, 2):
        made.rng.manual_seed(seed)
        drawn.append(tables.sampled_images("neighbours", batch))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    for row, image in zip(rows, drawn[0], strict=True):
        assert any(torch.equal(image, samples[index]) for index in row)
    made.rng.manual_seed(0)
    often = torch.stack([tables.sampled_images("neighbours", batch)[0] for _ in range(60)])
    for index in rows[0]:  # each of three, by a chance of 1 - (2/3)^60
        assert (often == samples[index]).all(dim=1).any()


def test_the_nearest_samples_are_those_of_the_set_in_its_order(training: MakeTraining) -> None:
    made = training("tables", "evaluate.batch_size=7")
    tables_of(made).refresh(1, made.stage)
    points = samples_of(made).double().numpy()
    distances = np.square(points[:, None] - points[None]).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    expected = np.argsort(distances, axis=1)[:, :3]
    assert np.array_equal(tables_of(made).rows["neighbours"].numpy(), expected)


def test_the_images_of_neighbours_are_preprocessed(training: MakeTraining) -> None:
    images = ("data={use='array', path='maps.npy', preprocess=[{use='grayscale'}]}", "losses.towards.enabled=false")
    made = training("tables", *images, "tables.neighbours.count=1")
    tables = tables_of(made)
    tables.refresh(1, made.stage)
    batch = made.state.feed.next()
    found = tables.sampled_images("neighbours", batch)
    assert found.shape == (16, 1, 16, 16)
    assert torch.equal(found, samples_of(made)[tables.rows["neighbours"][batch.index, 0]])
    made.run()


@pytest.mark.parametrize("setting", ["data.workers=0", "data.workers=2", "data.memory_limit=8"])
def test_streamed_sets_and_tables_on_the_host_train_to_the_same_bits(training: MakeTraining, setting: str) -> None:
    resident = training("tables", folder="resident")
    streamed = training("tables", "data.resident=false", setting, folder="streamed")
    resident.run()
    streamed.run()
    found = streamed.state.networks.state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in resident.state.networks.state_dict().items())


def test_a_resumed_training_continues_with_its_saved_tables(training: MakeTraining, recorder: type) -> None:
    drawn = "tables.neighbours.drawn=true"
    whole = training("tables", drawn, folder="whole")
    whole.run()
    first = training("tables", drawn, folder="parts")
    first.callbacks.listener = recorder(5, lambda: setattr(first.callbacks, "should_stop", lambda: True))
    with pytest.raises(InterruptedRunError, match="stopped after round 6"):
        first.run()
    second = training("tables", drawn, folder="parts")
    second.run(resume=True)
    found = second.state.networks.state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in whole.state.networks.state_dict().items())
    for name, rows in tables_of(whole).rows.items():
        assert torch.equal(tables_of(second).rows[name], rows)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("tables.target.spoilt=true", "tables.target: the table is not finite, before round 1."),
        ("tables.neighbours.rows=5", "tables.neighbours: the table has shape (5, 3) for 64 samples, before round 1."),
        ("tables.neighbours.shift=1", "tables.neighbours: it has sample indices from 1 to 64, before round 1."),
        ("tables.neighbours.count=0", "expected sample indices (n, m) int64, got torch.int64 of shape (64, 0)"),
    ],
)
def test_a_table_that_cannot_be_right_ends_the_training(
    training: MakeTraining, tmp_path: Path, setting: str, said: str
) -> None:
    with pytest.raises(RunFailedError) as caught:
        training("tables", setting).run()
    assert said in str(caught.value)
    assert not list(tmp_path.glob("*.safetensors"))


def test_a_checkpoint_of_another_set_is_refused(training: MakeTraining) -> None:
    training("tables", "train.rounds=4").run()
    other = training("tables", "train.rounds=4", "data.per_cluster=20", "train.batch_size=20")
    other.state.identity = None  # as in files of earlier versions
    with pytest.raises(LatentclustError, match="the table 'neighbours' has 64 rows for 80 samples"):
        other.run(resume=True)


def test_feeds_read_any_samples(training: MakeTraining) -> None:
    index = torch.tensor([5, 0, 63, 5])
    for settings in ((), ("data.resident=false", "data.workers=0")):
        feed: Any = training("tables", *settings).state.feed
        assert isinstance(feed, Feed)
        assert torch.equal(feed.read(index), samples_of(training("tables"))[index])
