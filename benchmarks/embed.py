"""Measure `latentclust embed`: `python benchmarks/embed.py MODEL IMAGES.npy OUT.parquet [--neighbours 5] [--record]`.

Prints JSON: the time of each phase, the rate of the read-out beside a bare forward pass of the same networks on images
in memory, the peak of the memory, and the recall of the neighbours. `RssAnon` is the memory of the process itself;
`VmRSS` also counts pages of mapped files, which the system takes back when it needs them.
benchmarks/million_images.py writes images. --record also writes benchmarks/results/embed.json.
"""

import argparse
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from latentclust.data.prepared.manifest import sha256
from latentclust.embed.embed_images import EmbedOptions, embed_images
from latentclust.infer.image_inputs import Reading, open_inputs
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import load
from latentclust.networks.stored_model import model_file
from latentclust.phases import Phase, Phases

BARE = 20_000
"""Number of images of the bare forward pass."""

SECONDS = 0.1
"""Time between two samples of the memory."""

MIB = 2**20


class Memory:
    """The peak of the memory of this process, sampled in a thread."""

    def __init__(self) -> None:
        """Begin."""
        self.peak: dict[str, int] = {}
        self._ended = threading.Event()
        threading.Thread(target=self._sample, daemon=True).start()

    def end(self) -> dict[str, int]:
        """Stop, and return the peaks in MiB."""
        self._ended.set()
        return {f"{name}_mib": size // MIB for name, size in self.peak.items()}

    def _sample(self) -> None:
        while not self._ended.wait(SECONDS):
            for name, size in memory().items():
                self.peak[name] = max(self.peak.get(name, 0), size)


class Times:
    """The seconds of each phase."""

    def __init__(self) -> None:
        """Wait for the first phase."""
        self.seconds: dict[str, float] = {}
        self._name, self._began = "", time.perf_counter()

    def on_phase(self, phase: Phase) -> None:
        """Begin another phase."""
        if phase.name != self._name:
            self.end()
            self._name, self._began = phase.name, time.perf_counter()

    def end(self) -> None:
        """End the phase."""
        if self._name:
            self.seconds[self._name] = time.perf_counter() - self._began
        self._name = ""


def memory() -> dict[str, int]:
    """Return the resident memory in bytes by its names in /proc."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {name: 1024 * int(fields[name].split()[0]) for name in ("RssAnon", "VmRSS")}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--neighbours", type=int, default=5)
    parser.add_argument("--record", action="store_true", help="write benchmarks/results/embed.json")
    options = parser.parse_args()
    model = load(options.model)
    before, times = memory(), Times()
    sampled = Memory()
    inputs = open_inputs([options.images], model.raw_shape, Reading.of(model.resolved.dataset))
    chosen = EmbedOptions(neighbours=options.neighbours)
    done = embed_images(
        model, sha256(model_file(options.model)), inputs, options.out, chosen, phases=Phases(times.on_phase)
    )
    times.end()
    peak = sampled.end()
    rate = done.count / times.seconds["reading out"]
    bare = bare_rate(model, inputs.source.read(np.arange(min(BARE, done.count))))
    findings: dict[str, Any] = {
        "images": done.count,
        "shape": list(model.raw_shape),
        "neighbours": options.neighbours,
        "seconds": {name: round(seconds, 1) for name, seconds in times.seconds.items()},
        "read_out_images_per_second": round(rate),
        "bare_forward_images_per_second": round(bare),
        "share_of_bare_forward": round(rate / bare, 3),
        "before": {f"{name}_mib": size // MIB for name, size in before.items()},
        "peak": peak,
        "recall": done.recall,
        "likely_duplicates": done.duplicates,
        "table_mib": options.out.stat().st_size // MIB,
        # Other processes slow both: more running processes than cores make the rates lower bounds.
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
    }
    print(json.dumps(findings, indent=2))
    if options.record:
        from provenance import write

        write("embed", findings)


@torch.no_grad()
def bare_rate(model: ClusteringModel, images: np.ndarray) -> float:
    """Return the images per second of preprocessing and encoder alone, on float images in memory."""
    batches = torch.from_numpy(images).float().div(255).split(model.resolved.recipe.evaluate.batch_size)
    encoder, rng, preprocess = model.networks["encoder"], torch.Generator(), model.preprocess
    encoder(preprocess(batches[0], rng))
    start = time.perf_counter()
    for batch in batches:
        encoder(preprocess(batch, rng))
    return len(images) / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
