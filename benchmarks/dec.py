"""Compare DEC and IDEC of plugins/latentclust-dec with those of ClustPy, with the same settings and seeds.

`python benchmarks/dec.py --clustpy-python VENV/bin/python [--data digits] [--seeds 5]`. For each seed, both programs
use the same networks, data, batch size, learning rates, numbers of steps, loss weights and k-means restarts, and one
thread. Writes `benchmarks/results/dec-DATA.json`, and `clustering-DATA-SYSTEM.json` for docs/results.md.
"""

import argparse
import json
import subprocess
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from provenance import write

from latentclust.assemble.experiment import Experiment, assemble
from latentclust.data.roots import data_roots
from latentclust.evaluate.clustering import score_clustering
from latentclust.evaluate.seeds import mean_and_std
from latentclust.report.results import RunResult, summarise
from latentclust.runs.run import load_resolved_recipe, run
from latentclust.train.devices import describe

HERE = Path(__file__).parent
RECIPES = HERE.parent / "plugins" / "latentclust-dec" / "recipes"
SYSTEMS = ("dec", "idec")

Scores = list[dict[str, float]]
"""Metrics and `seconds` of each seed."""


def clustpy_settings(experiment: Experiment, system: str, seed: int) -> dict[str, Any]:
    """Return the settings of ClustPy that match the recipe."""
    resolved = experiment.resolved
    recipe, encoder, start = resolved.recipe, resolved.backbones["encoder"], resolved.stages[1].start
    assert start is not None
    epoch = len(experiment.data.source) // recipe.train.batch_size
    return {
        "system": system,
        "seed": seed,
        "clusters": resolved.prior.clusters,
        "embedding": resolved.prior.style_dim,
        "hidden": list(encoder.model_dump()["hidden"]),
        "batch_size": recipe.train.batch_size,
        "pretraining_lr": recipe.players["autoencoder"].optimizer.lr,
        "clustering_lr": recipe.players["clustering"].optimizer.lr,
        "pretraining_epochs": resolved.stages[0].rounds // epoch,
        "clustering_epochs": resolved.stages[1].rounds // epoch,
        "n_init": start.model_dump()["n_init"],
    }


def clustpy(python: str, experiment: Experiment, settings: dict[str, Any]) -> tuple[NDArray[np.int64], dict[str, Any]]:
    """Return ClustPy's clusters of the experiment's samples, floats in [0, 1], and its versions."""
    source = experiment.data.source
    raw = source.read(np.arange(len(source))).reshape(len(source), -1)
    samples = (raw / 255).astype(np.float32) if raw.dtype == np.uint8 else raw
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "samples.npz", samples=samples)
        (folder / "settings.json").write_text(json.dumps(settings))
        subprocess.run([python, HERE / "clustpy_dec.py", folder], check=True, capture_output=True)
        said = json.loads((folder / "said.json").read_text())
        return np.load(folder / "labels.npz")["labels"].astype(np.int64), said


def summary(scores: Scores) -> dict[str, Any]:
    """Return the mean, the standard deviation and the values of each metric."""
    return asdict(mean_and_std(scores)) | {"seeds": {name: [one[name] for one in scores] for name in scores[0]}}


def main() -> None:
    """Run both systems with both programs, seed by seed, and write the files after each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clustpy-python", required=True, help="an interpreter that has ClustPy")
    parser.add_argument("--data", default="digits", choices=["digits", "usps", "pendigits"])
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, list[RunResult]] = {system: [] for system in SYSTEMS}
    theirs: dict[str, Scores] = {system: [] for system in SYSTEMS}
    findings: dict[str, Any] = {"clustpy_settings": {}}
    for seed in range(options.seeds):
        for system in SYSTEMS:
            recipe, settings = RECIPES / f"{options.data}-{system}.toml", (f"seed={seed}", "evaluate.tsne=false")
            folder = Path("runs/benchmarks") / f"{options.data}-{system}" / f"seed-{seed}"
            results[system].append(run(recipe, settings, out=folder, overwrite=True, device="cpu").result)
            experiment = assemble(load_resolved_recipe(recipe, settings), data_roots())
            told = clustpy_settings(experiment, system, seed)
            clusters, said = clustpy(options.clustpy_python, experiment, told)
            metrics = experiment.resolved.metrics
            scores = score_clustering(clusters, experiment.data.labels, told["clusters"], metrics).metrics
            theirs[system].append({**(scores or {}), "seconds": said["seconds"]})
            findings["clustpy_settings"][system] = told | {"seed": "each"}
            findings["clustpy_versions"] = said["versions"]
            print(seed, system, results[system][-1].metrics, theirs[system][-1], flush=True)
        for system, found in results.items():
            told = {"seconds": [round(one.seconds, 1) for one in found], "ran_on": describe(torch.device("cpu"))}
            write(f"clustering-{options.data}-{system}", summarise(found).model_dump() | told)
            ours = [{**one.metrics, "seconds": one.seconds} for one in found]
            findings[system] = {"latentclust": summary(ours), "clustpy": summary(theirs[system])}  # type: ignore[arg-type]
        print(write(f"dec-{options.data}", findings), flush=True)


if __name__ == "__main__":
    main()
