"""Fetch the npm packages of latentclust/web/libraries again: `python .ci/web_libraries.py` (needs npm).

To update a library, change its version in libraries.json, empty its integrity, and run the script.
"""

import base64
import hashlib
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "latentclust/web/libraries"


def fetch(entry: dict[str, object]) -> None:
    """Fetch one package, verify it, and write its files; fill in what libraries.json does not state yet."""
    name = str(entry["name"])
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", f"{name}@{entry['version']}"]
        archive = (
            Path(folder)
            / subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
        )
        digest = hashlib.sha512(archive.read_bytes()).digest()
        integrity = f"sha512-{base64.b64encode(digest).decode()}"
        if entry["integrity"] and entry["integrity"] != integrity:
            raise SystemExit(f"{name}: the archive has integrity {integrity}, not {entry['integrity']}")
        entry["integrity"], paths = integrity, entry["files"]
        assert isinstance(paths, dict)
        (FOLDER / name).mkdir(exist_ok=True)
        with tarfile.open(archive) as contents:
            for path in paths:
                member = contents.extractfile(f"package/{path}")
                assert member is not None
                content = member.read()
                paths[path] = hashlib.sha256(content).hexdigest()
                (FOLDER / name / Path(path).name).write_bytes(content)


if __name__ == "__main__":
    listing = FOLDER / "libraries.json"
    entries = json.loads(listing.read_text())
    for each in entries:
        fetch(each)
    listing.write_text(json.dumps(entries, indent=2) + "\n")
