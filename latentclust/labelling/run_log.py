"""The run log, labelling.json: what a folder of label rasters was made with, so that a stopped run can resume."""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from torch import nn

from latentclust.data.scenes.folders import RUN_LOG
from latentclust.errors import Issue, LatentclustError
from latentclust.files import CHOOSE_OTHER, lock_file, write_atomic
from latentclust.labelling.label_report import SceneResult
from latentclust.model.model import ClusteringModel

LOCK_FILE = ".labelling.lock"
"""Name of the file in the output folder that a running command locks."""

TEMPORARY_FOLDER = ".partial"
"""Name of the folder of temporary files in the output folder."""

DRAFT_FOLDER = "redrawn"
"""Name of the folder, within the temporary files, of outputs that are rewritten. A new run removes what it contains."""

CHOOSE_OTHER_FOLDER = "Choose another --out, or pass --overwrite"


class RunLogFile(BaseModel):
    """The contents of labelling.json. See `RunLog` for the meaning of each field."""

    model_config = ConfigDict(strict=True, protected_namespaces=())

    format: Literal[1]
    model: str
    model_path: str = ""
    options: dict[str, Any]
    scenes: list[SceneResult]
    replaced: list[SceneResult] = []

    def write(self, folder: Path) -> None:
        """Write the run log to an output folder. Raise LatentclustError if the file cannot be written."""
        write_atomic(folder / RUN_LOG, self.model_dump_json(indent=2) + "\n")


def read_run_log_file(folder: Path, fix: str) -> RunLogFile:
    """Read the run log of an output folder. Raise LatentclustError if it is missing or damaged."""
    path = folder / RUN_LOG
    try:
        return RunLogFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise LatentclustError.at(str(path), f"cannot be read ({error.strerror or error})", fix) from error
    except ValidationError as error:
        first: Any = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise LatentclustError.at(str(path), f"cannot be read ({place}: {first['msg']})", fix) from error


def find_run_log(path: Path, fix: str) -> tuple[Path, RunLogFile, SceneResult | None] | None:
    """Return the nearest folder above a file that has a run log, the log, and the finished scene that the file is of.

    The scene is None if the log does not list the file as an output. Without a log the result is None.

    Args:
        path: A file.
        fix: What to do if the log cannot be read.

    Raises:
        LatentclustError: If the log is damaged.
    """
    place = path.resolve()
    folder = next((each for each in place.parents if (each / RUN_LOG).is_file()), None)
    if folder is None:
        return None
    log, name = read_run_log_file(folder, fix), place.relative_to(folder).as_posix()
    done = (scene for scene in log.scenes if scene.status == "done")
    return folder, log, next((scene for scene in done if name in (scene.output, *(scene.files or ()))), None)


def model_fingerprint(model: ClusteringModel) -> str:
    """Return the SHA-256, in hexadecimal, of a model's recipe, tensors and band reading."""
    digest = hashlib.sha256(model.resolved.loaded.digest.encode())
    digest.update(json.dumps(model.bands.to_dict() if model.bands else None, sort_keys=True).encode())
    tensors = {f"networks/{name}": value for name, value in nn.ModuleDict(dict(model.networks)).state_dict().items()}
    tensors |= {f"inference/{name}": value for name, value in model.state.items()}
    for name, tensor in sorted(tensors.items()):
        array = tensor.detach().cpu().contiguous().numpy()
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


@dataclass(slots=True)
class RunLog:
    """The run log of an output folder, in memory.

    Attributes:
        folder: Output folder.
        model: Fingerprint of the model, see `model_fingerprint`.
        options: All other options that decide what is written.
        scenes: Result of each scene, by output.
        model_path: Path that the model was loaded from. Empty if it was never in a file.
        replaced: Results, by output, whose files exist but come from another model, other options, an earlier state of
            the input, or a killed run. Each stays until its scene is written again.
    """

    folder: Path
    model: str
    options: Mapping[str, Any]
    scenes: dict[str, SceneResult] = field(default_factory=dict)
    model_path: str = ""
    replaced: dict[str, SceneResult] = field(default_factory=dict)
    _unsaved: bool = field(default=False, init=False)

    def scene_key(self, result: SceneResult) -> str:
        """Return a hash of everything that decides the strips of a scene: model, options and state of the input."""
        facts = [self.model, dict(self.options), result.input, result.output, result.size, result.mtime]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]

    def add(self, result: SceneResult) -> None:
        """Add a scene; the file is written by the next `save`."""
        self.scenes[result.output] = result
        if result.status in ("done", "outside"):
            self.replaced.pop(result.output, None)
        self._unsaved = True

    def save(self) -> None:
        """Write the file if anything was added since. Raise LatentclustError if it cannot be written."""
        if not self._unsaved:
            return
        file = RunLogFile(
            format=1,
            model=self.model,
            model_path=self.model_path,
            options=dict(self.options),
            scenes=list(self.scenes.values()),
            replaced=list(self.replaced.values()),
        )
        file.write(self.folder)
        self._unsaved = False

    def add_and_save(self, result: SceneResult) -> None:
        """Add a scene and write the file. Raise LatentclustError if it cannot be written."""
        self.add(result)
        self.save()

    def has_outputs(self) -> bool:
        """Return whether a scene is done, or an output of one exists."""
        results = [*self.scenes.values(), *self.replaced.values()]
        files = (self.folder / name for result in results for name in result.files or ())
        return any(result.status == "done" for result in results) or any(path.exists() for path in files)

    def mark_replaced(self, result: SceneResult) -> None:
        """Remember the existing files of a scene that will be labelled again."""
        if any((self.folder / name).exists() for name in result.files or ()):
            old = self.replaced.get(result.output, result)
            files = {**(old.files or {}), **(result.files or {})}
            self.replaced[result.output] = replace(result, files=files)


def open_run_log(folder: Path, model: str, options: Mapping[str, Any], overwrite: bool, model_path: str = "") -> RunLog:
    """Return the run log of an earlier run in the folder, or a new one.

    With `overwrite`, or if it has no outputs, a log of another model or of other options is replaced. The outputs it
    lists stay until their scenes are labelled again.

    Raises:
        LatentclustError: If the log is damaged, or if it has outputs of another model or of other options and
            `overwrite` is False.
    """
    path = folder / RUN_LOG
    if not path.exists():
        return RunLog(folder, model, options, model_path=model_path)
    before = read_run_log(folder)
    differences = list(_differences(before, model, options))
    if not differences:
        return RunLog(folder, model, options, before.scenes, model_path or before.model_path, before.replaced)
    if not overwrite and before.has_outputs():
        raise LatentclustError(*(Issue(str(path), what, CHOOSE_OTHER_FOLDER) for what in differences))
    run_log = RunLog(folder, model, options, model_path=model_path, replaced=before.replaced)
    for scene in before.scenes.values():
        run_log.mark_replaced(scene)
    return run_log


def _differences(before: RunLog, model: str, options: Mapping[str, Any]) -> Iterator[str]:
    """Yield how the model and the options differ from those of an earlier run."""
    if before.model != model:
        yield f"the folder was labelled by another model ({before.model[:12]}; this one is {model[:12]})"
    used = before.options
    other = [name for name in sorted({*used, *options}) if used.get(name) != options.get(name)]
    if other:
        changes = ", ".join(f"{name} was {used.get(name)} and is {options.get(name)}" for name in other)
        yield f"the folder was labelled with other options: {changes}"


def read_run_log(folder: Path, fix: str = CHOOSE_OTHER_FOLDER) -> RunLog:
    """Read the run log that an earlier run left in the folder.

    Args:
        folder: Output folder.
        fix: What to do if the log cannot be read.

    Raises:
        LatentclustError: If the log is missing or damaged.
    """
    file = read_run_log_file(folder, fix)
    scenes, old = ({row.output: row for row in rows} for rows in (file.scenes, file.replaced))
    return RunLog(folder, file.model, file.options, scenes, file.model_path, old)


def _prepare_temporary_folder(folder: Path, partial: Path) -> None:
    """Make the folder of temporary files, and remove the drafts and unfinished logs of a killed run."""
    try:
        partial.mkdir(exist_ok=True)
        shutil.rmtree(partial / DRAFT_FOLDER, ignore_errors=True)
        for left in folder.glob(f".{RUN_LOG}.*{TEMPORARY_FOLDER}"):
            left.unlink()
    except OSError as error:
        what = f"cannot be written ({error.strerror or error})"
        raise LatentclustError.at(str(partial), what, "Choose another folder with --out") from error


@contextmanager
def lock_folder(folder: Path) -> Iterator[Path]:
    """Make the output folder, lock it against a second run, and yield the folder of temporary files.

    The folder of temporary files is removed at the end if it is empty. Otherwise the caller removes it.

    Raises:
        LatentclustError: If another run holds the lock, or the folder cannot be written.
    """
    partial = folder / TEMPORARY_FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LatentclustError.at(
            str(folder), f"cannot be written ({error.strerror or error})", CHOOSE_OTHER
        ) from error
    busy = "another run is labelling into this folder"
    with lock_file(folder / LOCK_FILE, busy, "Wait for it, or choose another --out"):
        try:
            _prepare_temporary_folder(folder, partial)
            yield partial
        finally:
            with suppress(OSError):  # The folder is not empty.
                partial.rmdir()
