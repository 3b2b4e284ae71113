"""labelling.json: what a folder of label rasters was made with and from, so that a run can be taken up again."""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import nn

from latentclust.errors import Issue, LatentclustError
from latentclust.labelling.label_report import SceneOutcome
from latentclust.labelling.run_log_file import NAME, Account, read_account
from latentclust.model.model import ClusteringModel

LOCK = ".labelling.lock"
PARTIAL = ".partial"
"""The folder of temporary files, within the output folder."""

DRAFTS = "redrawn"
"""Within it, the folder of outputs that are drawn anew; what a killed run leaves there is of no use to the next."""

ELSEWHERE = "Choose another --out, or pass --overwrite"


def identity(model: ClusteringModel) -> str:
    """SHA-256, in hexadecimals, of a model's recipe, tensors and band reading."""
    digest = hashlib.sha256(model.resolved.loaded.digest.encode())
    digest.update(json.dumps(asdict(model.bands) if model.bands else None, sort_keys=True).encode())
    tensors = {f"networks/{name}": value for name, value in nn.ModuleDict(dict(model.networks)).state_dict().items()}
    tensors |= {f"inference/{name}": value for name, value in model.state.items()}
    for name, tensor in sorted(tensors.items()):
        array = tensor.detach().cpu().contiguous().numpy()
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


@dataclass(slots=True)
class Manifest:
    """The folder's account.

    Attributes:
        folder: The output folder.
        model: The model's identity.
        options: Everything else that decides what is written.
        scenes: By output.
        model_path: Where the model was read from; empty where it never was in a file.
        replaced: What is there of another model, other options, another state of the input, or a run that was killed,
            by output, until it is made anew.
    """

    folder: Path
    model: str
    options: Mapping[str, Any]
    scenes: dict[str, SceneOutcome] = field(default_factory=dict)
    model_path: str = ""
    replaced: dict[str, SceneOutcome] = field(default_factory=dict)
    _unsaved: bool = field(default=False, init=False)

    def key(self, outcome: SceneOutcome) -> str:
        """What decides the strips of a scene, in a word: the model, the options, and the input as it is now."""
        facts = [self.model, dict(self.options), outcome.input, outcome.output, outcome.size, outcome.mtime]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]

    def enter(self, outcome: SceneOutcome) -> None:
        """Enters a scene; the file does not say so before `save`."""
        self.scenes[outcome.output] = outcome
        if outcome.status in ("done", "outside"):
            self.replaced.pop(outcome.output, None)
        self._unsaved = True

    def save(self) -> None:
        """Writes the file where anything was entered since; raises LatentclustError where it cannot be written."""
        if not self._unsaved:
            return
        account = Account(
            format=1,
            model=self.model,
            model_path=self.model_path,
            options=dict(self.options),
            scenes=list(self.scenes.values()),
            replaced=list(self.replaced.values()),
        )
        account.write(self.folder)
        self._unsaved = False

    def record(self, outcome: SceneOutcome) -> None:
        """Enters a scene and writes the file; raises LatentclustError where it cannot be written."""
        self.enter(outcome)
        self.save()

    def supersede(self, outcome: SceneOutcome) -> None:
        """Keeps in mind what is there of a scene that will be made anew."""
        if any((self.folder / name).exists() for name in outcome.files or ()):
            old = self.replaced.get(outcome.output, outcome)
            files = {**(old.files or {}), **(outcome.files or {})}
            self.replaced[outcome.output] = replace(outcome, files=files)


def open_manifest(
    folder: Path, model: str, options: Mapping[str, Any], overwrite: bool, model_path: str = ""
) -> Manifest:
    """The account of an earlier run in the folder, or a new one.

    With `overwrite` one by another model or with other options is replaced: what it made is, when it is made anew.

    Raises:
        LatentclustError: One that was made by another model or with other options, unless `overwrite`; or damaged.
    """
    path = folder / NAME
    if not path.exists():
        return Manifest(folder, model, options, model_path=model_path)
    before = read_manifest(folder)
    differences = list(_differences(before, model, options))
    if not differences:
        return Manifest(folder, model, options, before.scenes, model_path or before.model_path, before.replaced)
    if not overwrite:
        raise LatentclustError(*(Issue(str(path), what, ELSEWHERE) for what in differences))
    manifest = Manifest(folder, model, options, model_path=model_path, replaced=before.replaced)
    for scene in before.scenes.values():
        manifest.supersede(scene)
    return manifest


def _differences(before: Manifest, model: str, options: Mapping[str, Any]) -> Iterator[str]:
    """How a folder was labelled otherwise."""
    if before.model != model:
        yield f"the folder was labelled by another model ({before.model[:12]}; this one is {model[:12]})"
    used = before.options
    other = [name for name in sorted({*used, *options}) if used.get(name) != options.get(name)]
    if other:
        said = ", ".join(f"{name} was {used.get(name)} and is {options.get(name)}" for name in other)
        yield f"the folder was labelled with other options: {said}"


def read_manifest(folder: Path, fix: str = ELSEWHERE) -> Manifest:
    """The account that a run left in the folder.

    Args:
        folder: Of the outputs.
        fix: What to do where it cannot be read.

    Raises:
        LatentclustError: There is none, or it is damaged.
    """
    account = read_account(folder, fix)
    scenes, old = ({row.output: row for row in rows} for rows in (account.scenes, account.replaced))
    return Manifest(folder, account.model, account.options, scenes, account.model_path, old)


def _prepare(folder: Path, partial: Path) -> None:
    """Makes the folder of temporary files, and removes what a killed run left of its account and its drafts."""
    try:
        partial.mkdir(exist_ok=True)
        shutil.rmtree(partial / DRAFTS, ignore_errors=True)
        for left in folder.glob(f".{NAME}.*{PARTIAL}"):
            left.unlink()
    except OSError as error:
        what = f"cannot be written ({error.strerror or error})"
        raise LatentclustError.at(str(partial), what, "Choose another folder with --out") from error


@contextmanager
def locked(folder: Path) -> Iterator[Path]:
    """Makes the folder, keeps a second run out of it, and yields the folder of temporary files.

    It is removed where it is empty in the end; what else becomes of it is the caller's business.

    Raises:
        LatentclustError: Another run is at work there, or the folder cannot be written.
    """
    lock, partial = folder / LOCK, folder / PARTIAL
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = lock.open("w")
    except OSError as error:
        what = f"cannot be written ({error.strerror or error})"
        raise LatentclustError.at(str(folder), what, "Choose another folder with --out") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A run that ends removes its lock; one that was opened before is then the lock of nothing.
            alone = lock.exists() and os.path.samestat(os.fstat(file.fileno()), lock.stat())
        except BlockingIOError:
            alone = False
        except OSError as error:
            what = f"cannot be locked against a second run ({error.strerror or error})"
            raise LatentclustError.at(str(folder), what, "Choose a folder on another file system with --out") from error
        if not alone:
            what = "another run is labelling into this folder"
            raise LatentclustError.at(str(folder), what, "Wait for it, or choose another --out")
        try:
            _prepare(folder, partial)
            yield partial
        finally:
            with suppress(OSError):  # it is not empty
                partial.rmdir()
            lock.unlink(missing_ok=True)
