"""Exceptions and side effects of the code of a plugin, and how they are contained."""

import io
import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress

from latentclust.plugins.containment import MAX_REASON, error_summary, run_contained


class Odd(BaseException):
    """No Exception."""


class Mute(Exception):
    """Fails to say what it is."""

    def __str__(self) -> str:
        raise RuntimeError


def raising(error: BaseException) -> object:
    def action() -> None:
        raise error

    return run_contained(action, "plugin x")


def test_a_result_is_given_with_the_time_it_took() -> None:
    result, execution = run_contained(lambda: 7, "plugin x")
    assert (result, execution.error, execution.remarks) == (7, "", [])
    assert execution.seconds > 0


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ImportError("no rasterio"), "ImportError: no rasterio"),
        (ValueError("two\n  lines"), "ValueError: two lines"),
        (ValueError(), "ValueError: no message"),
        (SystemExit(3), "it calls sys.exit(3)"),
        (Odd("hm"), "Odd: hm"),
        (Mute(), "Mute: no message"),
        (GeneratorExit(), "GeneratorExit: no message"),
    ],
)
def test_whatever_is_raised_is_one_line(error: BaseException, said: str) -> None:
    result, execution = run_contained(lambda: (_ for _ in ()).throw(error), "plugin x")
    assert (result, execution.error) == (None, said)


def test_a_long_reason_is_cut() -> None:
    assert len(error_summary(ValueError("x" * 10_000))) == MAX_REASON + 1


def test_ctrl_c_passes_and_says_what_was_at_work(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(KeyboardInterrupt):
        raising(KeyboardInterrupt())
    assert caplog.messages == ["stopped while plugin x was running"]


def test_what_is_printed_is_kept_and_remarked_on(capfd: pytest.CaptureFixture[str]) -> None:
    def action() -> None:
        print("hello\nyou")
        os.write(1, b"by descriptor\n")
        subprocess.run([sys.executable, "-c", "print('by a child')"], check=True)
        print("by Python's own stream", file=sys.__stdout__)

    _, execution = run_contained(action, "plugin x")
    assert execution.remarks == ["it printed 'hello you', which was kept from standard output"]
    out, err = capfd.readouterr()
    assert out == ""
    assert set(err.splitlines()) >= {"by descriptor", "by a child"}
    print("afterwards", flush=True)
    os.write(1, b"as before\n")
    assert capfd.readouterr().out == "afterwards\nas before\n"


def test_a_stream_that_was_taken_hold_of_writes_again_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    real = io.StringIO()
    monkeypatch.setattr(sys, "stdout", real)
    held, _ = run_contained(lambda: sys.stdout, "plugin x")
    assert held is not None
    held.write("later")
    held.flush()
    assert real.getvalue() == "later"


def test_a_progress_bar_is_drawn_while_plugin_code_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    bar = Progress(console=Console(stderr=True, force_terminal=True), auto_refresh=False)
    with bar:
        bar.add_task("loading plugins")
        stream.truncate(0)
        _, execution = run_contained(bar.refresh, "a plugin")
        shown = stream.getvalue()
    assert not execution.error
    assert shown.count("loading plugins") == 1


def test_filters_and_functions_of_warnings_are_put_back() -> None:
    filters, warn = list(warnings.filters), warnings.warn

    def action() -> None:
        warnings.simplefilter("ignore")
        warnings.warn = print  # type: ignore[assignment]
        warnings.showwarning = print  # type: ignore[assignment]

    _, execution = run_contained(action, "plugin x")
    assert execution.remarks == ["it replaced warnings.showwarning, warnings.warn, which was restored"]
    assert list(warnings.filters) == filters
    assert warnings.warn is warn
    with pytest.warns(UserWarning, match="still heard"):
        warnings.warn("still heard", stacklevel=1)


def test_all_is_put_back_where_it_fails() -> None:
    stream, filters = sys.stdout, list(warnings.filters)

    def action() -> None:
        warnings.simplefilter("ignore")
        print("x")
        raise SystemExit

    _, execution = run_contained(action, "plugin x")
    assert (execution.error, len(execution.remarks)) == ("it calls sys.exit(no message)", 1)
    assert sys.stdout is stream
    assert list(warnings.filters) == filters


CLOSING = """
import io, os, sys
from pathlib import Path
from latentclust.plugins.containment import run_contained

def action():
    {action}

_, execution = run_contained(action, "plugin x")
print("afterwards", flush=True)
os.write(1, b"by descriptor\\n")
print("an error", file=sys.stderr, flush=True)
print(execution.error or "fine", execution.remarks)
"""


@pytest.mark.parametrize(
    ("action", "remark"),
    [
        ("sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8')", ""),
        (
            "sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8'); print('loaded')",
            "it printed 'loaded', which was kept from standard output",
        ),
        ("sys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding='utf-8')", ""),
        ("sys.stderr = io.TextIOWrapper(sys.stderr.buffer, encoding='utf-8')", ""),
        ("sys.stdout.close(); sys.stderr.close()", ""),
        ("sys.__stdout__.close()", "it closed sys.stdout, which was opened again"),
        ("sys.__stderr__.close()", "it closed sys.stderr, which was opened again"),
        ("sys.stdout = sys.stderr = None", ""),
        ("os.close(1); os.close(2)", ""),
        ("sys.stdout.buffer.write(b'bytes')", "it printed 'bytes', which was kept from standard output"),
        ("sys.stdout.writelines(['a', 'b'])", "it printed 'ab', which was kept from standard output"),
        ("import subprocess; subprocess.run([sys.executable, '-c', ''], stdout=sys.stdout.buffer)", ""),
        ("os.chdir('/')", "it changed the working directory, which was restored"),
    ],
)
def test_streams_and_the_working_directory_outlive_a_plugin(tmp_path: Path, action: str, remark: str) -> None:
    command = [sys.executable, "-c", CLOSING.format(action=action) + "print(Path.cwd())"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    expected = ["afterwards", "by descriptor", f"fine {[remark] if remark else []}", str(tmp_path.resolve())]
    assert done.stdout.splitlines() == expected
    assert done.stderr == "an error\n"
