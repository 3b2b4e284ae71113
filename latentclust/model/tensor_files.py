"""The header of a safetensors file, changed while its tensors stay as they are, to the bit."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from latentclust.errors import LatentclustError
from latentclust.files import open_atomic

LENGTH_BYTES = 8
"""The file begins with the length of its header, little-endian."""

ALIGNMENT = 8
"""Headers are filled up with blanks to a multiple of so many bytes."""

METADATA = "__metadata__"

FIX = "Check who may write there, or change a copy of the file"


def replace_metadata(path: Path, changes: Mapping[str, str]) -> None:
    """Changes entries of the metadata in one step; what a symbolic link names is changed, and the link stays.

    Raises:
        LatentclustError: No safetensors file, or the folder cannot be written; the file is then untouched.
    """
    path = path.resolve()
    try:
        with path.open("rb") as source:
            length = int.from_bytes(source.read(LENGTH_BYTES), "little")
            header = json.loads(source.read(min(length, path.stat().st_size)))
            metadata = {**header.get(METADATA, {}), **changes}
            text = json.dumps({**header, METADATA: metadata}, ensure_ascii=False).encode()
            text += b" " * (-len(text) % ALIGNMENT)
            with open_atomic(path, FIX) as target:
                shutil.copymode(path, target.name)
                target.write(len(text).to_bytes(LENGTH_BYTES, "little") + text)
                shutil.copyfileobj(source, target)
    except (OSError, AttributeError, TypeError, ValueError) as error:
        raise LatentclustError.at(str(path), f"is no safetensors file ({error})", "Check the path") from error
