"""The mosaic of a run: written from finished label rasters, published like a scene, and kept until they change."""

import hashlib
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

import rasterio

from latentclust.data.rasters import CACHE_BYTES
from latentclust.errors import InterruptedRunError, Issue, LatentclustError, raise_all
from latentclust.labelling.clusters.recolour import count_clusters
from latentclust.labelling.clusters.restore import restore_missing
from latentclust.labelling.label_report import UNKNOWN_SIZE, SceneResult, Seams
from latentclust.labelling.label_settings import LabelSettings
from latentclust.labelling.mosaic.drafts import MosaicDrafts
from latentclust.labelling.mosaic.grid import plan_mosaic
from latentclust.labelling.mosaic.seams import mosaic_tiles
from latentclust.labelling.output_options import OutputOptions
from latentclust.labelling.outputs.publish import SIDECAR_SUFFIXES, foreign_files, is_complete, publish_outputs
from latentclust.labelling.run_log import RunLog
from latentclust.labelling.scheduler import failure_reason
from latentclust.specs.scenes import Scene

MOSAIC = Scene(source="", name="mosaic", output=PurePath("mosaic.tif"))
"""Name and output of the mosaic, whose result is a row of labelling.json like that of a scene."""

LISTED = 3
"""Number of scenes that a warning or an error names."""


@dataclass(frozen=True, slots=True)
class MosaicMaker:
    """Writes the mosaic of an output folder.

    Attributes:
        settings: Settings of the run.
        outputs: Outputs of each scene. A mosaic has the same ones, except probabilities and STAC items.
        run_log: Run log of the output folder.
        partial: Folder of temporary files.
        should_stop: Returns True once the user asks to stop.
    """

    settings: LabelSettings
    outputs: OutputOptions
    run_log: RunLog
    partial: Path
    should_stop: Callable[[], bool]

    def update(self, scenes: Sequence[SceneResult]) -> SceneResult | None:
        """Write the mosaic of all scenes that are done, unless it exists. Return None if no scene is done.

        A failure is logged and returned, like that of a scene. Existing files stay then.

        Args:
            scenes: Results of the scenes of a run, in the order of the inputs.

        Raises:
            InterruptedRunError: If the user asks to stop.
        """
        done = [scene for scene in scenes if scene.status == "done"]
        if not done:
            return None
        name, start = str(MOSAIC.output), time.monotonic()
        missing = len(scenes) - len(done) - sum(scene.status == "outside" for scene in scenes)
        size, state = sum(each.size for each in done), _checksum(done, missing)
        joined = tuple(scene.output for scene in done)
        wanted = SceneResult(MOSAIC.name, name, "started", size=size, mtime=state, joined=joined)
        if kept := self._kept(wanted):
            return kept
        folder = self.partial / MOSAIC.name
        try:
            warnings = (f"{missing:,} of {len(scenes):,} scenes are missing, because they failed",) if missing else ()
            found = self._write(replace(wanted, warnings=warnings), done, folder)
        except InterruptedRunError:
            raise
        # As for a scene, whatever the reason is.
        except Exception as error:
            found = failed_mosaic(wanted, error)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        found = replace(found, seconds=round(time.monotonic() - start, 3))
        self.run_log.add_and_save(found)
        return found

    def _kept(self, wanted: SceneResult) -> SceneResult | None:
        """Return the result of an earlier run if its mosaic is complete and of the same scenes."""
        before = self.run_log.scenes.get(wanted.output)
        if before is None:
            return None
        same = (before.input, before.size, before.mtime) == (wanted.input, wanted.size, wanted.mtime)
        if same and before.status == "done" and is_complete(self.run_log.folder, before):
            names = frozenset({wanted.output})
            if restore_missing(self.run_log, names, self.outputs, self.partial, self.should_stop):
                return self.run_log.scenes[wanted.output]
        self.run_log.mark_replaced(before)
        return None

    def _write(self, wanted: SceneResult, done: Sequence[SceneResult], folder: Path) -> SceneResult:
        """Write and publish the mosaic. Return its result."""
        made = folder / "made"
        shutil.rmtree(folder, ignore_errors=True)
        made.mkdir(parents=True)
        with_confidence = "confidence" in self.settings.rasters
        files = [_rasters(self.run_log.folder, scene, with_confidence) for scene in done]
        grid = plan_mosaic(files)
        labels, seams = made / MOSAIC.output.name, Seams(len(done), 0, 0)
        with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES):
            with ExitStack() as stack:
                drafts = stack.enter_context(
                    MosaicDrafts.create(folder, grid.where, self.outputs.clusters, with_confidence)
                )
                for tile in mosaic_tiles(grid, self.outputs.clusters.dtype):
                    self._check_stop()
                    drafts.add(tile)
                    seams = seams.plus(tile.overlap, tile.agreeing)
            sieved = drafts.sieve(self.settings.sieve, self._check_stop)
            drafts.convert(labels, made / MOSAIC.raster("confidence").name)
            counts = count_clusters(labels, len(self.outputs.clusters.entries) - 1)
            warnings = self.outputs.write_beside(labels, counts, MOSAIC.name, folder, self.should_stop)
        first, *others = zip(done, grid.scenes, strict=True)
        resampled = [scene.output for scene, place in others if place.resampled]
        warnings += resampled_warning(resampled, first[0].output)
        found = replace(
            wanted, pixels=drafts.labelled, nodata=drafts.pixels - drafts.labelled, sieved=sieved, seams=seams
        )
        return self._publish(replace(found, warnings=wanted.warnings + warnings), made)

    def _publish(self, found: SceneResult, made: Path) -> SceneResult:
        """Move the files to their final place. A run that is killed meanwhile leaves a log that names them."""
        folder, name = self.run_log.folder, found.output
        drafts = (path.name for path in made.iterdir() if not path.name.endswith(SIDECAR_SUFFIXES))
        self.run_log.add_and_save(replace(found, files=dict.fromkeys(drafts, UNKNOWN_SIZE)))
        files = publish_outputs(folder, PurePath(name), made, self.run_log.replaced.get(name))
        return replace(found, status="done", files=files)

    def _check_stop(self) -> None:
        if self.should_stop():
            raise InterruptedRunError.at(MOSAIC.name, "stopped", "Run the same command to resume")


def check_mosaic(
    settings: LabelSettings, outputs: OutputOptions, scenes: Sequence[Scene], run_log: RunLog, overwrite: bool
) -> None:
    """Raise LatentclustError if the mosaic would replace files of others, or a mosaic of scenes that are not given."""
    own = replace(outputs, stac=None)
    reduced = replace(settings, rasters=tuple(name for name in settings.rasters if name != "probabilities"))
    names = set(own.outputs(reduced, MOSAIC))
    taken = {name: scene for scene in scenes for name in outputs.outputs(settings, scene)}
    fix = "Rename the scene, or label it without --mosaic"
    ordered = sorted(names, key=lambda name: (name != MOSAIC.output, name))
    issues = [
        Issue(taken[name].name, f"has the output {name}, and so has the mosaic", fix)
        for name in ordered
        if name in taken
    ]
    before = run_log.scenes.get(str(MOSAIC.output))
    if not overwrite and (before is None or not before.files):
        issues += foreign_files(run_log, MOSAIC, ordered)
    if not overwrite:
        issues += _left_out(scenes, run_log)
    raise_all(issues[:1])


def outdated_mosaic(ended: Iterable[SceneResult], run_log: RunLog) -> tuple[str, ...]:
    """Return a warning if a run without a mosaic has written scenes, and the folder has a mosaic of an earlier run.

    Args:
        ended: Results of the scenes that the run has not kept.
        run_log: Run log of the output folder.
    """
    name = str(MOSAIC.output)
    rows = (log.get(name) for log in (run_log.scenes, run_log.replaced))
    # A scene of the user may be named like the mosaic.
    ours = any(row is not None and row.input == MOSAIC.name for row in rows)
    if not ours or not (run_log.folder / name).exists() or all(scene.status != "done" for scene in ended):
        return ()
    return (f"{name} is of an earlier run; pass --mosaic to renew it",)


def _left_out(scenes: Sequence[Scene], run_log: RunLog) -> list[Issue]:
    """Return an issue if an existing mosaic joins scenes that are not among those given."""
    name = str(MOSAIC.output)
    # A failed or killed run leaves the files of the mosaic before it.
    rows = [row for log in (run_log.scenes, run_log.replaced) if (row := log.get(name)) and row.files]
    if not (run_log.folder / name).exists():
        return []
    given = {str(scene.output) for scene in scenes}
    lost = list(dict.fromkeys(output for row in rows for output in row.joined if output not in given))
    if not lost:
        return []
    what = f"already joins {_listed(lost)}, which this call leaves out"
    fix = "Give these scenes too, choose another --out, or pass --overwrite"
    return [Issue(str(run_log.folder / name), what, fix)]


def failed_mosaic(wanted: SceneResult, error: Exception) -> SceneResult:
    """Return the result of a mosaic that fails, with the scene that causes it."""
    where = error.issues[0].where if isinstance(error, LatentclustError) else MOSAIC.output
    return replace(wanted, status="failed", reason=f"{where}: {failure_reason(error)}")


def _rasters(folder: Path, scene: SceneResult, with_confidence: bool) -> tuple[Path, Path | None]:
    """Return the rasters of labels and of confidence of a finished scene."""
    labels = folder / scene.output
    return labels, labels.with_name(f"{labels.stem}-confidence{labels.suffix}") if with_confidence else None


def _checksum(done: Sequence[SceneResult], missing: int) -> int:
    """Return a checksum of the inputs of scenes, in order, and of the number of missing scenes."""
    inputs = [(scene.output, scene.input, scene.size, scene.mtime) for scene in done]
    return int.from_bytes(hashlib.sha256(repr((inputs, missing)).encode()).digest()[:7])


def resampled_warning(names: Sequence[str], first: str) -> tuple[str, ...]:
    """Return a warning about scenes that are resampled to the grid of the first one."""
    if not names:
        return ()
    return (f"{_scenes(len(names))} resampled to the grid of {first} by nearest neighbour: {_listed(names)}",)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:LISTED]) + (f" and {len(names) - LISTED:,} more" if len(names) > LISTED else "")


def _scenes(count: int) -> str:
    return "1 scene was" if count == 1 else f"{count:,} scenes were"
