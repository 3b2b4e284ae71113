"""A run that was killed or stopped and then resumed is bit for bit equal to an uninterrupted one."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import latentclust
from latentclust.errors import InterruptedRunError, LatentclustError
from latentclust.runs.run import resume
from latentclust.train.checkpoint_header import CHECKPOINT
from latentclust.train.events import NullListener, Record

STALLED = 7
"""The round after which the run is killed: its last checkpoint is of round 4, its last record of round 7."""

SELECTING = ("train.rounds=12", "train.select_by='losses.critic'", "train.select_every=2", "train.select_since=0.1")

SCRIPT = dedent("""
    import sys, time
    from pathlib import Path

    import latentclust
    from latentclust.train.events import NullListener

    class Stalling(NullListener):
        def on_record(self, record):
            if record.round == int(sys.argv[3]):
                print("stalled", flush=True)
                time.sleep(3600)

    latentclust.run(Path(sys.argv[1]), sys.argv[4:], out=sys.argv[2], device="cpu", listener=Stalling())
""")


class Then(NullListener):
    """Does something once a round is logged."""

    def __init__(self, round_: int, act: Callable[[], None]) -> None:
        self.round, self.act = round_, act

    def on_record(self, record: Record) -> None:
        if record.round == self.round:
            self.act()


def log(folder: Path) -> list[dict[str, Any]]:
    """The records, times left out."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{key: line.get(key) for key in ("round", "stage", "losses", "chains")} for line in lines]


def assert_same_run(found: Path, expected: Path) -> None:
    for name in ("model.safetensors", "assignments.csv", "recipe.toml"):
        assert (found / name).read_bytes() == (expected / name).read_bytes(), name
    assert log(found) == log(expected)
    scores = [json.loads((folder / "results.json").read_text())["metrics"] for folder in (found, expected)]
    assert scores[0] == scores[1]


@pytest.fixture(scope="module")
def whole(recipe: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    return latentclust.run(recipe("dccs"), SELECTING, out=folder, device="cpu").folder


def test_a_run_killed_in_mid_training_resumes_to_the_same_bits(
    recipe: Callable[[str], Path], whole: Path, tmp_path: Path
) -> None:
    script, folder = tmp_path / "train.py", tmp_path / "run"
    script.write_text(SCRIPT)
    command = [sys.executable, script, recipe("dccs"), folder, str(STALLED), *SELECTING]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        process.kill()
        process.wait(timeout=60)
    assert said == "stalled\n"
    assert process.returncode == -signal.SIGKILL
    assert_resumes(folder, whole)


def test_a_killed_run_with_chains_resumes_to_the_same_bits(recipe: Callable[[str], Path], tmp_path: Path) -> None:
    whole, left = run_and_left(recipe("cgm"), (), tmp_path)
    assert_resumes(left, whole)
    chains = [load_file(folder / CHECKPOINT) for folder in (whole, left)]
    assert {"chains/style", "chains/label"} <= set(chains[0])
    assert all(torch.equal(chains[1][name], tensor) for name, tensor in chains[0].items())


@pytest.mark.usefixtures("whole_set")
def test_a_killed_run_with_tables_resumes_to_the_same_bits(recipe: Callable[[str], Path], tmp_path: Path) -> None:
    whole, left = run_and_left(recipe("tables"), ("tables.neighbours.drawn=true",), tmp_path)
    assert_resumes(left, whole)
    tables = [load_file(folder / CHECKPOINT) for folder in (whole, left)]
    assert {"tables/target", "tables/neighbours"} <= set(tables[0])
    assert all(torch.equal(tables[1][name], tensor) for name, tensor in tables[0].items())


@pytest.mark.usefixtures("whole_set")
@pytest.mark.parametrize("rounds", [5, 4, 2])
def test_a_run_killed_in_its_last_stage_resumes_to_the_same_bits(
    recipe: Callable[[str], Path], tmp_path: Path, rounds: int
) -> None:
    """The checkpoint is of round 4: inside the first stage, the last of it, or inside the second."""
    settings = (f"stages.pretraining.rounds={rounds}", f"stages.clustering.rounds={12 - rounds}", "train.log_every=1")
    whole, left = run_and_left(recipe("stages"), settings, tmp_path)
    assert_resumes(left, whole)
    assert f"- Stages: pretraining (rounds 1 to {rounds}), clustering" in (left / "report.md").read_text()


def run_and_left(recipe: Path, settings: tuple[str, ...], tmp_path: Path) -> tuple[Path, Path]:
    """The folder of a whole run, and what a kill after round 7 would have left of it: its files at that time."""
    whole, left = tmp_path / "whole", tmp_path / "left"
    listener = Then(STALLED, lambda: shutil.copytree(whole, left))
    latentclust.run(recipe, settings, out=whole, device="cpu", listener=listener)
    return whole, left


def assert_resumes(folder: Path, whole: Path) -> None:
    """Leaves a record half written in the folder of a killed run, and resumes it to the bits of the whole one."""
    assert (folder / CHECKPOINT).exists()
    assert not (folder / "model.safetensors").exists()
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"round": 8, "los')  # what a kill in the midst of a write would leave
    resume(folder, device="cpu")
    assert_same_run(folder, whole)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_stopped_by_a_signal_writes_a_checkpoint_and_resumes_to_the_same_bits(
    recipe: Callable[[str], Path], whole: Path, tmp_path: Path, number: signal.Signals
) -> None:
    handlers = [signal.getsignal(which) for which in (signal.SIGTERM, signal.SIGINT)]
    folder = tmp_path / "run"
    listener = Then(5, lambda: os.kill(os.getpid(), number))
    with pytest.raises(InterruptedRunError, match=r"stopped after round 6 of 12.*--resume") as caught:
        latentclust.run(recipe("dccs"), SELECTING, out=folder, device="cpu", listener=listener)
    assert caught.value.exit_code == 130
    assert [signal.getsignal(which) for which in (signal.SIGTERM, signal.SIGINT)] == handlers
    assert log(folder)[-1]["round"] == 6
    resume(folder, device="cpu")
    assert_same_run(folder, whole)


def test_resuming_a_finished_run_writes_the_same_results(whole: Path) -> None:
    before = {name: (whole / name).read_bytes() for name in ("model.safetensors", "assignments.csv")}
    records = log(whole)
    resume(whole, device="cpu")
    assert {name: (whole / name).read_bytes() for name in before} == before
    assert log(whole) == records


def test_what_cannot_be_resumed_is_named(recipe: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(LatentclustError, match=r"is not a run folder"):
        resume(tmp_path, device="cpu")
    (tmp_path / "recipe.toml").write_bytes(recipe("dccs").read_bytes())
    with pytest.raises(LatentclustError, match="the checkpoint does not exist"):
        resume(tmp_path, device="cpu")


def test_a_stop_is_acknowledged_before_the_round_ends(recipe: Callable[[str], Path], tmp_path: Path) -> None:
    class Asks(NullListener):
        def __init__(self) -> None:
            self.told, self.before_end = threading.Event(), False

        def on_record(self, record: Record) -> None:
            if record.round == 2:
                signal.raise_signal(signal.SIGINT)
                self.before_end = self.told.wait(timeout=10)

        def on_stop(self) -> None:
            self.told.set()

    listener = Asks()
    with pytest.raises(InterruptedRunError, match="stopped after round"):
        latentclust.run(recipe("dccs"), out=tmp_path / "run", device="cpu", listener=listener)
    assert listener.before_end
