"""DEC and IDEC of plugins/latentclust-dec over seeds, beside k-means and ClustPy's DEC and IDEC.

`python benchmarks/dec.py digits --seeds 5 --clustpy-python VENV/bin/python` runs both systems of latentclust and of
ClustPy, each seed with the same networks, data, batches, learning rates and numbers of steps, and writes
`benchmarks/results/dec-digits.json`. Without `--clustpy-python`, as for `usps` and `pendigits`, ClustPy is left out.
"""

import argparse
import json
import subprocess
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from provenance import write

from latentclust.assemble.experiment import Experiment, assemble
from latentclust.bundled.metrics import Accuracy, AdjustedRandIndex, NormalizedMutualInformation
from latentclust.data.roots import data_roots
from latentclust.evaluate.clustering import assess
from latentclust.runs.run import prepare_recipe, run

HERE = Path(__file__).parent
RECIPES = HERE.parent / "plugins" / "latentclust-dec" / "recipes"
SYSTEMS = ("dec", "idec")
METRICS = {"accuracy": Accuracy(), "nmi": NormalizedMutualInformation(), "ari": AdjustedRandIndex()}


@dataclass
class Rival:
    """What one program makes of one system over the seeds."""

    metrics: dict[str, list[float]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    def add(self, scores: dict[str, float], seconds: float) -> None:
        """One seed's."""
        for name in METRICS:
            self.metrics.setdefault(name, []).append(round(scores[name], 4))
        self.seconds.append(round(seconds, 1))

    def summary(self) -> dict[str, Any]:
        """The same with mean and standard deviation."""
        spread = {name: stdev(values) if len(values) > 1 else 0.0 for name, values in self.metrics.items()}
        means = {name: round(mean(values), 4) for name, values in self.metrics.items()}
        return {"mean": means, "sd": {name: round(value, 4) for name, value in spread.items()}} | asdict(self)


def clustpy_settings(experiment: Experiment, system: str, seed: int) -> dict[str, Any]:
    """What ClustPy must be told to do the same."""
    resolved = experiment.resolved
    recipe, encoder = resolved.recipe, resolved.backbones["encoder"]
    epoch = len(experiment.data.source) // recipe.train.batch_size
    start = resolved.stages[1].start
    assert start is not None
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
    """ClustPy's clusters of the experiment's samples, as floats in [0, 1], and what it says of itself."""
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


def main() -> None:
    """Runs what was asked for, one seed after the other, so that a file of some seeds is there early."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", choices=["digits", "usps", "pendigits"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--clustpy-python", default="", help="an interpreter that has ClustPy")
    options = parser.parse_args()
    torch.set_num_threads(1)
    ours = {system: Rival() for system in SYSTEMS}
    theirs = {system: Rival() for system in SYSTEMS}
    findings: dict[str, Any] = {"protocol": "all samples; Hungarian one-to-one accuracy; NMI by the arithmetic mean"}
    for seed in range(options.seeds):
        for system in SYSTEMS:
            recipe, settings = RECIPES / f"{options.data}-{system}.toml", (f"seed={seed}", "evaluate.tsne=false")
            folder = Path("runs/benchmarks") / f"{options.data}-{system}" / f"seed-{seed}"
            finished = run(recipe, settings, out=folder, overwrite=True, device="cpu")
            ours[system].add(dict(finished.result.metrics or {}), finished.result.seconds)
            findings["kmeans"] = dict((finished.result.baselines or {})["kmeans"])
            if options.clustpy_python:
                experiment = assemble(prepare_recipe(recipe, settings), data_roots())
                told = clustpy_settings(experiment, system, seed)
                clusters, said = clustpy(options.clustpy_python, experiment, told)
                found = assess(clusters, experiment.data.labels, told["clusters"], METRICS)
                theirs[system].add(dict(found.metrics or {}), said["seconds"])
                findings |= {"clustpy_versions": said["versions"], "clustpy_settings": told}
            print(seed, system, ours[system].metrics, theirs[system].metrics, flush=True)
        findings["latentclust"] = {system: rival.summary() for system, rival in ours.items()}
        if options.clustpy_python:
            findings["clustpy"] = {system: rival.summary() for system, rival in theirs.items()}
        print(write(f"dec-{options.data}", {"seeds": seed + 1, **findings}), flush=True)


if __name__ == "__main__":
    main()
