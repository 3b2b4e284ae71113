"""The devices of a run."""

import torch

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


def first_device(device: str, processes: int = 1) -> torch.device:
    """Return the device of the first process. Raise LatentclustError as `choose_device` does."""
    kind, devices = choose_device(device, processes)
    if kind == "cpu":
        return torch.device(kind)
    return torch.device(kind, devices[0] if isinstance(devices, list) else 0)


def is_follower() -> bool:
    """Return whether another process of the same data-parallel run started this one. Followers write no files."""
    return process_rank() > 0


def describe(device: torch.device) -> str:
    """Return the name of a device for a report."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"cpu ({torch.get_num_threads()} threads)"
