"""Stops, and the account, while scenes fail to open."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import latentclust
from latentclust.errors import InterruptedRunError
from latentclust.labelling import scheduler
from latentclust.labelling.label_report import NullLabelListener, SceneResult
from latentclust.labelling.run_log import RunLogFile, read_run_log_file
from latentclust.model.model import ClusteringModel
from tests.labelling.planted import noise_scene, write_scene

COUNT = 300


@pytest.fixture
def missing(tmp_path: Path) -> list[Path]:
    """Scenes that are not there."""
    return [tmp_path / f"{number}.tif" for number in range(COUNT)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_is_heard_while_scenes_fail_to_open(
    planted: ClusteringModel,
    missing: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    opened = []

    def fail(*_: object) -> None:
        opened.append(1)
        if len(opened) == 3:
            signal.pthread_kill(threading.main_thread().ident or 0, number)
        time.sleep(0.01)
        raise OSError("not there")

    with monkeypatch.context() as patch:
        patch.setattr("latentclust.labelling.scheduler.prepare_scene", fail)
        with pytest.raises(InterruptedRunError):
            latentclust.label(planted, missing, tmp_path / "out")
    assert len(opened) < COUNT
    assert len(latentclust.label(planted, missing, tmp_path / "out").failed) == COUNT


class Impatient(NullLabelListener):
    """Asks for a stop at the first failure that it hears of."""

    def __init__(self) -> None:
        self.ended = 0

    def on_scene_end(self, outcome: SceneResult) -> None:
        self.ended += 1
        if self.ended == 1:
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_stop_is_noticed_while_failures_are_reported(
    planted: ClusteringModel, missing: list[Path], tmp_path: Path
) -> None:
    listener = Impatient()
    with pytest.raises(InterruptedRunError, match="Run the same command again to resume"):
        latentclust.label(planted, missing, tmp_path / "out", listener=listener)
    assert listener.ended == 1
    assert [scene.status for scene in read_run_log_file(tmp_path / "out", "").scenes] == ["failed"]


def test_the_account_is_not_written_again_for_every_failure(
    planted: ClusteringModel, missing: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[list[str]] = []
    write = RunLogFile.write

    def count(account: RunLogFile, folder: Path) -> None:
        written.append([scene.status for scene in account.scenes])
        write(account, folder)

    monkeypatch.setattr(RunLogFile, "write", count)
    latentclust.label(planted, missing, tmp_path / "out")
    assert written == [["failed"] * COUNT]


def test_the_account_knows_of_a_scene_before_it_is_published_and_before_its_strips_go(
    planted: ClusteringModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    scene = write_scene(tmp_path / "s.tif", noise_scene(40, 50))
    seen: list[tuple[str, bool, bool]] = []
    write = RunLogFile.write

    def look(account: RunLogFile, folder: Path) -> None:
        strips = any((out / ".partial").glob("*/strip-*"))
        seen.extend((scene.status, (out / scene.output).exists(), strips) for scene in account.scenes)
        write(account, folder)

    monkeypatch.setattr(RunLogFile, "write", look)
    latentclust.label(planted, scene, out)
    assert [each[:2] for each in seen] == [("started", False), ("done", True)]
    assert seen[-1][2]


def test_a_scene_that_is_rewritten_while_it_is_labelled_fails_and_is_labelled_by_the_next_run(
    planted: ClusteringModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, out = write_scene(tmp_path / "s.tif", noise_scene(40, 50)), tmp_path / "out"
    publish = scheduler.LabelScheduler._publish

    def rewrite_first(self: Any, *rest: Any) -> None:
        os.utime(scene, ns=(1, 1))
        publish(self, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(scheduler.LabelScheduler, "_publish", rewrite_first)
        (result,) = latentclust.label(planted, scene, out).scenes
    assert (result.status, list(out.glob("*.tif"))) == ("failed", [])
    assert "has changed while it was labelled" in result.reason
    (again,) = latentclust.label(planted, scene, out).scenes
    assert again.status == "done"
