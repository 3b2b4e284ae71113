"""The command line on hostile input: how every command must end."""

import os
import re
import resource
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from latentclust.cli.main import main
from tests.fuzz.hostile import SECRETS
from tests.fuzz.outcome import Outcome

SECONDS = 60
"""A command that takes longer hangs."""

HUNG = "the time limit"
"""What a command that hangs touches."""

MEMORY = 4 * 2**30
"""Address space in bytes that a command may reserve beyond what the process has."""

EndsWell = Callable[..., Outcome]

_touched: list[str] | None = None


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Record connections, and openings of the paths among the hostile values."""
    if _touched is None:
        return
    if event in ("socket.connect", "socket.getaddrinfo"):
        _touched.append(f"{event} {arguments}")
    elif event in ("open", "os.listdir", "os.scandir") and str(arguments[0]) in SECRETS:
        _touched.append(f"{event} {arguments[0]}")


sys.addaudithook(_watch)


@pytest.fixture(scope="session")
def fuzz_seed(pytestconfig: pytest.Config) -> int:
    """The seed of the cases."""
    return int(pytestconfig.getoption("--fuzz-seed"))


@pytest.fixture(scope="session")
def fuzz_cases(pytestconfig: pytest.Config) -> Callable[[int], int]:
    """The number of cases: the default, or that of the command line."""
    given = pytestconfig.getoption("--fuzz-cases")
    return lambda default: default if given is None else int(given)


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the figures of reports, which take most of the time of a small run."""
    monkeypatch.setattr("latentclust.runs.finish.draw_figures", lambda *_: ())


@pytest.fixture
def ends_well(capfd: pytest.CaptureFixture[str]) -> EndsWell:
    """Runs `latentclust` in this process, and returns how it ended, which includes what is wrong with that."""

    def call(*words: object, out: Path) -> Outcome:
        global _touched  # noqa: PLW0603 - a hook stays for ever, and takes no arguments
        capfd.readouterr()
        code: int | str | None = None
        _touched = touched = []
        with _limits(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as users see it; errors in other tests
            try:
                main([str(word) for word in words])
            except SystemExit as exit_:
                code = exit_.code
            except BaseException as error:  # reported with the case
                code = f"{type(error).__name__}: {error}"
        _touched = None
        captured = capfd.readouterr()
        hung = HUNG in touched
        kept = tuple(what for what in touched if what != HUNG)
        return Outcome(code or 0, captured.out, captured.err, tuple(_leftovers(out)), kept, hung)

    return call


@contextmanager
def _limits() -> Iterator[None]:
    """Stop what hangs, and refuse memory beyond any need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    size = int(re.search(r"VmSize:\s+(\d+)", Path("/proc/self/status").read_text())[1]) * 1024  # type: ignore[index]
    before = signal.signal(signal.SIGALRM, _hung)
    signal.alarm(SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, hard))
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _hung(number: int, frame: FrameType | None) -> None:
    assert _touched is not None, "the alarm is set while a command runs"
    _touched.append(HUNG)
    raise KeyboardInterrupt


def _leftovers(folder: Path) -> Iterator[str]:
    """Yield the temporary files below a folder."""
    for root, _, names in os.walk(folder):
        yield from (str(Path(root, name)) for name in names if name.endswith(".partial") or name == ".writable")
