"""Strips labelled by a Dask cluster: a local one that is started for a run, or one that is there."""

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
from latentclust.labelling.windows.strip_labeller import Progress, ShouldStop, StripJob, StripResult
from latentclust.model.model_file import save_model

if TYPE_CHECKING:
    from distributed import Client, Future

    from latentclust.labelling.windows.strip_labeller import Engine

T = TypeVar("T")

INSTALL_FIX = "pip install 'latentclust[cluster]'"

CONNECT_SECONDS = 8
"""How long a scheduler may take to answer."""

GRACE_SECONDS = 1
"""How much longer it is waited for."""

MAX_QUEUED_PER_THREAD = 2
"""Strips in flight for each thread of a cluster."""

POLL_SECONDS = 0.5
"""How often a wish to stop is looked for."""

RESUME_FIX = "The same command goes on where it was"

CANCELLED = (asyncio.CancelledError, concurrent.futures.CancelledError)

SCHEDULER_FIX = "Start it, check the address, or use --workers N"


@contextmanager
def cluster_engine(
    settings: LabelSettings, folder: Path, workers: int | None, scheduler: str | None
) -> "Iterator[Engine]":
    """An engine of a local cluster of so many workers, or of the cluster at an address.

    Raises:
        LatentclustError: Dask is not installed, no scheduler answers, it has no workers, or one of them does not see
            the folder or has another version of latentclust.
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
    """A cluster of processes on this machine; they are spawned, and a lost one is started again."""
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise LatentclustError.at("--workers", "Dask is not installed", INSTALL_FIX) from error
    settings: dict[str, Any] = {"processes": True, "threads_per_worker": 1, "dashboard_address": None}
    with (
        _environment_kept(),
        LocalCluster(n_workers=workers, silence_logs=logging.CRITICAL, **settings) as cluster,
        Client(cluster) as client,
    ):
        yield client


@contextmanager
def _environment_kept() -> Iterator[None]:
    """Leaves the environment variables as they were: Dask sets those of its processes in the one that starts them."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before:
            del os.environ[name]
        os.environ.update(before)


def call_with_timeout(seconds: int, action: Callable[[], T]) -> T:
    """What a call gives; TimeoutError where it has not come back after so many seconds, and goes on in a thread."""
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
        raise TimeoutError("it accepts, and says nothing") from None
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
        # Of a server that accepts and says nothing Dask waits without end, so another thread does.
        client = call_with_timeout(CONNECT_SECONDS + GRACE_SECONDS, partial(Client, address, timeout=CONNECT_SECONDS))
    except (OSError, ValueError, TypeError) as error:
        what = f"no scheduler answers at {address!r} within {CONNECT_SECONDS} s ({error or type(error).__name__})"
        raise LatentclustError.at("--scheduler", what, SCHEDULER_FIX) from error
    with client:
        yield client


def _check_workers(client: "Client", folder: Path) -> None:
    """Every worker must read the same token under the same path, with the same version of latentclust."""
    from importlib.metadata import version

    from latentclust.labelling.windows.dask_worker import worker_info

    token = folder / "token"
    word = secrets.token_hex(8)
    token.write_text(word, encoding="utf-8")
    try:
        found: Mapping[str, tuple[str, str]] = client.run(worker_info, str(token.resolve()))
    except ModuleNotFoundError as error:
        raise LatentclustError.at("--scheduler", f"a worker lacks {error.name}", "Install latentclust there") from error
    finally:
        token.unlink()
    if not found:
        raise LatentclustError.at("--scheduler", "the cluster has no worker", "Start workers, then run it again")
    for worker, (seen, installed) in found.items():
        if seen != word:
            what = f"worker {worker} does not see {folder.resolve()} ({seen})"
            raise LatentclustError.at("--scheduler", what, "Use a folder that all workers share under one path")
        if installed != version("latentclust"):
            what = f"worker {worker} has latentclust {installed}, and {version('latentclust')} is here"
            raise LatentclustError.at("--scheduler", what, "Install one version on all of them")


def _broadcast(client: "Client", settings: LabelSettings, model: Path, threads: int | None) -> None:
    """Gives every worker, also those that join later, the plan and the model, once."""
    from latentclust.labelling.windows.dask_worker import WorkerSettings

    rest = {field.name: getattr(settings, field.name) for field in fields(settings) if field.name != "model"}
    client.register_plugin(WorkerSettings(str(model.resolve()), str(settings.model.device), rest, threads))


def _label(
    client: "Client", jobs: Iterator[StripJob], should_stop: ShouldStop, progress: Progress
) -> Iterator[StripResult]:
    """Strips as they are finished; those of a worker that is lost are labelled by another."""
    from distributed import wait

    room = MAX_QUEUED_PER_THREAD * max(1, sum(client.nthreads().values()))
    flying: dict[Future[Any], StripJob] = {}
    try:
        while True:
            while len(flying) < room and (job := next(jobs, None)) is not None:
                flying[_submit(client, job)] = job
            if not flying:
                return
            if should_stop():
                raise InterruptedRunError.at("scenes", "stopped", "The same command goes on with them")
            try:
                done = wait(list(flying), timeout=POLL_SECONDS, return_when="FIRST_COMPLETED").done
            except TimeoutError:
                continue
            except CANCELLED as error:
                raise RunFailedError.at("--scheduler", "the cluster is gone", RESUME_FIX) from error
            for future in done:
                labelled = _outcome(future, flying.pop(future))
                facts = labelled.facts
                progress(labelled.job, labelled.job.windows, facts.pixels if facts else 0)
                yield labelled
    finally:
        client.cancel(list(flying), force=True)


def _submit(client: "Client", job: StripJob) -> "Future[Any]":
    from latentclust.labelling.windows.dask_worker import label_strip

    # A worker may have another working directory.
    return client.submit(label_strip, replace(job, folder=job.folder.resolve()), pure=False)


def _outcome(future: "Future[Any]", job: StripJob) -> StripResult:
    if future.status == "finished":
        found: StripResult = future.result()
        return found
    if future.status in ("cancelled", "lost"):
        raise RunFailedError.at("--scheduler", "the cluster is gone", RESUME_FIX)
    return StripResult(job, None, future.exception())
