"""Compare the engine with a hand-written loop: `python benchmarks/train_throughput.py [--blocks 30] [--threads 1]`.

DCCS and ClusterGAN rounds on MNIST shapes, batch 64, in interleaved blocks of one process; CPU time where there is no
GPU, wall time of synchronised blocks where there is one. Both loops do the same arithmetic on the same kind of data.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from plain_loops import LOOPS
from provenance import write

from latentclust.assemble.experiment import assemble
from latentclust.runs.run import load_resolved_recipe
from latentclust.tensors import Images
from latentclust.train.devices import make_fabric
from latentclust.train.setup import prepare_training

BATCH, SAMPLES = 64, 10_000


def main() -> None:
    """Time both systems and write benchmarks/results/train_throughput.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--blocks", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=4, help="rounds per block")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    pixels = np.random.default_rng(0).integers(0, 256, (SAMPLES, 1, 28, 28), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "images.npy"
        np.save(data, pixels)
        found = {system: measure(system, data, pixels, options) for system in LOOPS}
    for system, row in found.items():
        print(
            f"{system}: engine / plain = {row['ratio']:.3f} of the steps per second ({row['engine_steps_per_s']:.1f})"
        )
    print(write("train_throughput", {"batch": BATCH, "blocks": options.blocks, "results": found}))


def measure(system: str, data: Path, pixels: Any, options: argparse.Namespace) -> dict[str, float]:
    """Return medians over interleaved blocks."""
    engine, steps, augment = engine_round(system, data)
    plain = LOOPS[system](torch.from_numpy(pixels), BATCH, augment)
    ours: list[float] = []
    theirs: list[float] = []
    for block in range(options.blocks + 2):
        for seconds, play in (
            ((ours, engine), (theirs, plain.round)) if block % 2 else ((theirs, plain.round), (ours, engine))
        ):
            seconds.append(timed(play, options.rounds))
    ours, theirs = ours[2:], theirs[2:]
    per_block = options.rounds * steps
    return {
        "ratio": statistics.median(theirs) / statistics.median(ours),
        "paired_ratio": statistics.median(b / a for a, b in zip(ours, theirs, strict=True)),
        "engine_steps_per_s": per_block / statistics.median(ours),
        "plain_steps_per_s": per_block / statistics.median(theirs),
    }


def engine_round(system: str, data: Path) -> tuple[Callable[[], None], int, Callable[[Any], Any]]:
    """Return the engine's round, its steps, and the recipe's augmentation, which the plain loop also uses."""
    settings = [
        "name=throughput",
        "data.use=array",
        f"data.path={data}",
        "train.rounds=1000000",
        f"train.batch_size={BATCH}",
    ]
    tables: dict[str, Any] = {"schema": 1, "extends": f"{system}@1", "data": {"use": "array", "path": str(data)}}
    experiment = assemble(load_resolved_recipe(tables, tuple(settings)), ())
    training = prepare_training(experiment, make_fabric("auto", 1), Path())
    training.state.networks.train()
    rounds = iter(range(1, 1_000_000))
    rng = torch.Generator(training.fabric.device)

    def augment(images: Any) -> Any:
        seen = Images(images)
        for step in experiment.resolved.views["view"]:
            seen = step.apply(seen, rng)  # type: ignore[attr-defined]
        return seen

    def play() -> None:
        training._train_round(next(rounds))

    return play, sum(player.steps for player in training.state.players.values()), augment


def timed(play: Callable[[], None], rounds: int) -> float:
    """Return the seconds of a block."""
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.synchronize()
    clock = time.perf_counter if on_gpu else time.process_time
    start = clock()
    for _ in range(rounds):
        play()
    if on_gpu:
        torch.cuda.synchronize()
    return clock() - start


if __name__ == "__main__":
    main()
