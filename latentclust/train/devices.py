"""The device and the processes of a run, by Lightning Fabric, and the state of torch's own generators."""

from contextlib import AbstractContextManager

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.lightning import LightningEnvironment

from latentclust.errors import LatentclustError
from latentclust.train.rank import process_rank


def choose_device(device: str, processes: int) -> tuple[str, list[int] | int]:
    """Return Fabric's accelerator, and the indices or the number of its devices.

    Args:
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        processes: Number of data-parallel processes, each with its own device.

    Raises:
        LatentclustError: If the device is unknown or not available.
    """
    kind, colon, number = device.partition(":")
    available = torch.cuda.device_count()
    if kind not in ("auto", "cpu", "cuda") or (colon and (kind != "cuda" or not number.isdecimal())):
        raise LatentclustError.at("--device", f"unknown device {device!r}", "Use auto, cpu, cuda or cuda:N")
    if number and processes > 1:
        what = f"{device!r} is a single device, but train.devices = {processes}"
        raise LatentclustError.at("--device", what, "Use --device cuda, or train.devices = 1")
    if kind == "auto":
        kind = "cuda" if available else "cpu"
    required = int(number) + 1 if number else processes
    if kind == "cuda" and available < required:
        what = f"{device!r} with train.devices = {processes} needs {required} CUDA devices, found {available}"
        raise LatentclustError.at("--device", what, "Use --device cpu, or fewer train.devices")
    return kind, [int(number)] if number else processes


def make_fabric(device: str, processes: int) -> Fabric:
    """Return a launched Fabric. Raise LatentclustError as `choose_device` does."""
    accelerator, devices = choose_device(device, processes)
    # A single process does not take part in what Slurm or a launcher may have started around it.
    alone = LightningEnvironment() if processes == 1 else None
    strategy = "ddp" if processes > 1 else "auto"
    fabric = Fabric(accelerator=accelerator, devices=devices, strategy=strategy, plugins=alone)
    fabric.launch()
    return fabric


def is_follower() -> bool:
    """Return whether another process of the same data-parallel run started this one. Followers write no files."""
    return process_rank() > 0


def describe(device: torch.device) -> str:
    """Return the name of a device for a report."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"cpu ({torch.get_num_threads()} threads)"


def fork_generators(device: torch.device) -> AbstractContextManager[None]:
    """Return a context after which torch's own generators are as before: the CPU's and, on a GPU, the device's."""
    return torch.random.fork_rng(devices=[device] if device.type == "cuda" else ())


def seed_generators(device: torch.device, seed: int) -> None:
    """Seed torch's own generators of the CPU and of the device, and no other device's, as `torch.manual_seed` would."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
