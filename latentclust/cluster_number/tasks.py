"""The work of a choice in independent tasks, each of which writes one file: brief trainings, and k-means."""

import json
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import ClassVar

import torch

from latentclust.cluster_number.brief_data import BriefData, open_data
from latentclust.cluster_number.choice_folder import KMEANS, TRAININGS, UNFINISHED
from latentclust.cluster_number.settings import BriefTraining, Settings
from latentclust.cluster_number.train_briefly import ShouldStop, train_briefly
from latentclust.errors import InterruptedRunError, Issue, LatentclustError, RunFailedError
from latentclust.evaluate.kmeans_reference import score_kmeans
from latentclust.files import write_atomic
from latentclust.phases import Phases
from latentclust.plugins.given import PluginSource
from latentclust.plugins.registry import use_plugins

POLL_SECONDS = 0.2
"""Seconds between looks for a request to stop while processes work."""


@dataclass(frozen=True, slots=True)
class KMeansTask:
    """k-means with one number of clusters, and of references without clusters."""

    clusters: int

    @property
    def name(self) -> str:
        """Name of the file of its result."""
        return f"clusters-{self.clusters}.json"

    def __str__(self) -> str:
        """Return the task in words."""
        return f"{self.clusters} clusters, k-means"


Task = BriefTraining | KMeansTask


def task_file(folder: Path, task: Task) -> Path:
    """Return the file of a task's result."""
    return folder / (TRAININGS if isinstance(task, BriefTraining) else KMEANS) / task.name


def tasks_left(settings: Settings, folder: Path) -> list[Task]:
    """Return the tasks whose files are missing, ordered by the number of clusters."""
    tasks: list[Task] = [*settings.trainings(), *map(KMeansTask, settings.clusters)]
    left = [task for task in tasks if not task_file(folder, task).exists()]
    return sorted(left, key=lambda task: task.clusters)


def do_task(data: BriefData, task: Task, folder: Path, should_stop: ShouldStop) -> None:
    """Do a task and write its file."""
    path = task_file(folder, task)
    if isinstance(task, BriefTraining):
        train_briefly(data, task, folder / UNFINISHED, should_stop).write(path)
        return
    found = score_kmeans(data.points, task.clusters, data.kmeans_part, data.seed)
    write_atomic(path, json.dumps(asdict(found), indent=2))


def do_tasks(
    data: BriefData, tasks: Sequence[Task], folder: Path, workers: int, should_stop: ShouldStop, phases: Phases
) -> None:
    """Do tasks in this process or in several. What is done is kept.

    Raises:
        LatentclustError: If a task cannot be done.
        RunFailedError: If a process ends before its task.
        InterruptedRunError: If the user asks to stop.
    """
    count = phases.begin("training briefly", len(tasks), "trainings") if tasks else None
    each = _in_this_process(data, tasks, folder, should_stop)
    if workers > 1 and len(tasks) > 1:
        each = _in_processes(data.settings, tasks, folder, min(workers, len(tasks)), should_stop)
    for _ in each:
        assert count is not None
        count.add(1)


def _in_this_process(data: BriefData, tasks: Sequence[Task], folder: Path, should_stop: ShouldStop) -> Iterator[None]:
    for number, task in enumerate(tasks):
        if should_stop():
            raise _stopped(folder, len(tasks) - number)
        try:
            do_task(data, task, folder, should_stop)
        except InterruptedRunError as error:
            raise _stopped(folder, len(tasks) - number) from error
        yield


def _in_processes(
    settings: Settings, tasks: Sequence[Task], folder: Path, workers: int, should_stop: ShouldStop
) -> Iterator[None]:
    context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
    stop = context.Event()
    threads = max((os.cpu_count() or 1) // workers, 1)
    pool = ProcessPoolExecutor(workers, context, _Worker.start, (settings, folder, stop, threads))
    waiting: set[Future[None]] = set()
    try:
        waiting = {pool.submit(_Worker.work, task) for task in tasks}
        while waiting:
            done, waiting = wait(waiting, POLL_SECONDS, FIRST_COMPLETED)
            for future in done:
                future.result()
                yield
            if should_stop():
                raise _stopped(folder, len(waiting))
    except BrokenProcessPool as error:
        raise _broken(folder) from error
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


class _Worker:
    """The state of a process that does tasks. It opens the data for itself."""

    data: ClassVar[BriefData | LatentclustError]
    folder: ClassVar[Path]
    stop: ClassVar[Event]
    plugins: ClassVar[tuple[PluginSource, ...]]

    @classmethod
    def start(cls, settings: Settings, folder: Path, stop: Event, threads: int) -> None:
        """Open the data. The first process decides about signals. An error is kept for `work`, which can tell it."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        torch.set_num_threads(threads)
        cls.folder, cls.stop, cls.plugins = folder, stop, settings.plugins
        try:
            with use_plugins(settings.plugins):
                cls.data = open_data(settings).prepared()
        except LatentclustError as error:
            cls.data = error

    @classmethod
    def work(cls, task: Task) -> None:
        """Do a task, unless the work has been stopped."""
        if isinstance(cls.data, LatentclustError):
            raise cls.data
        with use_plugins(cls.plugins):
            do_task(cls.data, task, cls.folder, cls.stop.is_set)


def _broken(folder: Path) -> RunFailedError:
    what = "a process ended before its training was done: its memory ran out, or a script calls choose_k at its top"
    fix = 'Call it below `if __name__ == "__main__":`, or use --workers 1; finished trainings are kept'
    return RunFailedError(Issue(str(folder), what, fix))


def _stopped(folder: Path, left: int) -> InterruptedRunError:
    what = f"stopped before all trainings were done; {left:,} are left, and the others are kept"
    return InterruptedRunError(Issue(str(folder), what, "Run the same command again to continue"))
