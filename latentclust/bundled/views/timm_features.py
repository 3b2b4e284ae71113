"""Frozen feature maps of a timm model as input of any system of label maps."""

from typing import ClassVar, final

import torch
from pydantic import NonNegativeFloat, PositiveFloat
from torch.nn import functional

from latentclust.api import DeviceViewSpec, Images, Shape
from latentclust.bundled.backbones.timm_maps import TimmLevels, frozen_maps
from latentclust.bundled.views.shapes import image_shape


@final
class TimmFeatures(TimmLevels, DeviceViewSpec):
    """Replaces images by the feature maps of a frozen timm model (Wightman 2019) at the size of the images.

    It must be the last preprocessing step. Features are divided by `scale` and shifted by 0.5 to the range of images.
    Model files do not contain the frozen weights: opening one needs the same extra, hub or file.
    `pretrained = "none"` always yields the same random weights.

    Example:
        ```toml
        [data]
        use = "dubai"
        preprocess = [{ use = "timm-features", levels = [1, 2], centre = true }]
        ```
    """

    random: ClassVar[bool] = False

    scale: PositiveFloat = 10.0
    """Divisor of the features."""

    centre: bool = False
    """Whether the mean of each channel over the image is subtracted, which removes what all its pixels share."""

    keep: NonNegativeFloat = 0.0
    """Factor of the channels of the image, which are put in front of the features. 0 omits them."""

    @torch.no_grad()
    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """Return the features `(b, f, h, w)` of images `(b, c, h, w)`, interpolated bilinearly."""
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
        """Return the shape with the channels of the features. Raise LatentclustError if the weights are unavailable."""
        channels, height, width = image_shape("timm-features", shape)
        features = frozen_maps(self._levels(), channels, torch.device("cpu")).width
        return features + (channels if self.keep else 0), height, width

    def _levels(self) -> TimmLevels:
        """Return the options of the model without those of this step."""
        return TimmLevels.model_construct(**{name: getattr(self, name) for name in TimmLevels.model_fields})
