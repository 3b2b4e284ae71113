"""A task in a thread of its own, which tells its progress, can be stopped and is run by one page at a time."""

import atexit
import threading
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from typing import Any, Literal, final

from latentclust.errors import InterruptedRunError, LatentclustError, first_problem
from latentclust.viewer.responses import message_of

State = Literal["idle", "running", "done", "stopped", "failed"]

Tell = Callable[[int, int, str], None]
"""Called with the finished number of steps, the number of all steps, and the present one in words."""

ShouldStop = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a task is.

    Attributes:
        state: Whether it runs, or how it ended.
        done: Number of finished steps.
        total: Number of all steps; 0 if it is not known.
        text: The present step, or the reason of a failure.
        result: What the task returned.
    """

    state: State = "idle"
    done: int = 0
    total: int = 0
    text: str = ""
    result: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the progress as a JSON-serializable dict."""
        named = {"state": self.state, "done": self.done, "total": self.total, "text": self.text}
        return {**named, "result": self.result}


class TaskRunningError(LatentclustError):
    """The task runs already."""


@final
class BackgroundTask:
    """A task that runs at most once at a time. Its methods may be called by several threads.

    Args:
        name: What it does, for messages.
        work: Does the work and returns a JSON-serializable dict. It is given `tell` and `should_stop`, and raises
            InterruptedRunError after the latter returns True.
    """

    def __init__(self, name: str, work: Callable[[Tell, ShouldStop], dict[str, Any]]) -> None:
        self._name, self._work = name, work
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._progress = Progress()

    @property
    def progress(self) -> Progress:
        """How far the task is."""
        return self._progress

    def start(self) -> None:
        """Start the task. Raise TaskRunningError if it runs already."""
        with self._lock:
            if self._progress.state == "running":
                raise TaskRunningError.at(self._name, "is running already", "Wait for it, or stop it")
            self._stop.clear()
            self._progress = Progress("running")
            atexit.register(self.close)  # Ctrl-C ends the server, and then the interpreter
            # The task sees the plugins that the command was given.
            self._thread = threading.Thread(target=copy_context().run, args=(self._run,), name=self._name, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ask the task to stop; it does so as soon as its outputs are whole."""
        self._stop.set()

    def close(self) -> None:
        """Ask the task to stop, and wait until it has."""
        self.stop()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        ended = self._ended()
        # Before it can be started again, or the next thread would lose its handler.
        atexit.unregister(self.close)
        self._progress = ended

    def _ended(self) -> Progress:
        """Do the work and return how it ended."""
        try:
            result = self._work(self._tell, self._stop.is_set)
        except InterruptedRunError as error:
            return replace(self._progress, state="stopped", text=message_of(error))
        except LatentclustError as error:
            return replace(self._progress, state="failed", text=message_of(error))
        # A page must never wait for a thread that has died.
        except Exception as error:
            text = f"{self._name} failed by an internal error ({type(error).__name__}: {first_problem(error)})"
            return replace(self._progress, state="failed", text=text)
        total = self._progress.total
        return Progress("done", max(self._progress.done, total), total, "", result)

    def _tell(self, done: int, total: int, text: str) -> None:
        self._progress = Progress("running", done, total, text)
