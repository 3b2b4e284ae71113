"""Tensors with a row for each training sample: where they live, and the rows of a batch."""

from collections.abc import Mapping

import torch
from jaxtyping import Int64
from torch import Tensor


def place_tensors(tensors: Mapping[str, Tensor], device: torch.device, memory_limit: int) -> dict[str, Tensor]:
    """The tensors on the device where they fit the limit, bytes, else in the host's memory, pinned for a GPU."""
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    if size <= memory_limit:
        return {name: tensor.to(device) for name, tensor in tensors.items()}
    host = {name: tensor.cpu() for name, tensor in tensors.items()}
    return {name: tensor.pin_memory() if device.type == "cuda" else tensor for name, tensor in host.items()}


def select_rows(tensor: Tensor, index: Int64[Tensor, " b"], device: torch.device) -> Tensor:
    """The rows of a batch, `(b, ...)`, on the device."""
    return tensor.index_select(0, index.to(tensor.device)).to(device, non_blocking=True)
