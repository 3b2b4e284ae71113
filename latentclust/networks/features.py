"""The frozen network whose output a feature bank stores."""

import torch
from torch import Tensor, nn

from latentclust.specs.backbones import Extractor
from latentclust.tensors import Images

IMAGE_RANK = 4


class FeatureNetwork(nn.Module):
    """A frozen backbone from images to feature vectors, rounded to the 16 bits in which a bank stores them.

    Args:
        body: Body of the backbone.
        precision: `fp32` or `bf16`.
    """

    def __init__(self, body: Extractor, precision: str) -> None:
        super().__init__()
        self.body = body
        self.width = body.width
        self.bf16 = precision == "bf16"
        self.requires_grad_(False).eval().to(memory_format=torch.channels_last)

    def train(self, mode: bool = True) -> "FeatureNetwork":
        """Stay in evaluation mode."""
        super().train(False)
        return self

    @torch.no_grad()
    def forward(self, images: Images) -> Images:
        """Return the representation of images, `(b, width)` float32. It takes the place of the images."""
        if images.dim() == IMAGE_RANK:  # without gradients this layout is up to twice as fast
            images = Images(images.contiguous(memory_format=torch.channels_last))
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.bf16):
            features: Tensor = self.body(images)[0]
        return Images(features.float().half().float())
