"""The result file of a table: rows that are finished are kept, and it is written whenever one is added."""

import json
from pathlib import Path
from typing import Any

from provenance import RESULTS, provenance, write

from paper_tables.declare import Budget, Row, Table

PREFIX = "papers-"


class Results:
    """The results of one table in `benchmarks/results/papers-NAME.json`."""

    def __init__(self, name: str, table: Table, folder: Path = RESULTS) -> None:
        """Read the file if there is one."""
        self._name, self._table, self._folder = name, table, folder
        path = folder / f"{PREFIX}{name}.json"
        stored = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.is_file() else []
        self._rows: dict[tuple[str, str], dict[str, Any]] = {(one["budget"], one["row"]): one for one in stored}

    def start(self, row: Row, budget: Budget, variant: str, settings: tuple[str, ...]) -> None:
        """Begin a row, or keep it if its recipe is the one that was trained before."""
        key = (budget, row.name)
        if self._rows.get(key, {}).get("variant") == variant:
            self._rows[key].pop("left_out", None)
            return
        self._rows[key] = {
            "row": row.name,
            "budget": budget,
            "recipe": row.recipe,
            "system": row.system,
            "settings": list(settings),
            "variant": variant,
            "paper": dict(row.paper),
            "seeds": {},
            "failed": {},
        }

    def has(self, row: Row, budget: Budget, seed: int) -> bool:
        """Return whether the row has a seed."""
        return str(seed) in self._rows[budget, row.name]["seeds"]

    def add(self, row: Row, budget: Budget, seed: int, found: dict[str, Any]) -> None:
        """Add the figures of a seed and write the file."""
        stored = self._rows[budget, row.name]
        stored["failed"].pop(str(seed), None)
        made = {key: value for key, value in provenance().items() if key in ("commit", "date")}
        stored["seeds"][str(seed)] = found | made
        self.save()

    def fail(self, row: Row, budget: Budget, seed: int, why: str) -> None:
        """Add a seed that failed and write the file."""
        self._rows[budget, row.name]["failed"][str(seed)] = why
        self.save()

    def leave_out(self, row: Row, budget: Budget, why: str) -> None:
        """Say why a row is left out and write the file. Earlier figures of the row are kept."""
        empty = {"row": row.name, "budget": budget, "recipe": row.recipe, "system": row.system, "settings": []}
        empty |= {"variant": "", "paper": dict(row.paper), "seeds": {}, "failed": {}}
        self._rows.setdefault((budget, row.name), empty)["left_out"] = why
        self.save()

    def save(self) -> Path:
        """Write the file, with the rows in the order of the table."""
        return write(f"{PREFIX}{self._name}", self.document(), folder=self._folder)

    def document(self) -> dict[str, Any]:
        """Return the contents of the file without its provenance."""
        order = {row.name: position for position, row in enumerate(self._table.rows)}
        rows = sorted(self._rows.values(), key=lambda one: (one["budget"], order.get(one["row"], len(order))))
        return {
            "table": self._name,
            "title": self._table.title,
            "paper_protocol": self._table.protocol,
            "columns": dict(self._table.columns),
            "rows": rows,
        }
