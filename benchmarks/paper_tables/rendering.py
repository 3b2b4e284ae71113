"""A result file of a table as Markdown: our figures beside the paper's."""

from collections.abc import Iterator, Mapping
from statistics import fmean, stdev
from typing import Any


def markdown(document: Mapping[str, Any], budget: str | None = None, source: str = "") -> Iterator[str]:
    """Yield the lines of a table.

    Args:
        document: Contents of a result file.
        budget: Budget of the rows. None for all.
        source: Link to the file, added to the caption.
    """
    rows = [one for one in document["rows"] if budget in (None, one["budget"])]
    columns: Mapping[str, str] = document["columns"]
    first = next(iter(columns.values()))
    heads = ["row", "seeds", *columns.values(), f"{first}, worst", "best", "empty clusters", "paper"]
    yield f"**{document['title']}**{f' ([file]({source}))' if source else ''}. The paper's protocol: " + str(
        document["paper_protocol"]
    )
    yield ""
    yield _line(heads)
    yield _line(["---", *["---:"] * (len(heads) - 2), "---"])
    for row in rows:
        if row["seeds"]:
            full = " (budget of the paper)" if budget is None and row["budget"] == "paper" else ""
            yield _line([row["row"] + full, *_figures(row, columns), _paper(row, columns)])
    yield from _remarks(rows)


def _figures(row: Mapping[str, Any], columns: Mapping[str, str]) -> list[str]:
    seeds = list(row["seeds"].values())
    failed = f" ({len(row['failed'])} failed)" if row["failed"] else ""
    first = [seed["metrics"][key] for key in list(columns)[:1] for seed in seeds if key in seed["metrics"]]
    empty = [sum(1 for size in seed["occupancy"] if size == 0) for seed in seeds if "occupancy" in seed]
    return [
        f"{len(seeds)}{failed}",
        *(_mean([seed["metrics"][key] for seed in seeds if key in seed["metrics"]]) for key in columns),
        _number(min(first)) if first else "–",
        _number(max(first)) if first else "–",
        f"{max(empty)}" if empty else "–",
    ]


def _mean(values: list[float]) -> str:
    if not values:
        return "–"
    return _number(fmean(values)) + (f" ± {_number(stdev(values))}" if len(values) > 1 else "")


def _paper(row: Mapping[str, Any], columns: Mapping[str, str]) -> str:
    known = [f"{columns[key]} {value:g}" for key, value in row["paper"].items() if key in columns]
    return ", ".join(known) or "–"


def _remarks(rows: list[Any]) -> Iterator[str]:
    """Yield the protocols of the rows, the networks of distances, and the rows that are left out, as a list."""
    protocols: dict[str, None] = {}
    for row in rows:
        for seed in row["seeds"].values():
            features = f"; features of {seed['features']}, {seed['generated']:,} samples" if "features" in seed else ""
            protocols[f"{seed['protocol']}{features}"] = None
    notes = [f"- Protocol: {one}." for one in protocols]
    notes += [f"- Left out: {row['row']}: {row['left_out'].rstrip('.')}." for row in rows if row.get("left_out")]
    if notes:
        yield ""
    yield from notes


def _number(value: float) -> str:
    """Return a number with three decimals, or with three digits if it is smaller."""
    return f"{value:.3f}" if value == 0 or abs(value) >= 0.01 else f"{value:.2g}"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
