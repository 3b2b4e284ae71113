"""The losses in the log of a run, metrics.jsonl."""

import json
from pathlib import Path

LOG = "metrics.jsonl"

Curve = list[tuple[int, float]]
"""Rounds and the values after them."""


def read_losses(folder: Path, start: int = 0) -> dict[str, Curve]:
    """Return each logged loss of a run by name. Empty if the log is missing or damaged, or nothing was trained.

    Args:
        folder: Run folder.
        start: Start that was trained to the end, of several.
    """
    found: dict[str, Curve] = {}
    try:
        lines = [json.loads(line) for line in (folder / LOG).read_text(encoding="utf-8").splitlines()]
        for line in lines:
            if line.get("start", 0) in (0, start):
                for name, value in line.get("losses", {}).items():
                    found.setdefault(name, []).append((int(line["round"]), float(value)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return found
