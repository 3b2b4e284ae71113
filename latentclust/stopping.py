"""Stopping by Ctrl-C, SIGTERM and SIGHUP."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, the signal of job managers, and the signal of a closed terminal."""

Handler = Callable[[int, FrameType | None], None]


@contextmanager
def stop_on_signals(notify: Callable[[], None] | None = None) -> Iterator[Callable[[], bool]]:
    """Turn signals into a request to stop, once the caller has looked for one.

    Until then, and by a second Ctrl-C or SIGTERM, a signal raises KeyboardInterrupt.

    Args:
        notify: Called at once by the first request, in a thread of its own, because the main thread may be printing.

    Yields:
        A function that returns whether a stop was requested. Signals reach only the main thread; in other threads it
        returns False.
    """
    asked = watched = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        # A terminal that closes sends several SIGHUP at once.
        if not watched or (asked and number != signal.SIGHUP):
            interrupt(number, frame)
        if notify is not None and not asked:
            threading.Thread(target=notify, daemon=True).start()
        asked = True

    def should_stop() -> bool:
        nonlocal watched
        watched = True
        return asked

    with _handled(ask):
        yield should_stop


def interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt with the name of the signal."""
    raise KeyboardInterrupt("Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name)


@contextmanager
def interrupt_on_signals() -> Iterator[None]:
    """Let all signals raise KeyboardInterrupt, as Ctrl-C does."""
    with _handled(interrupt):
        yield


@contextmanager
def _handled(handler: Handler) -> Iterator[None]:
    """Handle the signals in the main thread. SIGHUP stays ignored where it is, as under nohup."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    before = {number: signal.signal(number, handler) for number in SIGNALS if not (ignored and number == signal.SIGHUP)}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
