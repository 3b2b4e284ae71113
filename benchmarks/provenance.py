"""Write results with their provenance to benchmarks/results/."""

import json
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

RESULTS = Path(__file__).parent / "results"

NUMBERS = re.compile(r"\[\s+(-?\d+(?:,\s+-?\d+)*)\s+\]")
"""A list of integers on several lines, such as a row of a contingency table."""


def write(name: str, findings: dict[str, Any], command: str | None = None, folder: Path = RESULTS) -> Path:
    """Write results with the command, the commit, the versions and the machine."""
    document = provenance(command) | findings
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(as_text(document) + "\n", encoding="utf-8")
    return path


def provenance(command: str | None = None) -> dict[str, Any]:
    """Return the command, the commit, the versions and the machine."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {torch.get_num_threads()} thread(s)"
    # The results file of this very run does not make the tree another one.
    changed = _git("status", "--porcelain", "--", *(f":/{folder}" for folder in ("latentclust", "recipes", "plugins")))
    return {
        "command": command
        or " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *map(_portable, sys.argv[1:])]),
        "commit": _git("rev-parse", "HEAD") + (" with changes" if changed else ""),
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {"python": platform.python_version()}
        | {package: version(package) for package in ("latentclust", "torch", "numpy", "scikit-learn")},
        "device": device,
    }


def as_text(document: dict[str, Any]) -> str:
    """Return a document as JSON with indents, and each list of integers on one line."""
    return NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", json.dumps(document, indent=2))


def _portable(argument: str) -> str:
    """Return an argument, of an absolute path the name alone: folders of one machine mean nothing on another."""
    return Path(argument).name if Path(argument).is_absolute() else argument


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False, cwd=RESULTS.parent)
    return done.stdout.strip()
