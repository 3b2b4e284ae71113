"""Strips labelled by a Dask cluster: a local one that is started for a run, or a running one."""

import asyncio
import concurrent.futures
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar, cast, final

import torch

from latentclust.errors import InterruptedRunError, LatentclustError, RunFailedError, first_problem
from latentclust.labelling.label_settings import LabelSettings
from latentclust.labelling.windows.strip_labeller import RESUME_FIX, Progress, ShouldStop, StripJob, StripResult
from latentclust.labelling.windows.strip_queue import MEMORY_FIX, Attempt, StripQueue
from latentclust.model.model_file import save_model

if TYPE_CHECKING:
    from distributed import Client, Future

    from latentclust.labelling.windows.strip_labeller import Engine

T = TypeVar("T")

INSTALL_FIX = "pip install 'latentclust[cluster]'"

CONNECT_SECONDS = 8
"""Seconds within which a scheduler must answer."""

GRACE_SECONDS = 1
"""Seconds of waiting beyond Dask's own timeout."""

MAX_QUEUED_PER_THREAD = 2
"""Number of strips in flight for each thread of a cluster."""

POLL_SECONDS = 0.5
"""Seconds between checks for a request to stop."""

RESTART_SECONDS = 60
"""Seconds without a worker after which a run fails, if processes exist that may become workers."""

DEAD_SECONDS = 5
"""Seconds without a worker after which a run fails, if no such process exists."""

LOCAL_SETTINGS = {
    # A loss is reported at once, so that the strips of the worker are labelled again one by one.
    "distributed.scheduler.allowed-failures": 0,
    "distributed.deploy.lost-worker-timeout": f"{RESTART_SECONDS}s",
}
"""Dask's settings of a local cluster."""

IsAlive = Callable[[], bool]
"""Returns whether a process exists that is a worker or may become one."""

CANCELLED = (asyncio.CancelledError, concurrent.futures.CancelledError)

SCHEDULER_FIX = "Start it, check the address, or use --workers N"


@contextmanager
def cluster_engine(
    settings: LabelSettings, folder: Path, workers: int | None, scheduler: str | None
) -> "Iterator[Engine]":
    """Yield an engine of a local cluster with a number of workers, or of the cluster at an address.

    Raises:
        LatentclustError: If Dask is not installed, no scheduler answers, it has no workers, or one of them does not
            see the folder or has another version of latentclust.
    """
    with ExitStack() as stack:
        client, is_alive = stack.enter_context(
            _start_local_cluster(workers) if scheduler is None else _connected(scheduler)
        )
        _check_workers(client, folder)
        model = folder / "model.safetensors"
        save_model(model, settings.model)
        threads = max(1, torch.get_num_threads() // workers) if workers else None
        _broadcast(client, settings, model, threads)
        stack.callback(model.unlink, missing_ok=True)
        yield partial(_label, client, is_alive)


@contextmanager
def _start_local_cluster(workers: int | None) -> "Iterator[tuple[Client, IsAlive]]":
    """Start a cluster of spawned processes on this machine. A lost process is restarted.

    Its ports accept only connections with the certificate of this run, which is in the memory of its processes.
    """
    try:
        import dask
        from distributed import Client, LocalCluster
        from distributed.security import Security

        security = Security.temporary()
    except ImportError as error:
        raise LatentclustError.at(
            "--workers", f"Dask is not installed ({first_problem(error)})", INSTALL_FIX
        ) from error
    settings: dict[str, Any] = {"processes": True, "threads_per_worker": 1, "dashboard_address": None}
    with ExitStack() as stack:
        stack.enter_context(_environment_restored())
        stack.enter_context(dask.config.set(LOCAL_SETTINGS))
        try:
            cluster = LocalCluster(n_workers=workers, silence_logs=logging.CRITICAL, security=security, **settings)
            client = stack.enter_context(Client(stack.enter_context(cluster)))
        except (OSError, RuntimeError) as error:
            what = f"the worker processes cannot be started ({first_problem(error)})"
            raise RunFailedError.at("--workers", what, MEMORY_FIX) from error
        yield client, lambda: any(nanny.is_alive() for nanny in cluster.workers.values())


@contextmanager
def _environment_restored() -> Iterator[None]:
    """Restore environment variables afterwards, because Dask sets those of its processes in this one."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before:
            del os.environ[name]
        os.environ.update(before)


def call_with_timeout(seconds: int, action: Callable[[], T]) -> T:
    """Call a function with a timeout. Raise TimeoutError if it has not returned; the call continues in its thread."""
    outcome: SimpleQueue[tuple[T | None, Exception | None]] = SimpleQueue()

    def act() -> None:
        try:
            outcome.put((action(), None))
        except Exception as error:
            outcome.put((None, error))

    Thread(target=act, daemon=True).start()
    try:
        found, error = outcome.get(timeout=seconds)
    except Empty:
        raise TimeoutError("it accepts connections and does not answer") from None
    if error is not None:
        raise error
    return cast(T, found)


@contextmanager
def _connected(address: str) -> "Iterator[tuple[Client, IsAlive]]":
    """Connect to a running scheduler. Its workers may be started by other programs at any time."""
    try:
        from distributed import Client
    except ImportError as error:
        raise LatentclustError.at("--scheduler", "Dask is not installed", INSTALL_FIX) from error
    try:
        # Dask waits forever for a server that accepts connections and does not answer, so another thread waits.
        client = call_with_timeout(CONNECT_SECONDS + GRACE_SECONDS, partial(Client, address, timeout=CONNECT_SECONDS))
    except (OSError, ValueError, TypeError) as error:
        what = f"no scheduler answers at {address!r} within {CONNECT_SECONDS} s ({error or type(error).__name__})"
        raise LatentclustError.at("--scheduler", what, SCHEDULER_FIX) from error
    with client:
        yield client, lambda: True


def _check_workers(client: "Client", folder: Path) -> None:
    """Check that every worker reads the same token under the same path, and has the same version of latentclust."""
    from importlib.metadata import version

    from latentclust.labelling.windows.dask_worker import worker_info

    token = folder / "token"
    secret = secrets.token_hex(8)
    token.write_text(secret, encoding="utf-8")
    try:
        found: Mapping[str, tuple[str, str]] = client.run(worker_info, str(token.resolve()))
    except ModuleNotFoundError as error:
        raise LatentclustError.at(
            "--scheduler", f"a worker cannot import {error.name}", "Install latentclust on all workers"
        ) from error
    finally:
        token.unlink()
    if not found:
        raise LatentclustError.at("--scheduler", "the cluster has no worker", "Start workers, then run it again")
    for worker, (seen, installed) in found.items():
        if seen != secret:
            what = f"worker {worker} does not see {folder.resolve()} ({seen})"
            raise LatentclustError.at("--scheduler", what, "Use a folder that all workers share under one path")
        if installed != version("latentclust"):
            what = f"worker {worker} has latentclust {installed}, and this process {version('latentclust')}"
            raise LatentclustError.at("--scheduler", what, "Install one version on all of them")


def _broadcast(client: "Client", settings: LabelSettings, model: Path, threads: int | None) -> None:
    """Send settings and model once to every worker, including those that join later."""
    from latentclust.labelling.windows.dask_worker import WorkerSettings

    rest = {field.name: getattr(settings, field.name) for field in fields(settings) if field.name != "model"}
    given, device = [one.plugin.origin for one in settings.model.resolved.plugins], str(settings.model.device)
    client.register_plugin(WorkerSettings(str(model.resolve()), device, rest, threads, given))


def _label(
    client: "Client", is_alive: IsAlive, jobs: Iterator[StripJob], should_stop: ShouldStop, progress: Progress
) -> Iterator[StripResult]:
    """Yield strips as they are finished. Strips of a lost worker are labelled by another."""
    queue = StripQueue(jobs, MAX_QUEUED_PER_THREAD * max(1, sum(client.nthreads().values())))
    in_flight: dict[Future[Any], Attempt] = {}
    watch = _WorkerWatch(client, is_alive)
    try:
        while True:
            for attempt in queue.take(in_flight.values()):
                in_flight[_submit(client, attempt.job)] = attempt
            if not in_flight:
                return
            if should_stop():
                raise InterruptedRunError.at("scenes", "stopped", RESUME_FIX)
            for future in _finished(list(in_flight), watch):
                labelled = _outcome(future, in_flight.pop(future), queue)
                if labelled is not None:
                    facts = labelled.facts
                    progress(labelled.job, labelled.job.windows, facts.pixels if facts else 0)
                    yield labelled
    finally:
        client.cancel(list(in_flight), force=True)


def _submit(client: "Client", job: StripJob) -> "Future[Any]":
    from latentclust.labelling.windows.dask_worker import label_strip

    # A worker may have a different working directory.
    return client.submit(label_strip, replace(job, folder=job.folder.resolve()), pure=False)


def _finished(futures: "list[Future[Any]]", watch: "_WorkerWatch") -> "Iterable[Future[Any]]":
    """Wait a moment for strips, and return those that have ended."""
    from distributed import wait

    try:
        return cast("Iterable[Future[Any]]", wait(futures, timeout=POLL_SECONDS, return_when="FIRST_COMPLETED").done)
    except TimeoutError:
        watch.check()
        return ()
    except CANCELLED as error:
        raise RunFailedError.at("--scheduler", "the cluster has stopped", RESUME_FIX) from error


def _outcome(future: "Future[Any]", attempt: Attempt, queue: StripQueue) -> StripResult | None:
    """Return the result of a strip; None if it is to be labelled again."""
    from distributed import KilledWorker

    if future.status == "finished":
        found: StripResult = future.result()
        return found
    if future.status in ("cancelled", "lost"):
        raise RunFailedError.at("--scheduler", "the cluster has stopped", RESUME_FIX)
    error = future.exception()
    if isinstance(error, KilledWorker):
        return queue.lose(attempt, error.allowed_failures + 1)
    return StripResult(attempt.job, None, error)


@final
class _WorkerWatch:
    """A check that the cluster still has workers. Without them, Dask waits forever."""

    def __init__(self, client: "Client", is_alive: IsAlive) -> None:
        """Watch a cluster. `is_alive` returns whether a process exists that is or may become a worker."""
        self._client, self._is_alive = client, is_alive
        self._seen = time.monotonic()

    def check(self) -> None:
        """Raise RunFailedError if the cluster has had no worker for a while."""
        now = time.monotonic()
        if self._client.nthreads():
            self._seen = now
        elif now - self._seen > (RESTART_SECONDS if self._is_alive() else DEAD_SECONDS):
            where = "--workers or --scheduler"
            raise RunFailedError.at(where, "all workers are gone", f"{MEMORY_FIX}. {RESUME_FIX}")
