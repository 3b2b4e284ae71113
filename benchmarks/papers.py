"""Reproduce the tables and figures of the papers: `python benchmarks/papers.py TABLE… [--budget cpu] [--only digits]`.

`--list` names the tables. Rows are trained one after the other with each seed; the results are written to
`benchmarks/results/papers-TABLE.json` as they come, and the pictures and runs to `runs/papers/`. What is finished is
kept: the same command goes on where it was stopped. A row whose data set is not at hand is named as left out.

The budget `paper` trains the recipe with the settings of the paper, `RECIPE-paper` where one is shipped; `cpu` trains
the shipped recipe.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from paper_tables import cgm, clustergan, dccs, dls, pictures
from paper_tables.declare import Row, Table
from paper_tables.measuring import Features, measured
from paper_tables.rendering import markdown
from paper_tables.results import Results
from paper_tables.smoke import small
from paper_tables.training import Trained, lacking, train
from provenance import RESULTS

from latentclust.errors import InterruptedRunError, LatentclustError, RunFailedError
from latentclust.runs.run import load_resolved_recipe

DEFAULT = Features()
TABLES: dict[str, Table] = {**clustergan.TABLES, **dls.TABLES, **dccs.TABLES, **cgm.TABLES}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code: 0 done, 130 stopped."""
    parser = _parser()
    options = parser.parse_args(arguments)
    unknown = [name for name in options.tables if name not in TABLES]
    if unknown:
        parser.error(f"unknown table {unknown[0]!r}: use one of {', '.join(TABLES)}")
    if options.list or not options.tables:
        print("\n".join(f"{name:24}{table.title}" for name, table in TABLES.items()))
        return 0
    torch.set_num_threads(options.threads)
    for name in options.tables:
        try:
            _make(name, TABLES[name], options)
        except (InterruptedRunError, KeyboardInterrupt):
            print("stopped; the same command goes on from here", file=sys.stderr)
            return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", metavar="TABLE")
    parser.add_argument("--list", action="store_true", help="name the tables")
    parser.add_argument("--budget", choices=("paper", "cpu", "smoke"), default="cpu")
    parser.add_argument("--seeds", type=int, help="number of seeds, from 0; by default that of the table")
    parser.add_argument("--only", default="", metavar="TEXT", help="only rows whose name contains TEXT")
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="KEY=VALUE")
    parser.add_argument("--out", type=Path, default=Path("runs/papers"), help="folder of the runs and pictures")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the result files")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--features", default=DEFAULT.model, help="timm network of Fréchet distances")
    parser.add_argument("--weights", default=DEFAULT.weights, help="its weights: installed, hub or a .safetensors file")
    parser.add_argument("--size", type=int, default=DEFAULT.size, help="side in pixels of the images that it reads")
    parser.add_argument("--samples", type=int, default=DEFAULT.samples, help="number of samples to generate")
    return parser


def _make(name: str, table: Table, options: argparse.Namespace) -> None:
    """Train and measure the rows of a table and print it."""
    results = Results(name, table, options.results)
    rows = [row for row in table.rows if options.only in row.name]
    print(f"{name}: {len(rows)} of {len(table.rows)} rows, {options.seeds or table.seeds} seeds", flush=True)
    for row in rows:
        why = _fill(row, table, results, options)
        if why:
            results.leave_out(row, options.budget, why)
            print(f"{row.name}: left out: {why}", flush=True)
    print("\n".join(markdown(results.document(), options.budget)), flush=True)
    print(f"\nwrote {results.save()}", flush=True)


def _fill(row: Row, table: Table, results: Results, options: argparse.Namespace) -> str:
    """Train and measure the seeds that a row lacks. Return why the row is left out, or nothing."""
    if row.paper_only and options.budget == "cpu":
        return row.paper_only
    try:
        source, settings = _recipe(row, options)
        resolved = load_resolved_recipe(source, settings)
        missing = lacking(resolved)
        if missing:
            return missing
        results.start(row, options.budget, resolved.loaded.variant, settings)
        for seed in range(options.seeds or table.seeds):
            if not results.has(row, options.budget, seed):
                print(f"{row.name}, seed {seed}", flush=True)
                _seed(row, table, results, options, seed)
    except InterruptedRunError:
        raise
    except LatentclustError as error:
        return " ".join(str(error).split())
    return ""


def _recipe(row: Row, options: argparse.Namespace) -> tuple[str | dict[str, Any], tuple[str, ...]]:
    """Return the recipe of a row and the settings over it."""
    source, settings = row.source(options.budget), (*row.settings, *options.settings)
    return (small(source, settings, options.out), ()) if options.budget == "smoke" else (source, settings)


def _seed(row: Row, table: Table, results: Results, options: argparse.Namespace, seed: int) -> None:
    """Train and measure one seed. A run that fails is kept as such."""
    source, settings = _recipe(row, options)
    try:
        trained = train(source, settings, seed, options.out)
    except RunFailedError as error:
        results.fail(row, options.budget, seed, " ".join(str(error).split()))
        print(f"{row.name}, seed {seed}: failed: {error}", flush=True)
        return
    features = Features(options.features, options.weights, options.size, options.samples)
    found = measured(table, row, trained, features)
    results.add(row, options.budget, seed, found)
    print(f"  {found['metrics']}", flush=True)
    if seed == 0:
        _draw(row, table, trained, options)


def _draw(row: Row, table: Table, trained: Trained, options: argparse.Namespace) -> None:
    """Draw the pictures of a row of the system itself."""
    if row.baseline or row.readout:
        return
    name = re.sub(r"[^a-z0-9]+", "-", row.name.lower()).strip("-")
    for kind in table.pictures:
        for path in pictures.draw(kind, trained, options.out / "pictures", f"{options.budget}-{name}"):
            print(f"  drew {path}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
