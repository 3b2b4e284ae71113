"""Stopping by signals, in this process and on the command line."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from latentclust.stopping import SIGNALS, interrupt_on_signals, stop_on_signals

NAMED = list(zip(SIGNALS, ("Ctrl-C", "SIGTERM", "SIGHUP"), strict=True))


@pytest.fixture(autouse=True)
def _handlers_restored() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    assert {number: signal.getsignal(number) for number in SIGNALS} == before


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_a_request_to_stop_once_the_caller_looks_for_one(number: int) -> None:
    with stop_on_signals() as should_stop:
        assert not should_stop()
        os.kill(os.getpid(), number)
        assert should_stop()


@pytest.mark.parametrize(("number", "name"), NAMED)
def test_before_that_a_signal_interrupts_at_once(number: int, name: str) -> None:
    with pytest.raises(KeyboardInterrupt, match=name), stop_on_signals():
        os.kill(os.getpid(), number)


def test_a_second_signal_interrupts_and_a_closed_terminal_may_send_several() -> None:
    with stop_on_signals() as should_stop:
        should_stop()
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGHUP)
        assert should_stop()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_under_nohup_a_closed_terminal_stops_nothing() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_on_signals() as should_stop, interrupt_on_signals():
            should_stop()
            os.kill(os.getpid(), signal.SIGHUP)
            assert not should_stop()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_other_threads_cannot_handle_signals() -> None:
    seen: list[bool] = []

    def stop() -> None:
        with stop_on_signals() as should_stop:
            seen.append(should_stop())

    thread = Thread(target=stop)
    thread.start()
    thread.join()
    assert seen == [False]


@pytest.mark.skipif(not Path("/proc").exists(), reason="handled signals are read from /proc")
def test_a_command_stops_with_one_line_before_it_has_begun() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "latentclust", "run", "digits"], stdout=-1, stderr=-1, text=True, encoding="utf-8"
    )
    wait_until(lambda: handles(process.pid, signal.SIGTERM))
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 130
    assert out == ""
    assert err.startswith("stopped: latentclust: interrupted by SIGTERM. Run the same command again")
    assert len(err.splitlines()) == 1


def wait_until(happens: Callable[[], bool]) -> None:
    until = time.monotonic() + 600
    while not happens():
        assert time.monotonic() < until
        time.sleep(0.01)


def handles(pid: int, number: int) -> bool:
    """Whether a process has a handler for a signal."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    caught = next(line.split()[1] for line in lines if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (number - 1) & 1)


def test_the_first_request_is_acknowledged_at_once_and_only_once() -> None:
    told = Event()
    count: list[int] = []

    def notify() -> None:
        count.append(1)
        told.set()

    with stop_on_signals(notify) as should_stop:
        assert not should_stop()
        signal.raise_signal(signal.SIGTERM)
        assert told.wait(timeout=10), "before the caller looks again"
        signal.raise_signal(signal.SIGHUP)
        assert should_stop()
    assert count == [1]
