"""Variants of the recipe digits-cgm: `python benchmarks/cgm_means.py [--seeds 3] [--threads 1] [--only NAME]`.

Each variant changes one setting and uses the same seeds. Prints one line per variant, and writes
benchmarks/results/cgm_means.json after each.
"""

import argparse
from pathlib import Path
from typing import Any

import torch
from provenance import write

from latentclust.runs.seeds import run_seeds

LEAN = ("evaluate.readouts=[]", "evaluate.tsne=false")

VARIANTS: dict[str, tuple[str, ...]] = {
    "as shipped": (),
    "no annealing": ("inference.noise=0.4", "inference.step_size=0.016"),
    "style from the start": ("inference.reach=1.0",),
    "small style at first": ("inference.reach={start=0.1, end=1.0, since=0.5, until=0.7}",),
    "a chain for every cluster": ("inference.chains='cluster'", "inference.steps=5"),
    "k-means labels at first": ("inference.first_label='kmeans'", "inference.hold_label=0.25"),
    "most probable label": ("inference.label='map'",),
    "8 style dimensions": ("prior.style_dim=8",),
    "30 style dimensions": ("prior.style_dim=30",),
}


def main() -> None:
    """Run the variants."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", action="append", choices=VARIANTS, help="a variant; defaults to all")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    found: dict[str, Any] = {}
    for name in options.only or VARIANTS:
        folder = Path("runs/benchmarks/cgm_means") / name.replace(" ", "-")
        settings = (*LEAN, *VARIANTS[name])
        _, summary, runs = run_seeds("digits-cgm", options.seeds, settings, out=folder, overwrite=True)
        agreement = [finished.result.chain_agreement for finished in runs]
        found[name] = {"settings": settings, **summary.model_dump(), "chain_agreement": agreement}
        mean, std = summary.mean, summary.std or {}
        print(f"{name}: ACC {mean['accuracy']:.3f} ± {std['accuracy']:.3f}, NMI {mean['nmi']:.3f}", flush=True)
        write("cgm_means", {"recipe": "digits-cgm", "seeds": options.seeds, "results": found})


if __name__ == "__main__":
    main()
