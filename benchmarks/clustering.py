"""Train recipes with several seeds: `python benchmarks/clustering.py RECIPE… [--seeds 3] [--threads 1] [--set a.b=c]`.

A recipe is a shipped one or a file; the seeds count from 0. The scores are written to
`benchmarks/results/clustering-RECIPE.json` after each seed, with the contingency tables, the worst seed, the number of
empty clusters and the commit that trained each seed. The runs are kept in `runs/benchmarks/`: the same command again
skips finished seeds and resumes a stopped one.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from provenance import provenance, write

from latentclust.report.results import RunResult, summarise
from latentclust.runs.log_file import read_log
from latentclust.runs.run import load_resolved_recipe, resume, run
from latentclust.runs.run_folder import METRICS, RECIPE
from latentclust.train.checkpoint_header import CHECKPOINT
from latentclust.train.devices import describe
from latentclust.train.events import Record

KEPT = "benchmark.json"
"""File in the folder of a seed with its findings."""


class Lines:
    """A listener that prints ten lines per run."""

    def on_start(self, round_: int, rounds: int) -> None:
        """Do nothing."""

    def on_record(self, record: Record) -> None:
        """Print a line after each tenth of the rounds."""
        if record.round % max(1, record.rounds // 10) == 0:
            print(
                record.round,
                {name: round(value, 4) for name, value in record.losses.items()},
                record.oracle,
                flush=True,
            )

    def on_end(self) -> None:
        """Do nothing."""


def one_seed(recipe: str, seed: int, settings: list[str], folder: Path) -> dict[str, Any]:
    """Return the findings of a seed: those of an earlier call of the same settings, else from a new or resumed run."""
    settings = [*settings, f"seed={seed}"]
    kept = folder / KEPT
    text = load_resolved_recipe(recipe, settings).loaded.text
    same = (folder / RECIPE).is_file() and (folder / RECIPE).read_text(encoding="utf-8") == text
    if same and kept.is_file():
        return json.loads(kept.read_text(encoding="utf-8"))
    if same and (folder / CHECKPOINT).is_file():
        finished = resume(folder, listener=Lines())
    else:
        finished = run(recipe, settings, out=folder, overwrite=True, listener=Lines())
    table = finished.facts.table
    lines = read_log(folder / METRICS)
    findings = {
        "result": finished.result.model_dump(mode="json"),
        "contingency": None if table is None else table.tolist(),
        "seconds": round(training_seconds(lines), 1),
        "commit": provenance()["commit"],
        "curve": [{"round": x["round"], "seconds": x["seconds"], **x["oracle"]} for x in lines if "oracle" in x],
    }
    kept.write_text(json.dumps(findings), encoding="utf-8")
    return findings


def training_seconds(lines: list[dict[str, Any]]) -> float:
    """Return the seconds of a training from its log, whose clock starts again with each start and at each resume."""
    total, last = 0.0, (0, 0.0)
    for line in lines:
        start, seconds = line.get("start"), line["seconds"]
        total += seconds - (last[1] if start == last[0] and seconds >= last[1] else 0.0)
        last = start, seconds
    return total


def main() -> None:
    """Run the recipes in order."""
    parser = argparse.ArgumentParser()
    parser.add_argument("recipes", nargs="+")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--label", default="", help="appended to the result's name")
    parser.add_argument("--runs", type=Path, default=Path("runs/benchmarks"), help="folder of the runs")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for recipe in options.recipes:
        name = Path(recipe).stem + options.label
        rows: list[dict[str, Any]] = []
        for seed in range(options.seeds):
            rows.append(one_seed(recipe, seed, options.settings, options.runs / name / f"seed-{seed}"))
            summary = summarise([RunResult.model_validate(row["result"]) for row in rows])
            findings = summary.model_dump() | {
                "settings": options.settings,
                "contingency": [row["contingency"] for row in rows],
                "seconds": [row["seconds"] for row in rows],
                "commits": [row.get("commit") for row in rows],
                "curves": [row["curve"] for row in rows],
                "ran_on": describe(torch.device("cuda" if torch.cuda.is_available() else "cpu")),
            }
            print(write(f"clustering-{name}", findings), f"after seed {seed}:", summary.mean, flush=True)


if __name__ == "__main__":
    main()
