"""The folder of an unfinished table: rows on disk, and how far the work is, so that it continues after a stop."""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any, final

from latentclust.errors import LatentclustError
from latentclust.files import lock_file, write_atomic
from latentclust.infer.image_inputs import Inputs
from latentclust.model.stored_names import model_identity
from latentclust.networks.stored_model import LENGTH_BYTES

PROGRESS = "progress.json"

ENDING = ".unfinished"
"""End of the name of the folder, which lies beside the table."""


@final
class WorkFolder:
    """The rows and the progress of an unfinished table.

    Args:
        path: The folder.
        fingerprint: Digest of the model, the images and the options, which an unfinished table must share.
    """

    def __init__(self, path: Path, fingerprint: str) -> None:
        self.path, self._fingerprint = path, fingerprint
        self.progress: dict[str, Any] = {}

    def commit(self, **progress: Any) -> None:
        """Record how far the work is."""
        self.progress |= progress
        text = json.dumps({"fingerprint": self._fingerprint} | self.progress)
        write_atomic(self.path / PROGRESS, text)

    def read(self) -> None:
        """Read how far the work was.

        Raises:
            LatentclustError: If it was of another model, other images or other options, or cannot be read.
        """
        fix = f"Remove {self.path}, or repeat the command that it belongs to"
        try:
            found = json.loads((self.path / PROGRESS).read_text(encoding="utf-8"))
            fingerprint = found.pop("fingerprint")
        except FileNotFoundError:
            return
        except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
            raise LatentclustError.at(str(self.path), f"is damaged ({error})", f"Remove {self.path}") from error
        if fingerprint != self._fingerprint:
            raise LatentclustError.at(str(self.path), "is of another model, other images or other options", fix)
        self.progress = found


def unfinished_path(out: Path, resume: bool) -> Path:
    """Return the folder of the unfinished table `out`.

    Raises:
        LatentclustError: If it exists and is not continued, or it does not and the table is complete.
    """
    path = out.with_name(out.name + ENDING)
    if path.exists() and not resume:
        what = "holds an unfinished table"
        raise LatentclustError.at(str(path), what, "Pass --resume to continue it, or remove it to begin again")
    if resume and not path.exists() and out.exists():
        what = f"there is nothing to continue: {out} is complete"
        raise LatentclustError.at("--resume", what, "Remove --resume to write the table again")
    return path


@contextmanager
def work_folder(out: Path, fingerprint: str, resume: bool) -> Iterator[WorkFolder]:
    """Yield the folder of the unfinished table `out`. It is removed at the end, and after an error without progress.

    Args:
        out: The table.
        fingerprint: Digest of what the table depends on.
        resume: Whether an unfinished table is continued. Without any table, the work begins.

    Raises:
        LatentclustError: If there is an unfinished table and `resume` is False, or it is of something else, or another
            process writes it.
    """
    path = unfinished_path(out, resume)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"cannot be created ({error.strerror or error})"
        raise LatentclustError.at(str(path), what, "Choose another folder with --out") from error
    folder = WorkFolder(path, fingerprint)
    keep = True
    try:
        with lock_file(path / "lock", "another process writes this table", "Wait for it, or choose another --out"):
            folder.read()
            keep = False
            yield folder
    except BaseException:
        keep = keep or bool(folder.progress)
        raise
    finally:
        if not keep:
            shutil.rmtree(path, ignore_errors=True)


def content_digest(file: Path, header: Mapping[str, Any]) -> str:
    """Return the digest of a model without its names: of the other entries of its header and of its tensors.

    Args:
        file: The model file.
        header: Its header.
    """
    with file.open("rb") as opened:
        opened.seek(LENGTH_BYTES + int.from_bytes(opened.read(LENGTH_BYTES), "little"))
        tensors = hashlib.file_digest(opened, "sha256").hexdigest()
    return f"{model_identity(header)} {tensors}"


def fingerprint_of(model_digest: str, inputs: Inputs, options: Mapping[str, Any]) -> str:
    """Return the digest of a model, of the paths, sizes and times of the files of images, and of options."""
    digest = hashlib.sha256(f"{model_digest}\n{json.dumps(options, sort_keys=True)}\n".encode())
    for path, rows in groupby(inputs.paths):
        status = Path(path).stat()
        facts = f"{path}\0{sum(1 for _ in rows)}\0{status.st_size}\0{status.st_mtime_ns}\n"
        digest.update(facts.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
