"""Changes to the header of a safetensors file; the tensors stay bit for bit the same."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from latentclust.errors import LatentclustError
from latentclust.files import open_atomic

LENGTH_BYTES = 8
"""Size of the header's length at the beginning of the file, in bytes; little-endian."""

ALIGNMENT = 8
"""Headers are padded with spaces to a multiple of this number of bytes."""

METADATA = "__metadata__"

FIX = "Check who may write there, or change a copy of the file"


def replace_metadata(path: Path, changes: Mapping[str, str]) -> None:
    """Change entries of the metadata atomically. The target of a symbolic link is changed, and the link stays.

    Raises:
        LatentclustError: If it is not a safetensors file, or the folder cannot be written. The file does not change.
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
        raise LatentclustError.at(str(path), f"is not a safetensors file ({error})", "Check the path") from error
