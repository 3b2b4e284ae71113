"""The scheduler: scenes are cut into strips, strips are labelled, and complete scenes are merged and published."""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from typing import final

from latentclust.data.scenes.addresses import strip_credentials
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
from latentclust.labelling.windows.strip_files import read_strip_facts
from latentclust.labelling.windows.strip_labeller import RESUME_FIX, Engine, ShouldStop, StripJob, StripResult
from latentclust.phases import phases_of
from latentclust.specs.scenes import Scene

MAX_FINISHING_SCENES = 2
"""Number of labelled scenes that may wait to be merged before reading further windows pauses."""


@dataclass(slots=True)
class _RunningScene:
    """A scene that has started and not ended."""

    scene: Scene
    result: SceneResult
    start: float
    task: SceneTask | None = None
    waiting: set[int] = field(default_factory=set)
    published: bool = False


Event = tuple[_RunningScene, Exception | None]


@final
class LabelScheduler:
    """Labels scenes into a folder, several strips and scenes at a time, and logs the result of each."""

    def __init__(
        self,
        settings: LabelSettings,
        outputs: OutputOptions,
        area: AreaOfInterest | None,
        run_log: RunLog,
        partial: Path,
        listener: LabelListener,
        strict: bool,
    ) -> None:
        """Prepare a run. It starts with `label`."""
        self.settings, self.outputs, self.area, self.run_log = settings, outputs, area, run_log
        self.partial, self.listener, self.strict = partial, listener, strict
        self.phases = phases_of(listener)
        self.windows = 0
        self.ended: dict[str, SceneResult] = {}
        self._halted = self._cut = False
        self._running: dict[str, _RunningScene] = {}
        # The thread that reads ahead opens scenes; the thread that labels logs them.
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._finishing: deque[tuple[_RunningScene, Future[SceneOutputs]]] = deque()
        self._pool = ThreadPoolExecutor(1, "finish")

    def label(self, scenes: Iterable[Scene], engine: Engine, should_stop: ShouldStop) -> None:
        """Label all scenes, or with `strict` until the first failure.

        Raises:
            InterruptedRunError: If the user asks to stop. Complete strips are kept.
        """
        self._should_stop = should_stop
        try:
            for strip in engine(self._jobs(scenes), lambda: should_stop() or self._halted, self._on_windows):
                self._drain_events()
                self._take_strip(strip)
                self._collect_finished(MAX_FINISHING_SCENES)
            self._drain_events()
        except InterruptedRunError:
            if not self._halted:
                raise
        finally:
            self._drain_events()
            self._pool.shutdown(wait=True, cancel_futures=should_stop())
            self._collect_finished(0)
            self.run_log.save()
        if self._cut or not self._events.empty():
            raise InterruptedRunError.at("scenes", "stopped before all were done", RESUME_FIX)

    def _jobs(self, scenes: Iterable[Scene]) -> Iterator[StripJob]:
        """Yield the strips to be labelled. Each scene is opened when its turn comes."""
        for scene in scenes:
            if self._halted:
                return
            if self._should_stop():
                raise InterruptedRunError.at(scene.name, "stopped", RESUME_FIX)
            size, mtime = input_state(scene)
            result = SceneResult(scene.name, str(scene.output), "started", size=size, mtime=mtime)
            running = _RunningScene(scene, result, time.monotonic())
            try:
                running.task = prepare_scene(
                    self.settings, scene, self.partial / self.run_log.scene_key(result), self.area
                )
            # A scene that fails, whatever the reason, does not stop the others.
            except Exception as error:
                self._events.put((running, error))
                self._halted = self._halted or self.strict
                continue
            todo = [job for job in running.task.jobs if not read_strip_facts(job.folder)] if running.task else []
            running.waiting = {job.number for job in todo}
            self._events.put((running, None))
            for job in todo:
                if running.result.status == "failed":
                    break
                yield job

    def _drain_events(self) -> None:
        """Log the scenes that the reading thread has opened. After a request to stop, the next run logs the rest."""
        while not (self._events.empty() or self._should_stop()):
            running, error = self._events.get()
            if error is not None:
                self._fail_scene(running, error)
            elif running.task is None:
                self._skip_scene(running)
            else:
                self._start_scene(running, running.task)
        self.run_log.save()

    def _start_scene(self, running: _RunningScene, task: SceneTask) -> None:
        """Log an opened scene, with the output files that may exist if this run is killed."""
        self._running[str(running.scene.output)] = running
        names = map(str, self.outputs.outputs(self.settings, running.scene))
        running.result = replace(
            running.result, files={name: UNKNOWN_SIZE for name in names if not name.endswith(SIDECAR_SUFFIXES)}
        )
        self.run_log.add(running.result)
        windows = sum(job.windows for job in task.jobs if job.number in running.waiting)
        self.listener.on_scene_start(running.scene.name, windows)
        self._finish_if_complete(running)

    def _skip_scene(self, running: _RunningScene) -> None:
        """Log a scene without a pixel in the area, and remove the outputs of an earlier run."""
        try:
            remove_outputs(self.run_log.folder, self._replaced_result(running))
        except LatentclustError as error:
            self._fail_scene(running, error)
        else:
            self._end_scene(running, "outside", "no pixel in the area")

    def _replaced_result(self, running: _RunningScene) -> SceneResult | None:
        """Return the result of an earlier run that is to be replaced."""
        return self.run_log.replaced.get(str(running.scene.output))

    def _on_windows(self, job: StripJob, windows: int, pixels: int) -> None:
        self._drain_events()
        self.listener.on_windows(windows, pixels)

    def _take_strip(self, strip: StripResult) -> None:
        """Log a labelled or failed strip."""
        running = self._running.get(str(strip.job.scene.output))
        if running is None:  # Another strip of the scene has failed.
            return
        if strip.facts is None:
            self._fail_scene(running, strip.error or Exception("unknown reason"))
            return
        self.windows += strip.facts.windows
        running.waiting.discard(strip.job.number)
        self._finish_if_complete(running)

    def _finish_if_complete(self, running: _RunningScene) -> None:
        if not running.waiting and running.task is not None:
            self.phases.begin(f"writing the outputs of {running.scene.name}")
            self._finishing.append(
                (running, self._pool.submit(self.outputs.write, self.settings, running.task, self._should_stop))
            )

    def _collect_finished(self, most: int) -> None:
        """Publish merged scenes, and wait until at most `most` scenes are waiting."""
        while self._finishing and (self._finishing[0][1].done() or len(self._finishing) > most):
            running, future = self._finishing.popleft()
            if future.cancelled():
                self._cut = True
                continue
            try:
                self._publish(running, future.result())
            except InterruptedRunError:
                self._cut = True
            # As above, the other scenes continue.
            except Exception as error:
                self._fail_scene(running, error)

    def _publish(self, running: _RunningScene, outputs: SceneOutputs) -> None:
        assert running.task is not None
        if input_state(running.scene) != (running.result.size, running.result.mtime):
            what = "has changed while it was labelled, so its labels are of two versions"
            raise LatentclustError.at(running.scene.name, what, "Run the same command again")
        running.published = True
        files = publish_outputs(
            self.run_log.folder, running.scene.output, outputs.folder, self._replaced_result(running)
        )
        height, width = running.task.georeference.extent
        running.result = replace(
            running.result,
            warnings=running.task.warnings + outputs.warnings,
            files=files,
            pixels=outputs.pixels,
            sieved=outputs.sieved,
            finishing=round(outputs.seconds, 3),
            nodata=height * width - outputs.pixels,
        )
        self._end_scene(running, "done")

    def _fail_scene(self, running: _RunningScene, error: Exception) -> None:
        """Log a failed scene. Its existing files, of this run or an earlier one, stay; the reason lists them."""
        folder, reason = self.run_log.folder, failure_reason(error)
        if running.published:
            reason += "; some of its outputs may exist already"
        elif there := existing_files(folder, self._replaced_result(running)):
            reason += f"; outputs of an earlier run still exist: {', '.join(there)}"
        own = [name for name in running.result.files or () if running.published and (folder / name).exists()]
        running.result = replace(running.result, files=dict.fromkeys(own, UNKNOWN_SIZE) or None)
        self._halted = self._halted or self.strict
        self._end_scene(running, "failed", reason)

    def _end_scene(self, running: _RunningScene, status: Status, reason: str = "") -> None:
        """Log the final status of a scene."""
        seconds = round(time.monotonic() - running.start, 3)
        running.result = replace(running.result, status=status, reason=reason, seconds=seconds)
        name = str(running.scene.output)
        self._running.pop(name, None)
        self.ended[name] = running.result
        self.run_log.add(running.result)
        if status == "done":
            self.run_log.save()
        remove_temporary_files(self.partial / self.run_log.scene_key(running.result), status == "failed")
        self.listener.on_scene_end(running.result)


def failure_reason(error: Exception) -> str:
    """Return the reason of a failure as one line."""
    if isinstance(error, LatentclustError):
        return "; ".join(f"{issue.what}. {issue.fix}" for issue in error.issues)
    return strip_credentials(f"{type(error).__name__}: {(str(error).splitlines() or ['no message'])[0]}")
