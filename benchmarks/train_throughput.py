"""Throughput of two commits and of a hand-written loop: `python benchmarks/train_throughput.py OLD [--blocks 12]`.

OLD is a source tree of the earlier commit, such as `git archive` or `git worktree add` makes. DCCS and ClusterGAN train
on random images of the shape of MNIST with batches of 64, each tree with `train.precision = "auto"`, and the
hand-written loop in the precision that the new tree selects. Each competitor has a process of its own. The processes
take turns, block by block, in an order that rotates, and a line is printed after each block. CPU seconds are compared
where there is no GPU, and seconds of synchronised blocks where there is one. The hand-written loop uses the same views
and the same setting of the allocator.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

NEW = Path(__file__).resolve().parents[1]
BATCH, SAMPLES, WARM_UP = 64, 10_000, 2
ROUNDS = {"dccs": 5, "clustergan": 1}
"""Rounds of a block by system."""


def main() -> None:
    """Time both systems and write benchmarks/results/train_throughput.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("old", type=Path)
    parser.add_argument("--commit", default="", help="name of the commit of OLD")
    parser.add_argument("--blocks", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    pixels = np.random.default_rng(0).integers(0, 256, (SAMPLES, 1, 28, 28), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "images.npy"
        np.save(data, pixels)
        found = {system: compare(system, data, options) for system in ROUNDS}
    from provenance import write

    findings = {"old": options.commit, "batch": BATCH, "blocks": options.blocks, "threads": options.threads}
    command = f"python benchmarks/train_throughput.py OLD --commit {options.commit} --blocks {options.blocks}"
    print(write("train_throughput", findings | {"results": found}, command))


def compare(system: str, data: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return images per second of each competitor and their ratios, medians over the blocks."""
    new = Worker("new", system, data, NEW, options.threads)
    workers = {
        "old": Worker("old", system, data, options.old.resolve(), options.threads),
        "new": new,
        "plain": Worker("plain", system, data, NEW, options.threads, new.precision),
    }
    seconds: dict[str, list[float]] = {name: [] for name in workers}
    names = list(workers)
    for block in range(options.blocks):
        for at in range(len(names)):
            name = names[(block + at) % len(names)]
            seconds[name].append(workers[name].play(ROUNDS[system]))
        images = ROUNDS[system] * new.steps * BATCH
        rates = {name: f"{images / found[-1]:,.0f}" for name, found in seconds.items()}
        print(f"{system} block {block + 1}/{options.blocks}: images/s {rates}", flush=True)
    for worker in workers.values():
        worker.stop()
    row = summary(seconds, images) | {"precision": {name: worker.precision for name, worker in workers.items()}}
    print(system, {key: value for key, value in row.items() if key != "seconds"}, flush=True)
    return row


def summary(seconds: dict[str, list[float]], images: int) -> dict[str, Any]:
    """Return the medians of rates and of the ratios of neighbouring blocks."""

    def ratio(slower: str, faster: str) -> float:
        return statistics.median(a / b for a, b in zip(seconds[slower], seconds[faster], strict=True))

    return {
        "images_per_s": {name: round(images / statistics.median(found), 1) for name, found in seconds.items()},
        "new / old": round(ratio("old", "new"), 3),
        "new / plain": round(ratio("plain", "new"), 3),
        "seconds": {name: [round(value, 4) for value in found] for name, found in seconds.items()},
    }


class Worker:
    """A process that trains one competitor block by block."""

    def __init__(self, name: str, system: str, data: Path, tree: Path, threads: int, precision: str = "auto") -> None:
        environment = {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": str(threads)}
        serve = "from train_throughput import serve; import sys; serve(*sys.argv[1:])"
        command = [sys.executable, "-c", serve, name, system, str(data), str(threads), precision]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=Path(__file__).parent,
        )
        self.steps, self.precision = self._read()

    def play(self, rounds: int) -> float:
        """Return the seconds of a number of rounds."""
        assert self._process.stdin is not None
        print(rounds, file=self._process.stdin, flush=True)
        return float(self._read())

    def stop(self) -> None:
        """End the process."""
        self._process.communicate()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"a worker ended: {' '.join(map(str, self._process.args))}")  # type: ignore[arg-type]
        return json.loads(line)


def serve(name: str, system: str, data: str, threads: str, precision: str) -> None:
    """Print steps and precision, then the seconds of as many rounds as each line of stdin asks for."""
    import torch
    from plain_loops import LOOPS

    torch.set_num_threads(int(threads))
    play, steps, chosen, augment = engine_round(system, Path(data), precision)
    if name == "plain":
        play = LOOPS[system](torch.from_numpy(np.load(data)), BATCH, augment, bf16=precision == "bf16").round
    for _ in range(WARM_UP):
        play()
    print(json.dumps([steps, chosen]), flush=True)
    for line in sys.stdin:
        print(timed(play, int(line)), flush=True)


def engine_round(system: str, data: Path, precision: str) -> tuple[Callable[[], None], int, str, Callable[[Any], Any]]:
    """Return the engine's round, its steps and precision, and the recipe's views, which the plain loop also uses."""
    import torch

    from latentclust.assemble.experiment import assemble
    from latentclust.runs.run import load_resolved_recipe
    from latentclust.tensors import Images
    from latentclust.train.fabric import make_fabric
    from latentclust.train.setup import prepare_training

    settings = ("name=throughput", "train.rounds=1000000", f"train.batch_size={BATCH}", f"train.precision={precision}")
    tables: dict[str, Any] = {"schema": 1, "extends": f"{system}@1", "data": {"use": "array", "path": str(data)}}
    experiment = assemble(load_resolved_recipe(tables, settings), ())
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

    players = training.state.players.values()
    chosen = getattr(training.state, "precision", next(iter(players))._precision)
    return play, sum(player.steps for player in players), chosen.name, augment


def timed(play: Callable[[], None], rounds: int) -> float:
    """Return the seconds of a block."""
    import torch

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
