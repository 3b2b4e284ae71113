"""A run at work: scenes are cut into strips, strips are labelled, and whole scenes are put together and published."""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from typing import final

from latentclust.errors import InterruptedRunError, LatentclustError
from latentclust.labelling.area.area_of_interest import AreaOfInterest
from latentclust.labelling.label_report import UNKNOWN_SIZE, LabelListener, SceneResult, Status
from latentclust.labelling.label_settings import LabelSettings
from latentclust.labelling.output_options import OutputOptions, SceneOutputs
from latentclust.labelling.outputs.publish import (
    SIDECAR_SUFFIXES,
    existing_files,
    input_state,
    publish_outputs,
    remove_outputs,
)
from latentclust.labelling.run_log import RunLog
from latentclust.labelling.scene_task import SceneTask, prepare_scene, remove_temporary_files
from latentclust.labelling.scenes.addresses import strip_credentials
from latentclust.labelling.scenes.inputs import Scene
from latentclust.labelling.windows.strip_files import is_complete
from latentclust.labelling.windows.strip_labeller import Engine, ShouldStop, StripJob, StripResult

RESUME_FIX = "The same command goes on with them"

MAX_FINISHING_SCENES = 2
"""Scenes that may wait to be put together before no more windows are read."""


@dataclass(slots=True)
class _RunningScene:
    """A scene that is begun and not ended."""

    scene: Scene
    outcome: SceneResult
    began: float
    task: SceneTask | None = None
    waiting: set[int] = field(default_factory=set)
    published: bool = False


Event = tuple[_RunningScene, Exception | None]


@final
class LabelScheduler:
    """Labels scenes into a folder, many strips and scenes at a time, and accounts for each."""

    def __init__(
        self,
        settings: LabelSettings,
        products: OutputOptions,
        area: AreaOfInterest | None,
        run_log: RunLog,
        partial: Path,
        listener: LabelListener,
        strict: bool,
    ) -> None:
        """Nothing is begun yet."""
        self.settings, self.products, self.area, self.run_log = settings, products, area, run_log
        self.partial, self.listener, self.strict = partial, listener, strict
        self.windows = 0
        self.ended: dict[str, SceneResult] = {}
        self._halted = self._cut = False
        self._open: dict[str, _RunningScene] = {}
        # Scenes are opened by the thread that reads ahead, and accounted for by the one that labels.
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._finishing: deque[tuple[_RunningScene, Future[SceneOutputs]]] = deque()
        self._pool = ThreadPoolExecutor(1, "finish")

    def label(self, scenes: Iterable[Scene], engine: Engine, should_stop: ShouldStop) -> None:
        """Labels all, or with `strict` until the first failure.

        Raises:
            InterruptedRunError: A stop was asked for; strips that are whole are kept.
        """
        self._should_stop = should_stop
        try:
            for labelled in engine(self._jobs(scenes), lambda: should_stop() or self._halted, self._passed):
                self._account()
                self._take(labelled)
                self._collect(MAX_FINISHING_SCENES)
            self._account()
        except InterruptedRunError:
            if not self._halted:
                raise
        finally:
            self._account()
            self._pool.shutdown(wait=True, cancel_futures=should_stop())
            self._collect(0)
            self.run_log.save()
        if self._cut or not self._events.empty():
            raise InterruptedRunError.at("scenes", "stopped before all were done", RESUME_FIX)

    def _jobs(self, scenes: Iterable[Scene]) -> Iterator[StripJob]:
        """The strips to be labelled; scenes are opened when their turn comes."""
        for scene in scenes:
            if self._halted:
                return
            if self._should_stop():
                raise InterruptedRunError.at(scene.name, "stopped", RESUME_FIX)
            size, mtime = input_state(scene)
            outcome = SceneResult(scene.name, str(scene.output), "started", size=size, mtime=mtime)
            opened = _RunningScene(scene, outcome, time.monotonic())
            try:
                opened.task = prepare_scene(
                    self.settings, scene, self.partial / self.run_log.scene_key(outcome), self.area
                )
            # One bad scene, whatever is bad about it, stops no other.
            except Exception as error:
                self._events.put((opened, error))
                self._halted = self._halted or self.strict
                continue
            todo = [job for job in opened.task.jobs if not is_complete(job.folder)] if opened.task else []
            opened.waiting = {job.number for job in todo}
            self._events.put((opened, None))
            for job in todo:
                if opened.outcome.status == "failed":
                    break
                yield job

    def _account(self) -> None:
        """Enters what the reading thread told; once a stop is asked for, what is left of it is for the next run."""
        while not (self._events.empty() or self._should_stop()):
            opened, error = self._events.get()
            if error is not None:
                self._fail(opened, error)
            elif opened.task is None:
                self._leave_out(opened)
            else:
                self._begin(opened, opened.task)
        self.run_log.save()

    def _begin(self, opened: _RunningScene, task: SceneTask) -> None:
        """A scene is opened; the account says what may be there of it, should this run be killed."""
        self._open[str(opened.scene.output)] = opened
        names = map(str, self.products.outputs(self.settings, opened.scene))
        opened.outcome = replace(
            opened.outcome, files={name: UNKNOWN_SIZE for name in names if not name.endswith(SIDECAR_SUFFIXES)}
        )
        self.run_log.add(opened.outcome)
        windows = sum(job.windows for job in task.jobs if job.number in opened.waiting)
        self.listener.on_scene_start(opened.scene.name, windows)
        self._finish_if_whole(opened)

    def _leave_out(self, opened: _RunningScene) -> None:
        """A scene has no pixel in the area; what an earlier run made of it goes."""
        try:
            remove_outputs(self.run_log.folder, self._before(opened))
        except LatentclustError as error:
            self._fail(opened, error)
        else:
            self._end(opened, "outside", "no pixel in the area")

    def _before(self, opened: _RunningScene) -> SceneResult | None:
        """What is there of an earlier run, to be replaced."""
        return self.run_log.replaced.get(str(opened.scene.output))

    def _passed(self, job: StripJob, windows: int, pixels: int) -> None:
        self._account()
        self.listener.on_windows(windows, pixels)

    def _take(self, labelled: StripResult) -> None:
        """A strip has ended."""
        opened = self._open.get(str(labelled.job.scene.output))
        if opened is None:  # another strip has failed before
            return
        if labelled.facts is None:
            self._fail(opened, labelled.error or Exception("no reason is known"))
            return
        self.windows += labelled.facts.windows
        opened.waiting.discard(labelled.job.number)
        self._finish_if_whole(opened)

    def _finish_if_whole(self, opened: _RunningScene) -> None:
        if not opened.waiting and opened.task is not None:
            self._finishing.append(
                (opened, self._pool.submit(self.products.write, self.settings, opened.task, self._should_stop))
            )

    def _collect(self, most: int) -> None:
        """Publishes scenes that are put together, and waits until at most so many are not."""
        while self._finishing and (self._finishing[0][1].done() or len(self._finishing) > most):
            opened, future = self._finishing.popleft()
            if future.cancelled():
                self._cut = True
                continue
            try:
                self._publish(opened, future.result())
            except InterruptedRunError:
                self._cut = True
            # As above.
            except Exception as error:
                self._fail(opened, error)

    def _publish(self, opened: _RunningScene, made: SceneOutputs) -> None:
        assert opened.task is not None
        opened.published = True
        files = publish_outputs(self.run_log.folder, opened.scene.output, made.folder, self._before(opened))
        height, width = opened.task.where.extent
        opened.outcome = replace(
            opened.outcome,
            warnings=opened.task.warnings + made.warnings,
            files=files,
            pixels=made.pixels,
            finishing=round(made.seconds, 3),
            nodata=height * width - made.pixels,
        )
        self._end(opened, "done")

    def _fail(self, opened: _RunningScene, error: Exception) -> None:
        """A scene has failed; what is there of it, of this run or an earlier one, stays, and the reason says so."""
        folder, reason = self.run_log.folder, failure_reason(error)
        if opened.published:
            reason += "; some of its outputs may be there already"
        elif there := existing_files(folder, self._before(opened)):
            reason += f"; what an earlier run made of it is still there: {', '.join(there)}"
        own = [name for name in opened.outcome.files or () if opened.published and (folder / name).exists()]
        opened.outcome = replace(opened.outcome, files=dict.fromkeys(own, UNKNOWN_SIZE) or None)
        self._halted = self._halted or self.strict
        self._end(opened, "failed", reason)

    def _end(self, opened: _RunningScene, status: Status, reason: str = "") -> None:
        """A scene is done with."""
        seconds = round(time.monotonic() - opened.began, 3)
        opened.outcome = replace(opened.outcome, status=status, reason=reason, seconds=seconds)
        name = str(opened.scene.output)
        self._open.pop(name, None)
        self.ended[name] = opened.outcome
        self.run_log.add(opened.outcome)
        if status == "done":
            self.run_log.save()
        remove_temporary_files(self.partial / self.run_log.scene_key(opened.outcome), status == "failed")
        self.listener.on_scene_end(opened.outcome)


def failure_reason(error: Exception) -> str:
    """Why a scene failed, in a line."""
    if isinstance(error, LatentclustError):
        return "; ".join(f"{issue.what}. {issue.fix}" for issue in error.issues)
    return strip_credentials(f"{type(error).__name__}: {(str(error).splitlines() or ['no message'])[0]}")
