"""Lightning Fabric on the devices and in the processes of a run."""

from functools import cache

from lightning_fabric import Fabric

from latentclust.train.devices import choose_device
from latentclust.train.followers import OwnProcesses, start_followers, watch


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
