"""Standard streams that are closed, full or no longer read."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from latentclust.cli import streams

COMMAND = f"{sys.executable} -m latentclust"
FULL = "No space left on device"


def shell(words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", f"set -o pipefail; {words}"], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("words", "code", "errors"),
    [
        ("--version >&-", 0, ""),
        ("--version <&- >&- 2>&-", 0, ""),
        ("--nonsense 2>/dev/full", 2, ""),
        ("--help | head -1", 0, ""),
        ("--version >/dev/full", 1, f"error: standard output: cannot be written ({FULL}). Free some space"),
    ],
)
def test_a_stream_that_cannot_be_written_raises_no_error(words: str, code: int, errors: str) -> None:
    done = shell(f"{COMMAND} {words}")
    assert done.returncode == code
    assert done.stderr.startswith(errors)
    assert bool(done.stderr) == bool(errors)
    assert "Traceback" not in done.stderr


def test_the_descriptor_of_a_closed_stream_is_not_given_to_a_file() -> None:
    program = "from latentclust.cli.streams import protect_streams as p; p(); print(open('/dev/zero').fileno(), end='')"
    assert shell(f'{sys.executable} -c "{program}" <&- 2>&-').stdout == "3"


def print_on_full_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", streams._open_lossy(os.open("/dev/full", os.O_WRONLY), None))
    print("results")


@pytest.mark.parametrize("words", [["run", "digits"], ["data", "prepare", "x"], ["label", "--json"]])
def test_a_summary_that_is_lost_does_not_fail_a_command_that_wrote_its_files(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    print_on_full_device(monkeypatch)
    assert streams.report_lost_output(0, words) == 0
    assert capsys.readouterr().err == (
        f"warning: standard output: cannot be written ({FULL}). The files are complete.\n"
    )


@pytest.mark.parametrize(("before", "after"), [(0, 1), (2, 2)])
def test_results_that_are_lost_are_an_error(
    before: int, after: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    print_on_full_device(monkeypatch)
    assert streams.report_lost_output(before, ["recipe", "show"]) == after
    assert capsys.readouterr().err.startswith(f"error: standard output: cannot be written ({FULL}).")


def test_characters_that_a_stream_cannot_encode_are_escaped() -> None:
    program = "from latentclust.cli.main import main; from latentclust.cli import app; main(['--x→'])"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert r"--x\u2192" in done.stderr


def test_streams_that_the_caller_has_replaced_stay(cli: Callable[..., object]) -> None:
    before = sys.stdout
    cli("--version")
    assert sys.stdout is before
