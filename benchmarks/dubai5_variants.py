"""Variants of the recipe dubai5 at half size: `python benchmarks/dubai5_variants.py [--seeds 3] [--threads 1]`.

Precision, streamed data, the coupling of neighbours, a style, and sharper noise; prints one line per variant with
images per second, and writes benchmarks/results/dubai5_variants.json.
"""

import argparse
import statistics
from pathlib import Path
from typing import Any

import torch
from provenance import write

from latentclust.runs.log_file import read_log
from latentclust.runs.run import FinishedRun
from latentclust.runs.run_folder import METRICS
from latentclust.runs.seeds import run_seeds

SMALL = ("data.size=100", "prior.style_stride=100", "evaluate.baselines=['pixel-kmeans', 'local-statistics-kmeans']")
STYLE = ("prior.style_dim=4", "inference.steps=3", "inference.step_size=0.001")

VARIANTS: dict[str, tuple[str, ...]] = {
    "as shipped": (),
    "bf16": ("train.precision='bf16'",),
    "streamed": ("data.resident=false", "data.workers=0"),
    "no coupling": ("prior.coupling=0.0",),
    "a style of 4": (*STYLE, "inference.reach={start=0.0, end=1.0, since=0.4, until=0.6}"),
    "twice the noise": ("inference.noise=0.12",),
    "random labels at first": ("inference.first_label='random'", "inference.hold_label=0.0"),
}


def main() -> None:
    """Run the variants."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    found: dict[str, Any] = {}
    for name, settings in VARIANTS.items():
        folder = Path("runs/benchmarks/dubai5_variants") / name.replace(" ", "-")
        _, summary, runs = run_seeds("dubai5", options.seeds, (*SMALL, *settings), out=folder, overwrite=True)
        rate = statistics.median(images_per_second(finished) for finished in runs)
        found[name] = {"settings": [*SMALL, *settings], **summary.model_dump(), "images_per_second": rate}
        mean, std = summary.mean, summary.std or {}
        print(f"{name}: mIoU {mean['miou']:.3f} ± {std.get('miou', 0):.3f}, {rate:.0f} images/s", flush=True)
        write("dubai5_variants", {"recipe": "dubai5", "seeds": options.seeds, "results": found})


def images_per_second(finished: FinishedRun) -> float:
    """Return the median over the records of a run."""
    return statistics.median(line["images_per_second"] for line in read_log(finished.folder / METRICS))


if __name__ == "__main__":
    main()
