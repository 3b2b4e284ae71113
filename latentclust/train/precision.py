"""Mixed precision: where autocast begins and ends, and the loss scaling of fp16."""

from contextlib import AbstractContextManager, nullcontext

import torch

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Precision:
    """How the networks compute; losses, penalties and parameters stay float32."""

    def __init__(self, name: str, device: torch.device) -> None:
        """Resolves `auto`: bf16 on a GPU that has it, else fp16 on a GPU, else fp32."""
        if name == "auto":
            on_gpu = device.type == "cuda"
            name = ("bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16") if on_gpu else "fp32"
        self.name = name
        self.device = device

    def forward(self) -> AbstractContextManager[object]:
        """The context in which quantities are computed."""
        if self.name == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=DTYPES[self.name])

    def scaler(self) -> torch.amp.GradScaler:
        """A loss scaler of its own for each player; it does nothing but in fp16."""
        return torch.amp.GradScaler(self.device.type, enabled=self.name == "fp16")
