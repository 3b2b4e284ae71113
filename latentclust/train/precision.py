"""Mixed precision: the scope of autocast and the networks that losses call."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
"""Data type of autocast by precision."""

LAYERS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
"""Layers that autocast computes in the lower precision."""


class Precision:
    """The precision of the networks' computations. Parameters and losses are always float32.

    Args:
        name: `fp32`, `bf16`, `fp16` or `auto`: bf16 on a GPU that supports it, fp16 on another GPU, fp32 on the CPU.
        device: The device of the computations.

    Attributes:
        name: `fp32`, `bf16` or `fp16`.
        device: The device of the computations.
    """

    def __init__(self, name: str, device: torch.device) -> None:
        if name == "auto":
            on_gpu = device.type == "cuda"
            name = ("bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16") if on_gpu else "fp32"
        self.name = name
        self.device = device

    def forward(self) -> AbstractContextManager[object]:
        """Return the context in which quantities are computed."""
        if self.name == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=DTYPES[self.name])

    def step(self) -> AbstractContextManager[object]:
        """Return the context of a whole step, in which each weight is converted at most once.

        Autocast is off in it. It keeps its converted weights until the outermost context ends.
        """
        if self.name == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=DTYPES[self.name], enabled=False)

    def in_losses(self) -> AbstractContextManager[object]:
        """Return the context in which losses call networks: that of quantities in bf16, and otherwise none.

        The range of fp16 is too small for the gradients of a penalty, which no scaler scales.
        """
        return self.forward() if self.name == "bf16" else nullcontext()

    @contextmanager
    def converted_weights(self, networks: Iterable[nn.Module]) -> Iterator[None]:
        """Keep the held weights of networks in bf16 on a CPU, so that no call converts them again.

        The results do not change by a bit. Nothing is done in fp32, in fp16, where losses call networks in float32, and
        on a GPU, because CUDA graphs read the weights where they were captured.

        Args:
            networks: Networks; their layers whose weights have no gradients are converted, and restored afterwards.
        """
        if self.name != "bf16" or self.device.type != "cpu":
            yield
            return
        layers = (module for network in networks for module in network.modules() if isinstance(module, LAYERS))
        held = {id(p): p for layer in layers for p in layer.parameters(recurse=False) if not p.requires_grad}
        originals = [(parameter, parameter.data) for parameter in held.values() if parameter.dtype == torch.float32]
        try:
            for parameter, data in originals:
                parameter.data = data.to(torch.bfloat16)
            yield
        finally:
            for parameter, data in originals:
                parameter.data = data

    def scaler(self) -> torch.amp.GradScaler:
        """Return a new loss scaler; each player has one. It is disabled unless the precision is fp16."""
        return torch.amp.GradScaler(self.device.type, enabled=self.name == "fp16")


class NetworkInLosses:
    """A network as losses call it: in bf16 if quantities are computed in bf16, and otherwise in float32."""

    def __init__(self, network: Any, precision: Precision) -> None:
        self._network, self._precision = network, precision

    def __call__(self, *arguments: Any) -> Any:
        """Return the output of the network."""
        with self._precision.in_losses():
            return self._network(*arguments)

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the network. Its methods and layers compute in the same precision."""
        return self._wrapped(getattr(self._network, name))

    def __getitem__(self, index: Any) -> Any:
        """Return a layer of a sequence of layers."""
        return self._wrapped(self._network[index])

    def __len__(self) -> int:
        """Return the number of layers of a sequence of layers."""
        return len(self._network)

    def __iter__(self) -> Iterator[Any]:
        """Iterate over a sequence of layers."""
        return map(self._wrapped, self._network)

    def _wrapped(self, found: Any) -> Any:
        return NetworkInLosses(found, self._precision) if callable(found) else found
