"""Two processes on the CPU: a real run whose launcher starts this script's follower, beside one process alone."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import torch
from safetensors.torch import load_file

from latentclust.train.loop import Training

RECIPES = Path(__file__).parent

SCRIPT = dedent("""
    import json, os, sys
    from pathlib import Path

    from safetensors.torch import save_file

    written, runs = [], Path(sys.argv[2]).resolve()

    def watch(event, arguments):
        if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
            if Path(str(arguments[0])).resolve().is_relative_to(runs):
                written.append(str(arguments[0]))

    sys.addaudithook(watch)

    import latentclust
    from latentclust.train.loop import Training

    train = Training.run

    def recorded(training, resume=False):
        batches, take = [], training.feed.next

        def take_and_note():
            batch = take()
            batches.append(batch.index.tolist())
            return batch

        training.feed.next = take_and_note
        try:
            return train(training, resume)
        finally:
            notes = Path(f"{sys.argv[3]}-{training.fabric.global_rank}")
            save_file(training.networks.state_dict(), notes.with_suffix(".safetensors"))
            notes.with_suffix(".json").write_text(json.dumps({"batches": batches, "written": written}))

    Training.run = recorded
    latentclust.run(Path(sys.argv[1]), sys.argv[4:], out=runs, device="cpu")
""")


class Pair:
    """What the two processes of a run left."""

    def __init__(self, folder: Path, code: int, errors: str) -> None:
        self.folder, self.code, self.errors = folder, code, errors
        self.notes: list[dict[str, Any]] = [json.loads((folder / f"notes-{rank}.json").read_text()) for rank in (0, 1)]
        self.weights = [load_file(folder / f"notes-{rank}.safetensors") for rank in (0, 1)]

    @property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "run" / "metrics.jsonl").read_text().splitlines()]


def run_pair(folder: Path, recipe: str, *settings: str) -> Pair:
    script = folder / "train.py"
    script.write_text(SCRIPT)
    arguments = [RECIPES / f"{recipe}.toml", folder / "run", folder / "notes", "train.devices=2", *settings]
    environment = {name: value for name, value in os.environ.items() if name not in ("LOCAL_RANK", "WORLD_SIZE")}
    done = subprocess.run(
        [sys.executable, script, *arguments],
        env=environment | {"OMP_NUM_THREADS": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return Pair(folder, done.returncode, done.stderr)


def test_two_processes_train_as_one_does_on_the_joint_batches(
    training: Callable[..., Training], recorder: type, tmp_path: Path
) -> None:
    pair = run_pair(tmp_path, "autoencoder", "train.batch_size=8")
    assert pair.code == 0, pair.errors
    # Each process has samples of its own, and the two together those of one process with twice the batch.
    alone = training("autoencoder", "train.batch_size=16", listener=recorder(), folder="alone")
    batches: list[list[int]] = []
    take = alone.feed.next

    def take_and_note() -> Any:
        batch = take()
        batches.append(batch.index.tolist())
        return batch

    alone.feed.next = take_and_note  # type: ignore[method-assign]
    alone.run()
    for mine, other, joint in zip(pair.notes[0]["batches"], pair.notes[1]["batches"], batches, strict=True):
        assert not set(mine) & set(other)
        assert set(mine) | set(other) == set(joint)
    # The parameters are equal to the bit on both, and to rounding to those of one process.
    for name, tensor in alone.networks.state_dict().items():
        assert torch.equal(pair.weights[0][name], pair.weights[1][name]), name
        torch.testing.assert_close(pair.weights[0][name], tensor)
    # What is logged is the mean over both.
    logged = [tuple(line["losses"].values()) for line in pair.log]
    torch.testing.assert_close(
        torch.tensor(logged), torch.tensor([tuple(losses.values()) for _, losses in alone.listener.losses])
    )
    # Only the first writes.
    assert {Path(path).name for path in pair.notes[0]["written"]} >= {"metrics.jsonl"}
    assert pair.notes[1]["written"] == []
    assert (tmp_path / "run" / "results.json").exists()
    assert (tmp_path / "run" / "report.md").exists()


def test_two_processes_agree_on_a_divergence_and_the_first_tells_it(tmp_path: Path) -> None:
    pair = run_pair(tmp_path, "clustergan", "train.batch_size=8", "players.critic.optimizer.lr=1e30")
    assert pair.code == 1
    assert pair.errors.count("RunFailedError") == 1, pair.errors
