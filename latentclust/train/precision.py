"""Mixed precision: the scope of autocast, and the loss scaling of fp16."""

from contextlib import AbstractContextManager, nullcontext

import torch

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
"""Data type of autocast by precision."""


class Precision:
    """The precision of the networks' computations. Losses, penalties and parameters are always float32.

    Args:
        name: `fp32`, `bf16`, `fp16` or `auto`: bf16 on a GPU that supports it, fp16 on another GPU, fp32 on the CPU.
        device: The device of the training.
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

    def scaler(self) -> torch.amp.GradScaler:
        """Return a new loss scaler; each player has one. It is disabled unless the precision is fp16."""
        return torch.amp.GradScaler(self.device.type, enabled=self.name == "fp16")
