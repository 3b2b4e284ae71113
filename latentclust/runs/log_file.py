"""What watches a training from outside: the log file."""

import json
from pathlib import Path
from typing import Any

from latentclust.errors import LatentclustError
from latentclust.files import write_atomic
from latentclust.train.events import Listener, Record


class LogFile:
    """Appends each record to `metrics.jsonl` and passes every event on."""

    def __init__(self, path: Path, next_listener: Listener) -> None:
        """Writes to `path`; `next_listener` receives the same events."""
        self.path, self.next_listener = path, next_listener

    def on_start(self, round_: int, rounds: int) -> None:
        """Drops what an earlier, killed process logged beyond the checkpoint."""
        kept = [line for line in read_log(self.path) if line["round"] <= round_] if round_ else []
        write_atomic(self.path, "".join(json.dumps(line) + "\n" for line in kept))
        self.next_listener.on_start(round_, rounds)

    def on_record(self, record: Record) -> None:
        """One line."""
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record.line()) + "\n")
        except OSError as error:
            what = f"cannot be written ({error.strerror or error})"
            raise LatentclustError.at(
                str(self.path), what, "Free some space, then: latentclust run --resume"
            ) from error
        self.next_listener.on_record(record)

    def on_end(self) -> None:
        """Passed on."""
        self.next_listener.on_end()


def read_log(path: Path) -> list[dict[str, Any]]:
    """The records of `metrics.jsonl`; a last line that was cut short is left out."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    records = []
    for line in lines:
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return records
