from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from latentclust.data.feed import Batch, EpochOrder, Feed, to_float
from latentclust.data.open_feed import ResidentFeed, byte_size, open_feed, sequential
from latentclust.data.sources import ArraySource
from latentclust.data.stream import StreamFeed
from latentclust.errors import LatentclustError
from latentclust.specs.data import ImageSource
from latentclust.specs.parts import Shape
from latentclust.specs.views import HostViewSpec

CPU = torch.device("cpu")
COUNT = 23
# Python 3.12 and later warn of a fork beside threads, which torch always has.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def images() -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (COUNT, 3, 4, 5), np.uint8)


def feed(resident: bool, seed: int = 0, rank: int = 0, world: int = 1, workers: int = 0) -> Feed:
    source = ArraySource(images())
    place = {"resident": resident, "memory_limit": 0, "workers": workers, "rank": rank, "world": world}
    return open_feed(source, {}, 4, seed, CPU, **place)


def indices(batches: Sequence[Batch]) -> list[list[int]]:
    return [batch.index.tolist() for batch in batches]


class Shift(HostViewSpec):
    """Adds the seed to every value, so that the draw can be read off the image."""

    def apply_one(self, image: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
        return (image + np.uint8(seed % 256)).astype(np.uint8)


class Mirror(HostViewSpec):
    def apply_one(self, image: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
        return image[:, ::-1]


class Halved(HostViewSpec):
    def apply_one(self, image: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
        return image[::2]


class Torn(ImageSource):
    """A source whose last sample cannot be read."""

    shape: Shape = (1, 2, 2)
    dtype: np.dtype[Any] = np.dtype(np.uint8)

    def __len__(self) -> int:
        return 2

    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        if 1 in indices:
            raise LatentclustError.at("torn.png", "is torn", "Mend it")
        return np.zeros((len(indices), 1, 2, 2), np.uint8)


def test_an_epoch_is_a_permutation_without_its_incomplete_batch():
    order = EpochOrder(COUNT, 4, seed=3)
    dealt = order.batches(0)
    assert dealt.shape == (len(order), 4) == (5, 4)
    assert len(np.unique(dealt)) == 20
    assert not np.array_equal(dealt, order.batches(1))
    np.testing.assert_array_equal(dealt, EpochOrder(COUNT, 4, seed=3).batches(0))
    assert not np.array_equal(dealt, EpochOrder(COUNT, 4, seed=4).batches(0))


@pytest.mark.parametrize("world", [2, 3])
def test_ranks_share_out_one_permutation(world: int):
    shares = [EpochOrder(24, 2, 0, rank, world).batches(5) for rank in range(world)]
    assert {share.shape for share in shares} == {(24 // world // 2, 2)}
    assert sorted(np.concatenate(shares).ravel()) == list(range(24))
    whole = EpochOrder(24, 24, 0).batches(5).ravel()
    for rank, share in enumerate(shares):
        np.testing.assert_array_equal(share.ravel(), whole[rank::world])


def test_a_batch_larger_than_a_ranks_share_is_refused():
    with pytest.raises(LatentclustError, match=r"train\.batch_size: 12 on each of 2 processes .* Set at most 11"):
        EpochOrder(COUNT, 12, 0, world=2)


@pytest.mark.parametrize("workers", [0, 2])
def test_resident_and_streamed_batches_are_the_same_bits(workers: int):
    resident, streamed = feed(True), feed(False, workers=workers)
    assert isinstance(resident, ResidentFeed)
    assert isinstance(streamed, StreamFeed)
    for _ in range(2 * len(resident) + 1):
        here, there = resident.next(), streamed.next()
        assert torch.equal(here.index, there.index)
        assert torch.equal(here.raw, there.raw)
        np.testing.assert_array_equal(here.raw.numpy(), images()[here.index.numpy()])


@pytest.mark.parametrize(("resident", "workers"), [(True, 0), (False, 0), (False, 2)])
def test_a_restored_feed_continues_as_an_uninterrupted_one(resident: bool, workers: int):
    whole, left = feed(resident, workers=workers), feed(resident, workers=workers)
    expected = indices([whole.next() for _ in range(13)])
    assert indices([left.next() for _ in range(7)]) == expected[:7]
    state = left.state()
    assert state == {"epoch": 1, "position": 2}
    taken_up = feed(resident, workers=workers)
    taken_up.restore(state)
    assert indices([taken_up.next() for _ in range(6)]) == expected[7:]
    left.restore({"epoch": 0, "position": 3})
    assert indices([left.next() for _ in range(3)]) == expected[3:6]


def test_the_state_at_an_epochs_end_is_the_next_ones_beginning():
    fed = feed(True)
    for _ in range(len(fed)):
        fed.next()
    assert fed.state() == {"epoch": 1, "position": 0}


@pytest.mark.parametrize("state", [{"epoch": 0, "position": 5}, {"epoch": -1, "position": 0}])
def test_a_place_that_no_epoch_has_is_refused(state: dict[str, int]):
    with pytest.raises(LatentclustError, match="an epoch has 5 batches"):
        feed(True).restore(state)


def test_feeds_leave_the_global_generators_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    feed(False).next()
    feed(True).next()
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("resident", [True, False])
def test_host_views_depend_on_seed_epoch_index_view_and_step_alone(resident: bool):
    def views_by_place(workers: int, seed: int = 0) -> dict[tuple[int, int], tuple[int, int]]:
        views = {"one": (Shift(),), "two": (Shift(), Mirror())}
        place = {"resident": resident, "memory_limit": 0, "workers": workers}
        fed = open_feed(ArraySource(images()), views, 4, seed, CPU, **place)
        seen = {}
        for step in range(2 * len(fed)):
            batch = fed.next()
            one = (batch.views["one"] - batch.raw)[:, 0, 0, 0]
            two = (batch.views["two"].flip(-1) - batch.raw)[:, 0, 0, 0]
            for index, draws in zip(batch.index.tolist(), zip(one.tolist(), two.tolist(), strict=True), strict=True):
                seen[step // len(fed), index] = draws
        return seen

    drawn = views_by_place(workers=0)
    assert drawn == views_by_place(workers=2)
    assert drawn != views_by_place(workers=0, seed=1)
    assert len(set(drawn.values())) > len(drawn) // 2
    assert any(one != two for one, two in drawn.values())


def test_a_view_that_changes_the_shape_is_named():
    fed = open_feed(ArraySource(images()), {"v": (Halved(),)}, 4, 0, CPU, resident=False, memory_limit=0, workers=0)
    with pytest.raises(LatentclustError, match=r"views\.v: must return a uint8 image .*, returned uint8 \(2, 5, 3\)"):
        fed.next()


def test_host_views_of_vectors_are_refused():
    vectors = ArraySource(np.zeros((4, 2), np.float32))
    with pytest.raises(LatentclustError, match=r"views\.v: requires images"):
        open_feed(vectors, {"v": (Mirror(),)}, 2, 0, CPU, resident="auto", memory_limit=99, workers=0)


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_in_a_worker_keeps_its_issue(workers: int):
    fed = open_feed(Torn(), {}, 2, 0, CPU, resident=False, memory_limit=0, workers=workers)
    with pytest.raises(LatentclustError) as caught:
        fed.next()
    (issue,) = caught.value.issues
    assert (issue.where, issue.what, issue.fix) == ("torn.png", "is torn", "Mend it")


def test_auto_keeps_what_fits():
    source = ArraySource(images())
    assert byte_size(source) == images().nbytes
    for limit, kind in ((images().nbytes, ResidentFeed), (images().nbytes - 1, StreamFeed)):
        opened = open_feed(source, {"empty": ()}, 4, 0, CPU, resident="auto", memory_limit=limit, workers=0)
        assert type(opened) is kind


def test_sequential_reads_all_samples_in_order_as_floats():
    batches = list(sequential(ArraySource(images()), 5, CPU))
    assert [len(index) for _, index in batches] == [5, 5, 5, 5, 3]
    assert torch.cat([index for _, index in batches]).tolist() == list(range(COUNT))
    joined = torch.cat([samples for samples, _ in batches])
    np.testing.assert_array_equal(joined.numpy(), images().astype(np.float32) / 255)


def test_to_float_scales_bytes_and_leaves_vectors():
    assert to_float(torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 1, 1, 3)).flatten().tolist() == [
        0.0,
        pytest.approx(0.2),
        1.0,
    ]
    vectors = torch.tensor([[0.25, 0.5]])
    assert to_float(vectors) is vectors


@pytest.mark.parametrize("resident", [True, False])
def test_batches_are_contiguous_however_the_source_lies_in_memory(resident: bool):
    """Channels that come last in memory would be convolved otherwise, and so differ in their last bits."""
    source = ArraySource(images().transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2))
    made = open_feed(source, {}, 4, 0, CPU, resident=resident, memory_limit=0, workers=0)
    batch = made.next()
    assert batch.raw.is_contiguous()
    assert np.array_equal(batch.raw.numpy(), images()[batch.index.numpy()])


def test_there_are_no_more_workers_than_usable_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = indices([feed(resident=False).next()])
    monkeypatch.setattr("latentclust.data.stream.usable_cores", lambda: 1)
    streamed = feed(resident=False, workers=64)
    assert indices([streamed.next()]) == expected  # torch warns of workers without a core
    assert isinstance(streamed, StreamFeed)
    assert streamed._workers == 1


@pytest.mark.parametrize("resident", [True, False])
def test_batches_of_another_size_begin_with_the_next_epoch(resident: bool) -> None:
    made, other = (
        feed(resident),
        open_feed(ArraySource(images()), {}, 7, 0, CPU, resident=True, memory_limit=0, workers=0),
    )
    for _ in range(5):  # the whole first epoch of 23 samples
        made.next()
    made.set_batch_size(7)
    other.restore({"epoch": 1, "position": 0})
    assert indices([made.next() for _ in range(4)]) == indices([other.next() for _ in range(4)])
    made.set_batch_size(7)
    assert made.state() == other.state()
    made.set_batch_size(4)
    assert made.state() == {"epoch": 3, "position": 0}
