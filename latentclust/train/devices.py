"""The device and the processes of a run, by Lightning Fabric."""

from functools import cache

import torch
from lightning_fabric import Fabric

from latentclust.errors import LatentclustError
from latentclust.train.followers import OwnProcesses, start_followers, watch
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


def first_device(device: str, processes: int) -> torch.device:
    """Return the device of the first process. Raise LatentclustError as `choose_device` does."""
    kind, devices = choose_device(device, processes)
    return torch.device(kind, devices[0]) if isinstance(devices, list) else torch.device(kind)


def make_fabric(device: str, processes: int) -> Fabric:
    """Return a launched Fabric. Raise LatentclustError as `choose_device` does."""
    accelerator, devices = choose_device(device, processes)
    if processes == 1:
        return _fabric_of_one(accelerator, devices[0] if isinstance(devices, list) else None)
    followers = start_followers(processes)
    # A run does not take part in what Slurm or a launcher may have started around it.
    fabric = Fabric(accelerator=accelerator, devices=devices, strategy="ddp", plugins=OwnProcesses())
    with watch(followers):
        fabric.launch()
    return fabric


@cache
def _fabric_of_one(accelerator: str, index: int | None) -> Fabric:
    """Return the launched Fabric of a single device. It has no state, and to make one reads all entry points."""
    devices = 1 if index is None else [index]
    fabric = Fabric(accelerator=accelerator, devices=devices, plugins=OwnProcesses())
    fabric.launch()
    return fabric


def is_follower() -> bool:
    """Return whether another process of the same data-parallel run started this one. Followers write no files."""
    return process_rank() > 0


def describe(device: torch.device) -> str:
    """Return the name of a device for a report."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"cpu ({torch.get_num_threads()} threads)"
