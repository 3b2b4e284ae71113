"""The order of strips, also of those whose worker was lost."""

from pathlib import Path, PurePath

import pytest

from latentclust.data.rasters import BandReading
from latentclust.labelling.windows.stitch import StripShape
from latentclust.labelling.windows.strip_labeller import StripJob
from latentclust.labelling.windows.strip_queue import Attempt, StripQueue
from latentclust.specs.scenes import Scene

READING = BandReading((1,), (), (1,), ("uint8",))


def job(number: int) -> StripJob:
    scene = Scene(source="s.tif", name="s.tif", output=PurePath("s.tif"))
    return StripJob(scene, READING, number, StripShape((), (0, 1), 0, 0, 0), (), Path("strips"))


@pytest.fixture
def queue() -> StripQueue:
    return StripQueue(iter([job(number) for number in range(4)]), room=2)


def numbers(attempts: list[Attempt]) -> list[int]:
    return [attempt.job.number for attempt in attempts]


def test_strips_are_sent_while_there_is_room(queue: StripQueue) -> None:
    first = list(queue.take([]))
    assert numbers(first) == [0, 1]
    assert numbers(list(queue.take(first))) == []
    assert numbers(list(queue.take(first[1:]))) == [2]


def test_strips_of_a_lost_worker_are_labelled_one_by_one(queue: StripQueue) -> None:
    first, second = queue.take([])
    assert queue.lose(first, 1) is None
    assert list(queue.take([second])) == [], "another strip is still in flight"
    assert queue.lose(second, 1) is None
    (alone,) = queue.take([])
    assert alone == Attempt(first.job, lost=1)
    assert list(queue.take([alone])) == []
    (alone,) = queue.take([])
    assert alone == Attempt(second.job, lost=1)
    assert list(queue.take([alone])) == [], "no new strip while it may end its worker"
    assert numbers(list(queue.take([]))) == [2, 3]


def test_a_strip_fails_with_its_third_worker(queue: StripQueue) -> None:
    attempt, _ = queue.take([])
    for _ in range(2):
        assert queue.lose(attempt, 1) is None
        (attempt,) = queue.take([])
    result = queue.lose(attempt, 1)
    assert result is not None
    assert str(result.error) == (
        "s.tif: 3 worker processes were lost while they labelled strip 1. "
        "Processes are usually killed because memory runs out: lower --workers, --batch or --tile"
    )
    assert numbers(list(queue.take([]))) == [2, 3]


def test_a_cluster_that_has_tried_three_workers_itself_is_not_asked_again(queue: StripQueue) -> None:
    attempt, _ = queue.take([])
    assert queue.lose(attempt, 4) is not None
