"""Tasks of a page in a thread: progress, one at a time, stopped, and failures told."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from latentclust.errors import InterruptedRunError, LatentclustError
from latentclust.viewer.background_task import BackgroundTask, TaskRunningError


def test_a_task_tells_its_progress_and_runs_once_at_a_time() -> None:
    begun, go = threading.Event(), threading.Event()

    def work(tell: Callable[[int, int, str], None], should_stop: Callable[[], bool]) -> dict[str, Any]:
        tell(1, 2, "first")
        begun.set()
        assert go.wait(10)
        tell(2, 2, "")
        return {"stopped": should_stop()}

    task = BackgroundTask("count", work)
    assert task.progress.state == "idle"
    task.start()
    assert begun.wait(10)
    assert task.progress.as_json() == {"state": "running", "done": 1, "total": 2, "text": "first", "result": {}}
    with pytest.raises(TaskRunningError, match="count: is running already"):
        task.start()
    task.stop()
    go.set()
    task.close()
    assert task.progress.as_json() == {"state": "done", "done": 2, "total": 2, "text": "", "result": {"stopped": True}}
    task.start()
    task.close()
    assert task.progress.state == "done"


@pytest.mark.parametrize(
    ("error", "state", "said"),
    [
        (LatentclustError.at("file", "is gone", "Look"), "failed", "file: is gone. Look"),
        (InterruptedRunError.at("file", "stopped", "Again"), "stopped", "file: stopped. Again"),
        (KeyError("x"), "failed", "count failed by an internal error (KeyError: 'x')"),
    ],
)
def test_an_error_is_told(error: Exception, state: str, said: str) -> None:
    def work(tell: Callable[[int, int, str], None], should_stop: Callable[[], bool]) -> dict[str, Any]:
        raise error

    task = BackgroundTask("count", work)
    task.start()
    task.close()
    assert (task.progress.state, task.progress.text) == (state, said)


SCRIPT = """
import os, signal, sys, time
from pathlib import Path
from latentclust.errors import InterruptedRunError
from latentclust.viewer.background_task import BackgroundTask

def work(tell, should_stop):
    while not should_stop():
        time.sleep(0.01)
    time.sleep(0.2)  # the last file is being written
    Path(sys.argv[1]).write_text("whole")
    raise InterruptedRunError.at("count", "stopped", "Again")

BackgroundTask("count", work).start()
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(10)
except KeyboardInterrupt:
    pass
"""


def test_the_end_of_the_process_waits_for_what_is_being_written(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", SCRIPT, tmp_path / "file"], check=True, timeout=60)
    assert (tmp_path / "file").read_text() == "whole"
