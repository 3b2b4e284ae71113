"""Train recipes with several seeds: `python benchmarks/clustering.py RECIPE… [--seeds 3] [--threads 1] [--set a.b=c]`.

A recipe is a shipped one or a file. The runs are kept in `runs/benchmarks/`, and the scores are written to
`benchmarks/results/clustering-RECIPE.json`, with the contingency table of each seed, the worst seed and the number of
empty clusters.
"""

import argparse
from pathlib import Path

import torch
from provenance import write

from latentclust.runs.log_file import read_log
from latentclust.runs.run import FinishedRun, run_seeds
from latentclust.runs.run_folder import METRICS
from latentclust.train.devices import describe
from latentclust.train.events import Record


class Lines:
    """A listener that prints ten lines per run."""

    def on_start(self, round_: int, rounds: int) -> None:
        """Do nothing."""

    def on_record(self, record: Record) -> None:
        """Print a line after each tenth of the rounds."""
        if record.round % (record.rounds // 10) == 0:
            print(
                record.round,
                {name: round(value, 4) for name, value in record.losses.items()},
                record.oracle,
                flush=True,
            )

    def on_end(self) -> None:
        """Do nothing."""


def curve(folder: Path) -> list[dict[str, float]]:
    """Return the learning curve of a run: metrics by round, if `evaluate.every` is set."""
    lines = read_log(folder / METRICS)
    return [
        {"round": line["round"], "seconds": line["seconds"], **line["oracle"]} for line in lines if "oracle" in line
    ]


def contingency(finished: FinishedRun) -> list[list[int]] | None:
    """Return the counts of a run by cluster (rows) and class (columns). None without ground truth."""
    return None if finished.facts.table is None else finished.facts.table.tolist()


def main() -> None:
    """Run the recipes in order."""
    parser = argparse.ArgumentParser()
    parser.add_argument("recipes", nargs="+")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--label", default="", help="appended to the result's name")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for recipe in options.recipes:
        name = Path(recipe).stem + options.label
        folder = Path("runs/benchmarks") / name
        _, summary, runs = run_seeds(
            recipe, options.seeds, options.settings, out=folder, overwrite=True, listener=lambda _: Lines()
        )
        findings = summary.model_dump() | {
            "settings": options.settings,
            "contingency": [contingency(finished) for finished in runs],
            "seconds": [round(finished.result.seconds, 1) for finished in runs],
            "curves": [curve(finished.folder) for finished in runs],
            "ran_on": describe(torch.device("cpu"))
            if not torch.cuda.is_available()
            else describe(torch.device("cuda")),
        }
        print(write(f"clustering-{name}", findings), summary.mean, flush=True)


if __name__ == "__main__":
    main()
