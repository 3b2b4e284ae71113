"""Sizes of clusters during training: what is counted, of what, and that nothing else changes."""

from collections.abc import Callable
from itertools import count

import pytest
import torch
from torch import Tensor

from latentclust.errors import InterruptedRunError
from latentclust.tensors import Code, Latent
from latentclust.train.cluster_watch import READERS, SAMPLES_PER_CLUSTER, ClusterWatch
from latentclust.train.loop import Training

CPU = torch.device("cpu")
MakeTraining = Callable[..., Training]


def watch(clusters: int, kind: type = Latent) -> ClusterWatch:
    return ClusterWatch(READERS[kind], clusters, CPU)


def latent(rows: list[list[float]], times: int = 1) -> Latent:
    category = torch.tensor(rows).repeat(times, 1)
    return Latent(category, torch.zeros(len(category), 0))


def test_sizes_and_mean_probabilities_have_known_values() -> None:
    counted = watch(3)
    counted.count(latent([[0.75, 0.25, 0.0]], times=60))
    counted.count(latent([[0.0, 0.5, 0.5001]], times=30))
    sizes, means = counted.drain()
    assert sizes == (60, 0, 30)
    assert means == pytest.approx((0.5, 1 / 3, 0.5001 / 3))


def test_too_few_samples_are_kept_for_the_next_record() -> None:
    counted = watch(2)
    counted.count(latent([[1.0, 0.0]], times=2 * SAMPLES_PER_CLUSTER - 1))
    assert counted.drain() == ((), ())
    counted.count(latent([[0.0, 1.0]]))
    assert counted.drain()[0] == (2 * SAMPLES_PER_CLUSTER - 1, 1)
    assert counted.drain() == ((), ()), "a count is reported once"


def test_a_code_is_counted_by_its_softmax() -> None:
    logits = torch.tensor([[3.0, 1.0]]).log().repeat(60, 1)
    counted = watch(2, Code)
    counted.count(Code(logits, torch.zeros(60, 0), torch.zeros(60, 0)))
    assert counted.drain()[1] == pytest.approx((0.75, 0.25))


def test_of_several_sub_heads_the_most_even_one_is_reported() -> None:
    even = torch.eye(2).repeat(30, 1) * 9
    uneven = torch.tensor([[9.0, 0.0]]).repeat(60, 1)
    counted = ClusterWatch(lambda logits: logits.softmax(dim=2), 2, CPU)
    counted.count(torch.stack((uneven, even), dim=1))
    assert counted.drain()[0] == (30, 30)


def test_pixels_that_are_not_valid_are_left_out() -> None:
    category = torch.zeros(60, 2, 1, 2)
    category[:, 0, :, 0] = 1.0  # the left pixel is in cluster 1, the right one in cluster 2
    category[:, 1, :, 1] = 1.0
    counted = watch(2)
    counted.count(Latent(category, torch.zeros(60, 0, 1, 1)), torch.tensor([[[True, False]]]).expand(60, 1, 2))
    assert counted.drain() == ((60, 0), (1.0, 0.0))


def test_a_count_is_due_every_eighth_round_and_once_in_a_round() -> None:
    counted = watch(2)
    due = []
    for round_ in range(1, 17):
        counted.begin_round(round_)
        due.append(counted.due)
    assert due == ([False] * 7 + [True]) * 2
    counted.count(latent([[1.0, 0.0]]))
    assert not counted.due


@pytest.mark.parametrize(
    ("name", "value", "player"),
    [
        ("dccs", "code_of_real", "critic"),
        ("clustergan", "images", "critic"),  # no step computes the code of real images
        ("infogan", "images", "critic"),
        ("cgm", "posterior_sample", "generator"),
        ("cgm-pixel", "posterior_sample", "generator"),
        ("cvae-pixel", "code_of_real", "cvae"),
    ],
)
def test_the_clusters_of_real_images_are_counted(training: MakeTraining, name: str, value: str, player: str) -> None:
    players = training(name).state.players
    assert {one: found.watch[1] for one, found in players.items() if found.watch} == {player: value}


def test_a_record_has_the_clusters_of_the_real_images_of_the_steps(training: MakeTraining, recorder: type) -> None:
    made = training("dccs", "train.rounds=160", "train.log_every=80", listener=recorder())
    made.run()
    records = [record for record in made.callbacks.listener.records if record.cluster_sizes]
    batch = made.recipe.train.batch_size
    assert sum(sum(record.cluster_sizes) for record in records) == 20 * batch, "one batch in every eighth round"
    for record in records:
        assert sum(record.cluster_means) == pytest.approx(1.0, abs=1e-5)


def test_the_extra_pass_counts_the_encoders_clusters_of_the_batch(training: MakeTraining) -> None:
    made = training("clustergan", "prior.clusters=2", "train.rounds=1")
    player, encoder = made.state.players["critic"], made.state.networks["encoder"]
    assert player.watch is not None
    counted, _ = player.watch
    seen: list[Tensor] = []
    read = counted._read
    counted._read = lambda images: read(seen.append(images) or images)
    counted.due = True
    made._set_train_mode()
    player.step(made.state.feed.next())
    encoder.eval()
    with torch.no_grad():
        expected = encoder(seen[0]).probabilities.sum(dim=0)
    torch.testing.assert_close(counted.sums[1, 0].float(), expected)
    assert made.state.networks["generator"].training
    assert all(parameter.grad is None for parameter in encoder.parameters())


def test_a_resumed_training_keeps_the_count_so_far(
    training: MakeTraining, recorder: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latentclust.train.cluster_watch.SAMPLES_PER_CLUSTER", 0)
    settings = ("train.rounds=16", "train.log_every=16")
    whole = training("dccs", *settings, listener=recorder(), folder="whole")
    whole.run()
    first = training("dccs", *settings, listener=recorder(), folder="parts")
    played = count(1)
    first.callbacks.should_stop = lambda: next(played) >= 10
    with pytest.raises(InterruptedRunError):
        first.run()
    second = training("dccs", *settings, listener=recorder(), folder="parts")
    second.run(resume=True)
    (expected,) = [one.cluster_sizes for one in whole.callbacks.listener.records]
    assert sum(expected) == 2 * whole.recipe.train.batch_size
    assert [one.cluster_sizes for one in second.callbacks.listener.records] == [expected]


@pytest.mark.parametrize("name", ["dccs", "clustergan", "cgm", "iic-pixel"])
def test_counting_changes_no_weight(training: MakeTraining, name: str) -> None:
    plain, counted = (
        training(name, "train.rounds=8", folder="plain"),
        training(name, "train.rounds=8", folder="counted"),
    )
    for players in plain.state.players_by_stage:
        for player in players.values():
            player.watch = None
    plain.run()
    counted.run()
    assert counted.state.watch is not None
    for key, tensor in plain.state.networks.state_dict().items():
        assert torch.equal(tensor, counted.state.networks.state_dict()[key]), key
