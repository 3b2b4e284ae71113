"""The precision that `auto` selects for a training, and its part of a checkpoint."""

from collections.abc import Iterable

from lightning_fabric import Fabric
from torch import nn

from latentclust.train.bf16_probe import bf16_is_faster
from latentclust.train.precision import LAYERS, Precision

LINEAR_WEIGHTS = 2**15
"""Smallest linear layer, in weights, that bf16 accelerates on a CPU; conversions outweigh what smaller layers save."""

CONVOLUTION_WEIGHTS = 2**11
"""Smallest convolution, in weights, that bf16 accelerates on a CPU."""


class TrainingPrecision(Precision):
    """The precision of a training. With `auto` on a CPU it is bf16 where that is faster, and fp32 elsewhere.

    bf16 is selected if a network has a layer that is large enough, and if this CPU computes bf16 faster
    (`bf16_is_faster`). A resumed training keeps the precision that it began with.

    Args:
        name: `fp32`, `bf16`, `fp16` or `auto`.
        fabric: Device and processes of the training. The first process decides for all.
        networks: The networks of the training.
    """

    def __init__(self, name: str, fabric: Fabric, networks: Iterable[nn.Module]) -> None:
        super().__init__(name, fabric.device)
        self._is_open = name == "auto" and fabric.device.type == "cpu"
        if self._is_open:
            chosen = "bf16" if have_large_layers(networks) and bf16_is_faster() else "fp32"
            self.name = fabric.broadcast(chosen) if fabric.world_size > 1 else chosen

    def record(self) -> dict[str, str]:
        """Return the precision and the type of its device, for a checkpoint."""
        return {"name": self.name, "device": self.device.type}

    def restore(self, recorded: dict[str, str] | None) -> None:
        """Take the precision of a checkpoint if the recipe leaves it open.

        Args:
            recorded: Content of the checkpoint; it has an effect only on the type of device that it was written on.
                None for a checkpoint from a version whose `auto` was fp32 on a CPU.
        """
        recorded = recorded or {"name": "fp32", "device": "cpu"}
        if self._is_open and recorded["device"] == self.device.type:
            self.name = recorded["name"]


def have_large_layers(networks: Iterable[nn.Module]) -> bool:
    """Return whether any layer of the networks is large enough for bf16 to be faster on a CPU."""
    layers = (module for network in networks for module in network.modules() if isinstance(module, LAYERS))
    return any(
        layer.weight.numel() >= (LINEAR_WEIGHTS if isinstance(layer, nn.Linear) else CONVOLUTION_WEIGHTS)
        for layer in layers
    )
