"""Reading ahead in a background thread."""

import threading
from collections.abc import Generator

import pytest

from latentclust.labelling.windows.window_batches import prefetch


class Reader:
    """A generator of numbers that notes the threads in which it runs."""

    def __init__(self, count: int) -> None:
        self.count, self.produced = count, 0
        self.opened = self.closed = ""

    def read(self) -> Generator[int, None, None]:
        self.opened = threading.current_thread().name
        try:
            for number in range(1, self.count + 1):
                self.produced = number
                yield number
        finally:
            self.closed = threading.current_thread().name


def test_all_items_come_in_order_and_the_thread_that_opens_also_closes() -> None:
    reader = Reader(50)
    assert list(prefetch(reader.read())) == list(range(1, 51))
    assert reader.opened == reader.closed == "read-ahead"


def test_one_item_is_read_ahead() -> None:
    reader = Reader(50)
    items = prefetch(reader.read())
    assert [next(items), next(items)] == [1, 2]
    items.close()  # type: ignore[attr-defined]
    assert reader.produced <= 3
    assert reader.closed == "read-ahead"


def test_an_error_reaches_the_caller() -> None:
    def torn() -> Generator[int, None, None]:
        yield 1
        raise OSError("torn")

    items = prefetch(torn())
    assert next(items) == 1
    with pytest.raises(OSError, match="torn"):
        next(items)


def test_an_impatient_caller_leaves_the_generator_to_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C may end the wait for the thread, which then closes the generator later."""
    reader, threads = Reader(5), list[threading.Thread]()
    join = threading.Thread.join

    def interrupted(thread: threading.Thread, timeout: float | None = None) -> None:
        threads.append(thread)
        raise KeyboardInterrupt

    items = prefetch(reader.read())
    next(items)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "join", interrupted)
        with pytest.raises(KeyboardInterrupt):
            items.close()  # type: ignore[attr-defined]
    join(threads[0])
    assert reader.closed == "read-ahead"
