"""The feature maps of any timm model (Wightman 2019), several levels brought to one: for networks of label maps."""

from functools import lru_cache
from typing import Annotated, final

import torch
from jaxtyping import Float
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from latentclust.api import LatentclustError, MapExtractor, MapExtractorSpec, Shape, Spec
from latentclust.bundled.backbones.layers import image_shape
from latentclust.bundled.backbones.pretrained import INSTALLED, NONE, first_line, timm_body
from latentclust.bundled.backbones.timm_extractor import Standardise, frozen

Levels = Annotated[tuple[NonNegativeInt, ...], Field(min_length=1)]


class TimmLevels(Spec):
    """Which maps of which model; what a backbone and a preprocessing step share."""

    model: str = Field(default="tf_efficientnet_lite0", examples=["test_resnet"])
    """A name that `timm.list_models()` knows, with or without a tag."""

    pretrained: str = Field(default=INSTALLED, examples=[NONE])
    """`none`; `hub`; `installed`, from the extra latentclust[pretrained]; or the path of a .safetensors file of the
    model's state."""

    levels: Levels = (1,)
    """The levels of the model's maps, from the finest, 0: strides 2, 4, 8, 16, 32 of most models."""

    enlarge: PositiveInt = 1
    """How many times images are enlarged, bilinearly, before the model sees them; maps are as much finer."""

    normalise: bool = True
    """Standardise channels as the model was trained; for other than 3 channels, by the mean over its channels."""


@final
class TimmMaps(TimmLevels, MapExtractorSpec):
    """Maps of a timm model's levels, interpolated to the finest of them and put side by side."""

    frozen_body: bool = False
    """Keep the timm model as it is, batch norm included."""

    def bare(self) -> MapExtractorSpec:
        """The same body without pretrained weights."""
        return self.model_copy(update={"pretrained": NONE})

    def map_extractor(self, shape: Shape) -> MapExtractor:
        """The body for images `(c, h, w)`; raises LatentclustError where the model or its weights are not to be had."""
        channels, height, width = image_shape("timm-maps", shape)
        maps = LevelMaps(self, channels, self.frozen_body)
        _check_size(maps, (channels, height, width))
        return maps


@final
class LevelMaps(MapExtractor):
    """The model and what brings its maps to one size."""

    def __init__(self, spec: TimmLevels, channels: int, freeze: bool) -> None:
        super().__init__()
        body = timm_body(spec.model, spec.pretrained, channels, spec.levels)
        info = body.feature_info
        reductions: list[int] = info.reduction()  # type: ignore[operator, union-attr]
        widths: list[int] = info.channels()  # type: ignore[operator, union-attr]
        if min(reductions) % spec.enlarge:
            what = f"images enlarged {spec.enlarge} times, and maps of stride {min(reductions)}"
            raise LatentclustError.at("timm.enlarge", what, f"Use a divisor of {min(reductions)}")
        self.width, self.stride = sum(widths), min(reductions) // spec.enlarge
        self.enlarge, self.frozen, self.pretrained = spec.enlarge, freeze, spec.pretrained != NONE
        self.standardise = Standardise(body, channels) if spec.normalise else nn.Identity()
        self.body = frozen(body) if freeze else body
        self.train()

    def preset(self) -> tuple[nn.Module, ...]:
        """The model, where its weights were loaded."""
        return (self.body,) if self.pretrained else ()

    def train(self, mode: bool = True) -> "LevelMaps":
        """Sets the mode; a frozen body stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.body.eval()
        return self

    def forward(self, sample: Float[Tensor, "b c h w"]) -> Float[Tensor, "b width y x"]:
        """The maps, at the stride of the finest."""
        size = [side // self.stride for side in sample.shape[2:]]
        if self.enlarge > 1:
            sample = functional.interpolate(sample, scale_factor=float(self.enlarge), mode="bilinear")
        maps = self.body(self.standardise(sample))
        return torch.cat([functional.interpolate(level, size=size, mode="bilinear") for level in maps], dim=1)


@lru_cache(maxsize=4)
def frozen_maps(spec: TimmLevels, channels: int, device: torch.device) -> LevelMaps:
    """A frozen model in evaluation mode, loaded once a process and device; random weights are always the same."""
    with torch.random.fork_rng(devices=()):
        torch.default_generator.manual_seed(0)
        return LevelMaps(spec, channels, freeze=True).to(device).eval()


def _check_size(maps: LevelMaps, shape: tuple[int, int, int]) -> None:
    """Raises LatentclustError where the model cannot take images of that size."""
    try:
        with torch.no_grad():
            maps.eval()(torch.zeros(1, *shape))
    except (AssertionError, RuntimeError) as error:
        what = f"the model cannot take images of {shape[1]}x{shape[2]} pixels ({first_line(error)})"
        raise LatentclustError.at("timm.model", what, "Use larger images, or another model") from error
    maps.train()
