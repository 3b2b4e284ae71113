"""Images per second of DCCS's head on a frozen network: from a feature bank, and with the network in every step.

`python benchmarks/feature_bank.py [--images 1280] [--sizes 64 224] [--rounds 4]` trains `dccs-frozen` on random images
of 32x32 pixels, enlarged to each size, with batches of 64 and the installed EfficientNet-lite0: once from a bank, and
once with the same network as the frozen body of the encoder, whose layers, views and losses are the same. Both train in
turn, three times, each in a process of its own with one thread. The time of the bank is told apart.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

TURNS = 3
FROZEN = {"use": "timm", "model": "tf_efficientnet_lite0", "pretrained": "installed"}
HEAD = [500, 500, 2000]


def main() -> None:
    """Measure all sizes and write benchmarks/results/feature_bank.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=1280)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 224])
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        pixels = np.random.default_rng(0).integers(0, 256, (options.images, 3, 32, 32), dtype=np.uint8)
        np.save(Path(folder) / "images.npy", pixels)
        for size in options.sizes:
            found[str(size)] = compare(Path(folder), size, options.rounds)
            print(size, found[str(size)], flush=True)
    from provenance import write

    command = f"python benchmarks/feature_bank.py --images {options.images} --sizes {' '.join(map(str, options.sizes))}"
    command += f" --rounds {options.rounds}"
    findings = {"images": options.images, "views": 1, "batch": 64, "threads": 1, "turns": TURNS}
    print(write("feature_bank", findings | {"sizes": found}, command))


def compare(folder: Path, size: int, rounds: int) -> dict[str, Any]:
    """Return images per second with and without a bank, medians over the turns, and their ratio."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    seconds = 0.0
    for _ in range(TURNS):
        for banked, found in rates.items():
            job = json.dumps(
                {"folder": str(folder), "size": size, "banked": banked, "rounds": rounds * (25 if banked else 1)}
            )
            environment = os.environ | {"OMP_NUM_THREADS": "1", "LATENTCLUST_FEATURES": str(folder / "features")}
            done = subprocess.run(
                [sys.executable, __file__, "--job", job], env=environment, check=True, capture_output=True, text=True
            )
            result = json.loads(done.stdout.splitlines()[-1])
            found.append(result["rate"])
            seconds = result["seconds"] or seconds
    bank, network = (statistics.median(rates[banked]) for banked in (True, False))
    return {
        "bank_images_per_second": bank,
        "network_images_per_second": network,
        "ratio": bank / network,
        "bank_seconds": seconds,
        "all": {"bank": rates[True], "network": rates[False]},
    }


def train(job: dict[str, Any]) -> dict[str, float | None]:
    """Train one of both, and return the median images per second of its rounds after the first."""
    import latentclust
    from latentclust.train.events import NullListener, Record

    class Rates(NullListener):
        """The images per second of each round."""

        def __init__(self) -> None:
            self.found: list[float] = []

        def on_record(self, record: Record) -> None:
            self.found.append(record.images_per_second)

    listener, folder = Rates(), Path(job["folder"])
    recipe: dict[str, Any] = {
        "schema": 1,
        "extends": "dccs-frozen@1" if job["banked"] else "dccs@1",
        "name": "rate",
        "data": {"use": "array", "path": str(folder / "images.npy")},
        "train": {"rounds": job["rounds"], "log_every": 1, "precision": "fp32"},
        "evaluate": {"baselines": [], "tsne": False, "batch_size": 64},
    }
    if job["banked"]:
        recipe["features"] = {"size": job["size"], "views": 1}
    else:
        recipe["networks"] = {
            "encoder": {**FROZEN, "size": job["size"], "hidden": HEAD, "frozen_body": True, "init": "xavier-normal"}
        }
    with tempfile.TemporaryDirectory() as out:
        finished = latentclust.run(recipe, out=Path(out) / "run", device="cpu", listener=listener)
    return {"rate": statistics.median(listener.found[1:]), "seconds": finished.result.features_seconds}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        print(json.dumps(train(json.loads(sys.argv[2]))))
    else:
        main()
