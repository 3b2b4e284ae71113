"""The training log metrics.jsonl: one JSON line per record."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from latentclust.errors import LatentclustError
from latentclust.evaluate.empty_clusters import find_empty
from latentclust.files import write_atomic
from latentclust.train.events import Leg, Listener, Record, RoundListener, StartsListener, StopListener


class LogFile:
    """A listener that appends each record to `metrics.jsonl` and forwards every event to the next listener.

    Attributes:
        path: File of the log.
        next_listener: Listener that receives the same events.
        lines: All lines of the log as JSON objects, including those before a resume.
    """

    def __init__(self, path: Path, next_listener: Listener) -> None:
        self.path, self.next_listener = path, next_listener
        self.lines: list[dict[str, Any]] = []
        self._leg: Leg | None = None
        self._rounds = next_listener if isinstance(next_listener, RoundListener) else None

    def on_leg(self, leg: Leg) -> None:
        """Remember the progress of all starts, by which `on_start` keeps lines."""
        self._leg = leg
        if isinstance(self.next_listener, StartsListener):
            self.next_listener.on_leg(leg)

    def on_decision(self, text: str) -> None:
        """Forward the event."""
        if isinstance(self.next_listener, StartsListener):
            self.next_listener.on_decision(text)

    def on_start(self, round_: int, rounds: int) -> None:
        """Start the log. After a resume, keep the earlier lines up to the checkpoint and drop those beyond it."""
        progress = self._leg.progress if self._leg else {0: round_}
        self.lines = [line for line in read_log(self.path) if line["round"] <= progress[line.get("start", 0)]]
        write_atomic(self.path, "".join(json.dumps(line) + "\n" for line in self.lines))
        self.next_listener.on_start(round_, rounds)

    def on_record(self, record: Record) -> None:
        """Append one line. Raise LatentclustError if the file cannot be written."""
        line = log_line(record)
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            what = f"cannot be written ({error.strerror or error})"
            fix = "Free some space, then run: latentclust run --resume"
            raise LatentclustError.at(str(self.path), what, fix) from error
        self.lines.append(line)
        self.next_listener.on_record(record)

    def on_round(self, round_: int) -> None:
        """Forward the event."""
        if self._rounds is not None:
            self._rounds.on_round(round_)

    def on_stop(self) -> None:
        """Forward the event."""
        if isinstance(self.next_listener, StopListener):
            self.next_listener.on_stop()

    def of_start(self, start: int | None) -> list[dict[str, Any]]:
        """Return the lines of one start of several, and those that all of them share."""
        return [line for line in self.lines if line.get("start", 0) in (0, start)]

    def on_end(self) -> None:
        """Forward the event."""
        self.next_listener.on_end()


def log_line(record: Record) -> dict[str, Any]:
    """Return a record as a line of the log, with the empty and near-empty clusters, counted from 1."""
    line = record.line()
    if record.cluster_sizes:
        found = find_empty(np.array(record.cluster_sizes))
        line["clusters"]["empty"] = [cluster + 1 for cluster in found.empty]
        line["clusters"]["near_empty"] = [cluster + 1 for cluster in found.near_empty]
    return line


def read_log(path: Path) -> list[dict[str, Any]]:
    """Return the lines of `metrics.jsonl`, empty if it does not exist. A last line that was cut short is left out.

    Raises:
        LatentclustError: If another line is no record, so that the file was damaged.
    """
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
            if not (isinstance(record, dict) and isinstance(record["round"], int) and record["round"] >= 0):
                raise TypeError("it is no record")
        except (KeyError, RecursionError, TypeError, ValueError) as error:
            if number == len(lines):
                break
            what = "is damaged: this line is no record of the training"
            fix = "Restore the file, or remove this line and those after it"
            raise LatentclustError.at(f"{path}, line {number}", what, fix) from error
        records.append(record)
    return records
