"""Strips labelled by a Dask cluster: a local one that is started for a run, or a running one."""

import asyncio
import concurrent.futures
import logging
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar, cast

import torch

from latentclust.errors import InterruptedRunError, LatentclustError, RunFailedError
from latentclust.labelling.label_settings import LabelSettings
from latentclust.labelling.windows.strip_labeller import RESUME_FIX, Progress, ShouldStop, StripJob, StripResult
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
        client = stack.enter_context(_start_local_cluster(workers) if scheduler is None else _connected(scheduler))
        _check_workers(client, folder)
        model = folder / "model.safetensors"
        save_model(model, settings.model)
        threads = max(1, torch.get_num_threads() // workers) if workers else None
        _broadcast(client, settings, model, threads)
        stack.callback(model.unlink, missing_ok=True)
        yield partial(_label, client)


@contextmanager
def _start_local_cluster(workers: int | None) -> "Iterator[Client]":
    """Start a cluster of spawned processes on this machine. A lost process is restarted."""
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise LatentclustError.at("--workers", "Dask is not installed", INSTALL_FIX) from error
    settings: dict[str, Any] = {"processes": True, "threads_per_worker": 1, "dashboard_address": None}
    with (
        _environment_restored(),
        LocalCluster(n_workers=workers, silence_logs=logging.CRITICAL, **settings) as cluster,
        Client(cluster) as client,
    ):
        yield client


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
def _connected(address: str) -> "Iterator[Client]":
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
        yield client


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
    client.register_plugin(WorkerSettings(str(model.resolve()), str(settings.model.device), rest, threads))


def _label(
    client: "Client", jobs: Iterator[StripJob], should_stop: ShouldStop, progress: Progress
) -> Iterator[StripResult]:
    """Yield strips as they are finished. Strips of a lost worker are labelled by another."""
    from distributed import wait

    room = MAX_QUEUED_PER_THREAD * max(1, sum(client.nthreads().values()))
    in_flight: dict[Future[Any], StripJob] = {}
    try:
        while True:
            while len(in_flight) < room and (job := next(jobs, None)) is not None:
                in_flight[_submit(client, job)] = job
            if not in_flight:
                return
            if should_stop():
                raise InterruptedRunError.at("scenes", "stopped", RESUME_FIX)
            try:
                done = wait(list(in_flight), timeout=POLL_SECONDS, return_when="FIRST_COMPLETED").done
            except TimeoutError:
                continue
            except CANCELLED as error:
                raise RunFailedError.at("--scheduler", "the cluster has stopped", RESUME_FIX) from error
            for future in done:
                labelled = _outcome(future, in_flight.pop(future))
                facts = labelled.facts
                progress(labelled.job, labelled.job.windows, facts.pixels if facts else 0)
                yield labelled
    finally:
        client.cancel(list(in_flight), force=True)


def _submit(client: "Client", job: StripJob) -> "Future[Any]":
    from latentclust.labelling.windows.dask_worker import label_strip

    # A worker may have a different working directory.
    return client.submit(label_strip, replace(job, folder=job.folder.resolve()), pure=False)


def _outcome(future: "Future[Any]", job: StripJob) -> StripResult:
    if future.status == "finished":
        found: StripResult = future.result()
        return found
    if future.status in ("cancelled", "lost"):
        raise RunFailedError.at("--scheduler", "the cluster has stopped", RESUME_FIX)
    return StripResult(job, None, future.exception())
