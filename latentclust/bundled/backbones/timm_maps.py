"""Feature maps of timm models (Wightman 2019), with several levels resampled to one resolution, for label maps."""

from functools import lru_cache
from typing import Annotated, final

import torch
from jaxtyping import Float
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from latentclust.api import LatentclustError, MapExtractor, MapExtractorSpec, Shape, Spec, fork_generators
from latentclust.bundled.backbones.layers import image_shape
from latentclust.bundled.backbones.pretrained import INSTALLED, NONE, first_line, timm_body, weights_origin
from latentclust.bundled.backbones.timm_extractor import Standardise, frozen

Levels = Annotated[tuple[NonNegativeInt, ...], Field(min_length=1)]


class TimmLevels(Spec):
    """The options of a backbone and of a preprocessing step that choose the feature maps of a timm model."""

    model: str = Field(default="tf_efficientnet_lite0", examples=["test_resnet"])
    """Name of a model in `timm.list_models()`, with or without a tag."""

    pretrained: str = Field(default=INSTALLED, examples=[NONE])
    """Source of the weights: `none`, `hub`, `installed` (from the extra latentclust[pretrained]), or the path of a
    .safetensors file with the state of the model."""

    levels: Levels = (1,)
    """Levels of the feature maps. Level 0 is the finest; most models have strides 2, 4, 8, 16, 32."""

    enlarge: PositiveInt = 1
    """Factor by which images are enlarged bilinearly in front of the model. Maps get finer by the same factor."""

    normalise: bool = True
    """Whether channels are standardised as in the training of the model. Images without 3 channels use the mean of its
    statistics."""

    def weights_origin(self) -> str:
        """Return the model and how its weights were trained."""
        return weights_origin(self.model, self.pretrained)


@final
class TimmMaps(TimmLevels, MapExtractorSpec):
    """Feature maps of a timm model at several levels, interpolated to the finest of them and concatenated.

    Example:
        ```toml
        [networks.trunk]
        use = "timm-maps"
        model = "tf_efficientnet_lite0"
        levels = [1, 2]
        frozen_body = true
        ```
    """

    frozen_body: bool = False
    """Whether the timm model, batch norm included, is frozen."""

    def bare(self) -> MapExtractorSpec:
        """Return this body without pretrained weights, since a model file provides them."""
        return self.model_copy(update={"pretrained": NONE})

    def map_extractor(self, shape: Shape) -> MapExtractor:
        """Return the body for images `(c, h, w)`.

        Raises:
            LatentclustError: If the model is unknown, its weights are unavailable, or it does not accept this size.
        """
        channels, height, width = image_shape("timm-maps", shape)
        maps = LevelMaps(self, channels, self.frozen_body)
        _check_size(maps, (channels, height, width))
        return maps


@final
class LevelMaps(MapExtractor):
    """A map extractor that resamples the feature maps of a timm model to one size."""

    def __init__(self, spec: TimmLevels, channels: int, freeze: bool) -> None:
        super().__init__()
        body = timm_body(spec.model, spec.pretrained, channels, spec.levels)
        info = body.feature_info
        reductions: list[int] = info.reduction()  # type: ignore[operator, union-attr]
        widths: list[int] = info.channels()  # type: ignore[operator, union-attr]
        if min(reductions) % spec.enlarge:
            what = f"{spec.enlarge} does not divide the stride {min(reductions)} of the maps"
            raise LatentclustError.at("timm.enlarge", what, f"Use a divisor of {min(reductions)}")
        self.width, self.stride = sum(widths), min(reductions) // spec.enlarge
        self.enlarge, self.frozen, self.pretrained = spec.enlarge, freeze, spec.pretrained != NONE
        self.standardise = Standardise(body, channels) if spec.normalise else nn.Identity()
        self.body = frozen(body) if freeze else body
        self.train()

    def preset(self) -> tuple[nn.Module, ...]:
        """Return the model if it is pretrained, since the `init` of a recipe must not change it."""
        return (self.body,) if self.pretrained else ()

    def train(self, mode: bool = True) -> "LevelMaps":
        """Set the mode. A frozen body stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.body.eval()
        return self

    def forward(self, sample: Float[Tensor, "b c h w"]) -> Float[Tensor, "b width y x"]:
        """Return the concatenated maps at the stride of the finest."""
        size = [side // self.stride for side in sample.shape[2:]]
        if self.enlarge > 1:
            sample = functional.interpolate(sample, scale_factor=float(self.enlarge), mode="bilinear")
        maps = self.body(self.standardise(sample))
        return torch.cat([functional.interpolate(level, size=size, mode="bilinear") for level in maps], dim=1)


@lru_cache(maxsize=4)
def frozen_maps(spec: TimmLevels, channels: int, device: torch.device) -> LevelMaps:
    """Return a frozen model in evaluation mode, cached per process. Random weights are always the same."""
    with fork_generators(torch.device("cpu")):
        torch.default_generator.manual_seed(0)
        return LevelMaps(spec, channels, freeze=True).to(device).eval()


def _check_size(maps: LevelMaps, shape: tuple[int, int, int]) -> None:
    """Raise LatentclustError if the model does not accept images of a shape."""
    try:
        with torch.no_grad():
            maps.eval()(torch.zeros(1, *shape))
    except (AssertionError, RuntimeError) as error:
        what = f"the model cannot take images of {shape[1]}x{shape[2]} pixels ({first_line(error)})"
        raise LatentclustError.at("timm.model", what, "Use larger images, or another model") from error
    maps.train()
