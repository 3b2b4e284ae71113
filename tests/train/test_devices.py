"""The choice of a device, and what becomes of torch's own generators, which belong to the caller."""

import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from latentclust.errors import LatentclustError
from latentclust.generators import fork_generators, seed_generators
from latentclust.train import loop
from latentclust.train.devices import choose_device, first_device, is_follower
from latentclust.train.fabric import make_fabric
from latentclust.train.setup import prepare_training
from tests.train.conftest import MakeExperiment, MakeTraining


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Two CUDA devices, as far as is asked."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    return monkeypatch


def test_auto_takes_cards_where_there_are_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("auto", 1) == ("cuda", 1)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert choose_device("auto", 2) == ("cpu", 2)


@pytest.mark.usefixtures("cards")
def test_a_card_is_chosen_by_its_number() -> None:
    assert choose_device("cuda:1", 1) == ("cuda", [1])
    assert choose_device("cuda", 2) == ("cuda", 2)
    assert choose_device("cpu", 3) == ("cpu", 3)
    assert [first_device(name) for name in ("cpu", "auto", "cuda:1")] == [
        torch.device(d) for d in ("cpu", "cuda:0", "cuda:1")
    ]


@pytest.mark.usefixtures("cards")
@pytest.mark.parametrize(
    ("device", "processes"),
    [("cuda:2", 1), ("cuda", 3), ("cuda:1", 2), ("tpu", 1), ("cuda:x", 1), ("cuda:", 1), ("cpu:0", 1)],
)
def test_what_is_absent_or_unknown_is_refused(device: str, processes: int) -> None:
    with pytest.raises(LatentclustError, match=device) as caught:
        choose_device(device, processes)
    assert caught.value.issues[0].where == "--device"


def test_one_process_on_the_cpu() -> None:
    fabric = make_fabric("cpu", 1)
    assert (fabric.device.type, fabric.world_size, fabric.is_global_zero) == ("cpu", 1, True)


def test_a_process_that_another_one_started_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTCLUST_LEADER", "1")
    monkeypatch.setenv("LOCAL_RANK", "0")
    assert not is_follower()
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert is_follower()
    monkeypatch.setenv("LATENTCLUST_LEADER", str(os.getpid()))
    assert not is_follower()


@pytest.mark.parametrize("rank", ["1", "x"])
def test_a_process_that_a_launcher_started_is_no_follower(monkeypatch: pytest.MonkeyPatch, rank: str) -> None:
    for name in ("LOCAL_RANK", "RANK", "WORLD_SIZE", "MASTER_PORT"):
        monkeypatch.setenv(name, rank)
    assert not is_follower()
    fabric = make_fabric("cpu", 1)
    assert (fabric.world_size, fabric.global_rank, fabric.is_global_zero) == (1, 0, True)


def test_a_process_that_ends_before_torch_knows_it_ends_the_run(capfd: pytest.CaptureFixture[str]) -> None:
    program = (
        "import subprocess, sys, time; from latentclust.train.followers import watch\n"
        "with watch([subprocess.Popen([sys.executable, '-c', 'exit(3)'])]): time.sleep(30)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 1
    assert capfd.readouterr().err.startswith(
        "error: train.devices: one of 2 data-parallel processes has ended with code 3"
    )


@pytest.mark.parametrize(("device", "forked"), [("cpu", []), ("cuda:0", ["cuda:0"]), ("cuda:3", ["cuda:3"])])
def test_the_generators_of_the_cpu_and_of_the_device_are_forked(
    device: str, forked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    passed: list[list[str]] = []
    monkeypatch.setattr(
        torch.random, "fork_rng", lambda devices: passed.append([str(each) for each in devices]) or nullcontext()
    )
    with fork_generators(torch.device(device)):
        pass
    assert passed == [forked]


def test_a_training_forks_around_its_rounds_and_around_each_learning_curve(
    training: MakeTraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = training("dccs", "train.rounds=2", "evaluate.every=1")
    made.callbacks.curve = dict
    devices: list[torch.device] = []
    monkeypatch.setattr(loop, "fork_generators", lambda device: devices.append(device) or fork_generators(device))
    made.run()
    assert devices == [made.fabric.device] * 3


def test_seeding_reaches_no_device_but_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[tuple[Any, int]] = []
    current: list[Any] = [None]

    class Entered:
        def __init__(self, device: torch.device) -> None:
            self.device = device

        def __enter__(self) -> None:
            current.append(self.device)

        def __exit__(self, *_: object) -> None:
            current.pop()

    monkeypatch.setattr(torch.cuda, "device", Entered)
    monkeypatch.setattr(torch.cuda, "manual_seed", lambda seed: seeds.append((current[-1], seed)))
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: pytest.fail("every device was seeded"))
    with torch.random.fork_rng(devices=()):
        seed_generators(torch.device("cpu"), 5)
        first = torch.rand(3)
        assert seeds == []
        seed_generators(torch.device("cuda", 1), 5)
        assert seeds == [(torch.device("cuda", 1), 5)]
        assert torch.equal(torch.rand(3), first)
        torch.default_generator.manual_seed(5)
        assert torch.equal(torch.rand(3), first)


def test_assembly_and_training_leave_the_generators_to_the_caller(
    experiment: MakeExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: pytest.fail("a GPU was seeded"))
    before = torch.get_rng_state()
    made = experiment("clustergan", "train.rounds=2", "networks.encoder.init='normal'")
    assert torch.equal(torch.get_rng_state(), before)
    prepare_training(made, make_fabric("cpu", 1), tmp_path).run()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.gpu
def test_training_on_a_gpu_leaves_its_generator_to_the_caller(experiment: MakeExperiment, tmp_path: Path) -> None:
    torch.cuda.manual_seed(7)
    expected = _draws()
    torch.cuda.manual_seed(7)
    made = experiment("dccs", "train.rounds=2", "evaluate.every=1")
    training = prepare_training(made, make_fabric("cuda:0", 1), tmp_path)
    training.callbacks.curve = lambda: {"drawn": float(torch.rand(1, device="cuda:0"))}
    training.run()
    assert torch.equal(_draws(), expected)


def _draws() -> Tensor:
    return torch.rand(4, device="cuda:0")


def test_a_single_process_ignores_what_slurm_started_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("NTASKS", "2"), ("JOB_NAME", "x"), ("JOB_ID", "5"), ("PROCID", "1"), ("LOCALID", "1")):
        monkeypatch.setenv(f"SLURM_{name}", value)
    fabric = make_fabric("cpu", 1)
    assert (fabric.world_size, fabric.global_rank) == (1, 0)
