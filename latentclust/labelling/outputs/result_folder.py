"""A folder of results that are written together: all of them appear under their names, or none does."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from latentclust.errors import Issue, raise_all
from latentclust.labelling.outputs.cog import write_errors


@contextmanager
def result_folder(out: Path, names: Sequence[str], overwrite: bool) -> Iterator[Path]:
    """Yield a temporary folder below `out`. Its files are moved to `out` if the block succeeds.

    Args:
        out: Folder of the results. It is made if it is missing.
        names: Names of all files that may be written. Old files of these names are removed.
        overwrite: Whether old files may be replaced.

    Raises:
        LatentclustError: If a result exists already and `overwrite` is false, or a file cannot be written.
    """
    there = [out / name for name in names if (out / name).exists()]
    if not overwrite:
        raise_all(Issue(str(path), "already exists", "Choose another --out, or pass --overwrite") for path in there)
    existed = out.exists()
    try:
        with write_errors(out):
            out.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".partial-", dir=out) as folder:
                yield Path(folder)
                for path in there:
                    path.unlink(missing_ok=True)
                for name in names:
                    if (made := Path(folder) / name).exists():
                        made.replace(out / name)
    finally:
        if not existed:
            with suppress(OSError):  # The folder has results, or was never made.
                out.rmdir()
