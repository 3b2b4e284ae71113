"""The further processes of a data-parallel run, which repeat the command of the first one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import TypeAlias, final

import torch
from lightning_fabric.plugins.environments.lightning import LightningEnvironment, find_free_network_port

from latentclust.errors import RunFailedError
from latentclust.train.rank import LEADER_VARIABLE, RANK_VARIABLE

Follower: TypeAlias = "subprocess.Popen[bytes]"

POLL_SECONDS = 0.5
"""Seconds between checks for followers that have ended."""

_LAUNCHER_VARIABLES = ("RANK", "GROUP_RANK", "LOCAL_WORLD_SIZE")


@final
class OwnProcesses(LightningEnvironment):
    """The processes that `start_followers` has started.

    Fabric would start them too, unless a launcher has set its variables, and would kill this process without a message
    if one of them died.
    """

    @property
    def creates_processes_externally(self) -> bool:
        """Return True: Fabric starts none."""
        return True


def start_followers(processes: int) -> list[Follower]:
    """Start the other processes of a data-parallel run, once. What a launcher has set in this process is replaced."""
    if LEADER_VARIABLE in os.environ:
        return []
    for name in _LAUNCHER_VARIABLES:
        os.environ.pop(name, None)
    os.environ |= {
        LEADER_VARIABLE: str(os.getpid()),
        RANK_VARIABLE: "0",
        "NODE_RANK": "0",
        "WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(find_free_network_port()),
    }
    return [subprocess.Popen(_command(), env=os.environ | {RANK_VARIABLE: str(rank)}) for rank in range(1, processes)]


@contextmanager
def watch(followers: list[Follower]) -> Iterator[None]:
    """End this process with a message if a follower ends during the block, in which torch waits for it."""
    done = Event()
    Thread(target=_watch, args=(followers, done), daemon=True).start()
    try:
        yield
    finally:
        done.set()


def _watch(followers: list[Follower], done: Event) -> None:
    while not done.wait(POLL_SECONDS):
        ended = [follower.returncode for follower in followers if follower.poll() is not None]
        if ended:
            for follower in followers:
                follower.kill()
            what = f"one of {len(followers) + 1} data-parallel processes has ended with code {ended[0]}"
            fix = "See its own message, or free memory if it was killed"
            print(f"error: {RunFailedError.at('train.devices', what, fix)}.", file=sys.stderr, flush=True)
            os._exit(RunFailedError.exit_code)  # torch cannot be interrupted


def _command() -> list[str]:
    """Return the command of this process."""
    import __main__

    spec = getattr(__main__, "__spec__", None)
    program = [str(Path(sys.argv[0]).resolve())] if spec is None else ["-m", spec.name]
    return [sys.executable, *program, *sys.argv[1:]]


def is_lost_peer(error: BaseException) -> bool:
    """Return whether an error of a collective says that another process has ended."""
    if isinstance(error, torch.distributed.DistError):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error) for word in ("gloo", "Connection closed by peer"))
