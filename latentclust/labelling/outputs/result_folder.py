"""A folder of results that are written together: all of them appear under their names, or none does."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from latentclust.data.scenes.addresses import resolve_links
from latentclust.data.scenes.folders import RUN_LOG
from latentclust.errors import Issue, LatentclustError, raise_all
from latentclust.labelling.outputs.cog import write_errors


@contextmanager
def result_folder(out: Path, names: Sequence[str], overwrite: bool, inputs: Sequence[Path] = ()) -> Iterator[Path]:
    """Yield a temporary folder below `out`. Its files are moved to `out` if the block succeeds.

    Args:
        out: Folder of the results. It is made if it is missing.
        names: Names of all files that may be written. Old files of these names are removed.
        overwrite: Whether old files may be replaced.
        inputs: Files that the results are made from.

    Raises:
        LatentclustError: If a result has the path of an input, the folder is one of label rasters, a result exists
            already and `overwrite` is false, or a file cannot be written.
    """
    _check_apart(out, names, inputs)
    there = [out / name for name in names if (out / name).exists()]
    if not overwrite:
        raise_all(Issue(str(path), "already exists", "Choose another --out, or pass --overwrite") for path in there)
    existed = out.exists()
    try:
        with write_errors(out):
            out.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".partial-", dir=out) as folder:
                yield Path(folder)
                for name in names:
                    if (made := Path(folder) / name).exists():
                        made.replace(out / name)
                    else:
                        (out / name).unlink(missing_ok=True)
    finally:
        if not existed:
            with suppress(OSError):  # The folder has results, or was never made.
                out.rmdir()


def _check_apart(out: Path, names: Sequence[str], inputs: Sequence[Path]) -> None:
    """Raise LatentclustError if results could replace their inputs or label rasters."""
    if (out / RUN_LOG).exists():
        what = f"is a folder of label rasters: it contains {RUN_LOG}"
        raise LatentclustError.at(str(out), what, "Choose another --out")
    read = {resolve_links(path) for path in inputs}
    same = [out / name for name in names if resolve_links(out / name) in read]
    raise_all(Issue(str(path), "is an input, which the result would replace", "Choose another --out") for path in same)
