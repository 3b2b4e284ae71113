"""Which device, how many processes, and how they meet: Lightning Fabric behind one function."""

import torch
from lightning_fabric import Fabric

from latentclust.errors import LatentclustError
from latentclust.train.rank import process_rank


def choose_device(device: str, processes: int) -> tuple[str, list[int] | int]:
    """Fabric's words for a device: the accelerator, and which or how many of them.

    Args:
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        processes: Data-parallel processes, each with a device of its own.

    Raises:
        LatentclustError: where the device is unknown or absent.
    """
    kind, colon, number = device.partition(":")
    available = torch.cuda.device_count()
    if kind not in ("auto", "cpu", "cuda") or (colon and (kind != "cuda" or not number.isdecimal())):
        raise LatentclustError.at("--device", f"{device!r} is no device", "Use auto, cpu, cuda or cuda:N")
    if number and processes > 1:
        what = f"{device!r} is one device, and train.devices = {processes}"
        raise LatentclustError.at("--device", what, "Use --device cuda, or train.devices = 1")
    if kind == "auto":
        kind = "cuda" if available else "cpu"
    wanted = int(number) + 1 if number else processes
    if kind == "cuda" and available < wanted:
        what = f"{device!r} with {processes} process(es) needs {wanted} CUDA device(s), and {available} are visible"
        raise LatentclustError.at("--device", what, "Use --device cpu, or fewer train.devices")
    return kind, [int(number)] if number else processes


def make_fabric(device: str, processes: int) -> Fabric:
    """A launched Fabric; raises LatentclustError as `choose_device` does."""
    accelerator, devices = choose_device(device, processes)
    fabric = Fabric(accelerator=accelerator, devices=devices, strategy="ddp" if processes > 1 else "auto")
    fabric.launch()
    return fabric


def is_follower() -> bool:
    """Whether this process was started by another of the same data-parallel run, which alone writes files."""
    return process_rank() > 0


def describe(device: torch.device) -> str:
    """The device in words, for a report."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"cpu ({torch.get_num_threads()} threads)"
