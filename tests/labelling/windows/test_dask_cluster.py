"""Strips labelled by processes of a Dask cluster."""

import importlib
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest

import latentclust
from latentclust.errors import LatentclustError, RunFailedError
from latentclust.labelling.label_report import NullLabelListener
from latentclust.labelling.windows.strip_labeller import StripJob
from latentclust.model.model import ClusteringModel
from tests.labelling.planted import noise_scene, write_scene
from tests.labelling.test_label_scenes import files

distributed = pytest.importorskip("distributed")
dask_cluster = importlib.import_module("latentclust.labelling.windows.dask_cluster")
pytestmark = pytest.mark.filterwarnings("ignore")  # of sockets and event loops that Dask leaves to the collector


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """As it was: clusters that tests start themselves set variables of this process."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    write_scene(tmp_path / "in" / "wide.tif", noise_scene(900, 2300))
    write_scene(tmp_path / "in" / "small.tif", noise_scene(60, 70))
    (tmp_path / "in" / "text.tif").write_text("no raster")
    return tmp_path / "in"


@pytest.mark.slow
def test_workers_label_the_same_bytes_as_this_process(planted: ClusteringModel, scenes: Path, tmp_path: Path) -> None:
    alone = latentclust.label(planted, scenes, tmp_path / "alone", confidence=True, sieve=500.0)
    environment = dict(os.environ)
    shared = latentclust.label(planted, scenes, tmp_path / "shared", confidence=True, sieve=500.0, workers=2)
    assert files(tmp_path / "shared") == files(tmp_path / "alone")
    assert dict(os.environ) == environment
    assert [scene.status for scene in shared.scenes] == [scene.status for scene in alone.scenes]
    assert (shared.windows, shared.pixels) == (alone.windows, alone.pixels)
    assert not (tmp_path / "shared" / ".partial").exists()


class Killer(NullLabelListener):
    """Kills one worker after the first strip."""

    def __init__(self, scene: Path) -> None:
        self.scene, self.killed = scene, 0

    def on_windows(self, count: int, pixels: int) -> None:
        if not self.killed:
            self.killed = next(pid for pid in workers_of(os.getpid()) if pid)
            os.kill(self.killed, signal.SIGKILL)


def workers_of(parent: int) -> list[int]:
    """The processes below a process that have no further ones below them."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and (folder / "stat").exists():
            above = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            children.setdefault(above, []).append(int(folder.name))
    spawned = [
        pid for pid in children.get(parent, []) if b"spawn_main" in (Path("/proc") / str(pid) / "cmdline").read_bytes()
    ]
    return sorted(spawned)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="workers are found in /proc")
def test_a_lost_worker_changes_no_byte(planted: ClusteringModel, scenes: Path, tmp_path: Path) -> None:
    latentclust.label(planted, scenes, tmp_path / "alone")
    killer = Killer(scenes)
    latentclust.label(planted, scenes, tmp_path / "shared", workers=2, listener=killer)
    assert killer.killed
    assert files(tmp_path / "shared") == files(tmp_path / "alone")


def kill_worker_of(name: str, submit: Any) -> Any:
    """A replacement of `_submit`, whose worker dies when it gets a strip of the scene with a name."""

    def submit_deadly(client: Any, job: StripJob) -> Any:
        def die() -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        return client.submit(die, pure=False) if job.scene.name.endswith(name) else submit(client, job)

    return submit_deadly


@pytest.mark.slow
def test_a_strip_that_kills_its_workers_fails_its_scene_alone(
    planted: ClusteringModel, scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_cluster, "_submit", kill_worker_of("small.tif", dask_cluster._submit))
    report = latentclust.label(planted, [scenes / "small.tif", scenes / "wide.tif"], tmp_path / "out", workers=2)
    small, wide = report.scenes
    assert (small.status, wide.status) == ("failed", "done")
    assert small.reason == (
        "3 worker processes were lost while they labelled strip 1. Processes are usually killed because memory runs "
        "out: lower --workers, --batch or --tile"
    )


class StartKiller(NullLabelListener):
    """Kills all workers after the first window, and each new one while it starts."""

    def __init__(self) -> None:
        self.started, self.ended = False, Event()

    def on_windows(self, count: int, pixels: int) -> None:
        if not self.started:
            self.started = True
            Thread(target=self._kill, daemon=True).start()

    def _kill(self) -> None:
        while not self.ended.wait(0.02):
            for pid in workers_of(os.getpid()):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="workers are found in /proc")
def test_a_run_whose_workers_are_all_gone_ends(
    planted: ClusteringModel, scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_cluster, "DEAD_SECONDS", 1)
    killer = StartKiller()
    try:
        with pytest.raises(RunFailedError, match=r"all workers are gone.*lower --workers.*Run the same command again"):
            latentclust.label(planted, scenes, tmp_path / "out", workers=1, batch=1, listener=killer)
    finally:
        killer.ended.set()


def test_a_local_cluster_accepts_its_own_certificate_only(planted: ClusteringModel) -> None:
    with dask_cluster._start_local_cluster(0) as (client, _):
        address = client.scheduler.address
        assert address.startswith("tls://127.0.0.1:")
        for attempt in (
            {"address": address.replace("tls", "tcp")},
            {"address": address, "security": distributed.security.Security.temporary()},
        ):
            with pytest.raises(OSError, match=r"reset|closed|TLS certificate|Timed out"):
                distributed.Client(**attempt, timeout=0.5)


def test_an_unreachable_scheduler_is_reported(
    planted: ClusteringModel, scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latentclust.labelling.windows.dask_cluster.CONNECT_SECONDS", 1)
    with pytest.raises(LatentclustError, match=r"no scheduler answers at 'tcp://127.0.0.1:9' within 1 s"):
        latentclust.label(planted, scenes, tmp_path / "out", scheduler="tcp://127.0.0.1:9")
    assert files(tmp_path / "out") == {}


def test_a_server_that_never_answers_is_reported(
    planted: ClusteringModel, scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latentclust.labelling.windows.dask_cluster.CONNECT_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(LatentclustError, match=rf"no scheduler answers at '{address}' within 1 s"):
            latentclust.label(planted, scenes, tmp_path / "out", scheduler=address)


def test_a_cluster_that_runs_is_used_and_left_running(planted: ClusteringModel, scenes: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(n_workers=1, processes=False, **settings) as cluster:
        address = cluster.scheduler_address
        report = latentclust.label(planted, scenes / "small.tif", tmp_path / "out", scheduler=address)
        assert report.failed == ()
        with distributed.Client(address) as client:
            assert client.submit(np.add, 1, 2).result() == 3
    latentclust.label(planted, scenes / "small.tif", tmp_path / "alone")
    assert files(tmp_path / "out") == files(tmp_path / "alone")


@pytest.mark.slow
def test_workers_have_another_working_directory(
    planted: ClusteringModel, scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {"threads_per_worker": 1, "dashboard_address": None}
    (tmp_path / "theirs").mkdir()
    monkeypatch.chdir(tmp_path / "theirs")
    with distributed.LocalCluster(n_workers=1, processes=True, **settings) as cluster:
        monkeypatch.chdir(tmp_path)
        report = latentclust.label(planted, Path("in/small.tif"), "out", scheduler=cluster.scheduler_address)
    assert report.failed == ()
    assert list((tmp_path / "theirs").iterdir()) == []
    latentclust.label(planted, scenes / "small.tif", tmp_path / "alone")
    assert files(tmp_path / "out") == files(tmp_path / "alone")


def test_a_cluster_without_workers_is_refused(planted: ClusteringModel, scenes: Path, tmp_path: Path) -> None:
    cluster = distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=None)
    with cluster, pytest.raises(LatentclustError, match="has no worker"):
        latentclust.label(planted, scenes, tmp_path / "out", scheduler=cluster.scheduler_address)
