"""Frozen feature maps of a timm model in the place of images: what any system of label maps may cluster."""

from typing import ClassVar, final

import torch
from pydantic import NonNegativeFloat, PositiveFloat
from torch.nn import functional

from latentclust.api import DeviceViewSpec, Images, Shape
from latentclust.bundled.backbones.timm_maps import TimmLevels, frozen_maps
from latentclust.bundled.views.shapes import image_shape


@final
class TimmFeatures(TimmLevels, DeviceViewSpec):
    """Replaces images by a frozen model's maps at the images' own size; the last preprocessing step.

    Features are divided by `scale` and put about 0.5, so that they lie where images do. A model file does not hold the
    frozen weights: reading it again needs the same extra, hub or file. `pretrained = "none"` is one random set.
    """

    random: ClassVar[bool] = False

    scale: PositiveFloat = 10.0
    """What features are divided by."""

    centre: bool = False
    """Subtract each channel's mean over the image, which takes away what is common to all of its pixels."""

    keep: NonNegativeFloat = 0.0
    """Put the image's own channels, times this, before the features; 0 for none."""

    @torch.no_grad()
    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """Images `(b, c, h, w)` to features `(b, f, h, w)`, interpolated bilinearly."""
        model = frozen_maps(self._levels(), images.shape[1], images.device)
        height, width = images.shape[2:]
        padded = functional.pad(images, (0, -width % model.stride, 0, -height % model.stride), mode="replicate")
        maps = functional.interpolate(model(padded).float(), size=padded.shape[2:], mode="bilinear")
        maps = maps[..., :height, :width]
        if self.centre:
            maps = maps - maps.mean(dim=(2, 3), keepdim=True)
        features = maps / self.scale + 0.5
        return Images(torch.cat((self.keep * images, features), dim=1) if self.keep else features)

    def output_shape(self, shape: Shape) -> tuple[int, int, int]:
        """As many channels as the levels have; raises LatentclustError where the weights are not to be had."""
        channels, height, width = image_shape("timm-features", shape)
        features = frozen_maps(self._levels(), channels, torch.device("cpu")).width
        return features + (channels if self.keep else 0), height, width

    def _levels(self) -> TimmLevels:
        """The options that choose the model, without those of this step."""
        return TimmLevels.model_construct(**{name: getattr(self, name) for name in TimmLevels.model_fields})
