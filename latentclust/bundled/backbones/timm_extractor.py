"""Any timm model as a body (Wightman 2019), frozen or trained, with DCCS's dense layers on top (supplement F)."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean
from typing import final

import torch
from jaxtyping import Float
from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from latentclust.api import Extractor, ExtractorSpec, LatentclustError, Shape
from latentclust.bundled.backbones.layers import batch_norm, image_shape
from latentclust.bundled.backbones.pretrained import NONE, configuration, first_line, timm_body


@final
class Timm(ExtractorSpec):
    """A timm model without its classifier; the mid-network features are its pooled vector."""

    model: str = Field(examples=["test_resnet"])
    """A name that `timm.list_models()` knows, with or without a tag."""

    pretrained: str = NONE
    """`none`; `hub`; `installed`, from the extra latentclust[pretrained]; or the path of a .safetensors file of the
    model's state."""

    hidden: tuple[PositiveInt, ...] = ()
    """Widths of dense layers with batch norm and ReLU after the pooling; 500, 500, 2000 in DCCS."""

    size: PositiveInt | None = None
    """Side, in pixels, to which images are resized bilinearly first; 224 in DCCS."""

    normalise: bool = True
    """Standardise channels as the model was trained; for other than 3 channels, by the mean over its channels."""

    frozen_body: bool = False
    """Keep the timm model as it is, batch norm included, and train only the dense layers and heads."""

    def extractor(self, shape: Shape) -> Extractor:
        """The body for images `(c, h, w)`.

        Raises:
            LatentclustError: The model is unknown, its weights cannot be had, or it cannot take images of this size.
        """
        channels, height, width = image_shape("timm", shape)
        body = timm_body(self.model, self.pretrained, channels)
        side = (height, width) if self.size is None else (self.size, self.size)
        return TimmExtractor(self, body, channels, _pooled_width(self.model, body, (channels, *side)))

    def bare(self) -> "Timm":
        """The same body with fresh weights, to be overwritten by those of a model file."""
        return self.model_copy(update={"pretrained": NONE})


@final
class TimmExtractor(Extractor):
    """Resizes, standardises, extracts and projects."""

    def __init__(self, spec: Timm, body: nn.Module, channels: int, pooled_width: int) -> None:
        """A body from `(b, channels, h, w)` to `(b, pooled_width)`."""
        super().__init__()
        widths = (pooled_width, *spec.hidden)
        self.feature_width = pooled_width
        self.width = widths[-1]
        self.size = spec.size
        self.frozen = spec.frozen_body
        self.pretrained = spec.pretrained != NONE
        self.standardise = Standardise(body, channels) if spec.normalise else nn.Identity()
        self.body = frozen(body) if self.frozen else body
        self.hidden = nn.Sequential(*(_dense(*fan) for fan in pairwise(widths)))
        self.train()

    def preset(self) -> tuple[nn.Module, ...]:
        """The modules whose weights were loaded, and which a recipe's `init` leaves alone."""
        return (self.body,) if self.pretrained else ()

    def train(self, mode: bool = True) -> "TimmExtractor":
        """Sets the mode; a frozen body stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.body.eval()
        return self

    def forward(self, sample: Float[Tensor, "b c h w"]) -> tuple[Float[Tensor, "b width"], Float[Tensor, "b features"]]:
        """Representation `(b, width)` and pooled vector `(b, feature_width)`."""
        if self.size is not None:
            sample = functional.interpolate(sample, size=(self.size, self.size), mode="bilinear")
        pooled = self.body(self.standardise(sample)).flatten(1)
        return self.hidden(pooled), pooled


@final
class Standardise(nn.Module):
    """Subtracts the mean and divides by the deviation of the channels on which a timm model was trained."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, body: nn.Module, channels: int) -> None:
        """Where there are other channels than the model's, each is treated as the mean of those."""
        super().__init__()
        config = configuration(body)
        self.register_buffer("mean", _for_channels(config["mean"], channels))
        self.register_buffer("deviation", _for_channels(config["std"], channels))

    def forward(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Images in [0, 1] to standardised ones."""
        return (images - self.mean) / self.deviation


def _for_channels(statistic: Sequence[float], channels: int) -> Float[Tensor, "c 1 1"]:
    known = statistic if len(statistic) == channels else [fmean(statistic)] * channels
    return torch.tensor(known).reshape(-1, 1, 1)


def _dense(fan_in: int, fan_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(fan_in, fan_out, bias=False), batch_norm("batch", fan_out, 1), nn.ReLU())


def frozen(body: nn.Module) -> nn.Module:
    """Turns parameters into buffers: gradients still reach the input, and nothing that moves parameters finds any."""
    for module in body.modules():
        for name, parameter in tuple(module.named_parameters(recurse=False)):
            delattr(module, name)
            module.register_buffer(name, parameter.detach())
    return body


def _pooled_width(model: str, body: nn.Module, shape: Shape) -> int:
    """Size of the pooled vector, found by one pass: timm has no attribute that says it for every model."""
    try:
        with torch.no_grad():
            pooled: Tensor = body.eval()(torch.zeros(1, *shape))
    except (AssertionError, RuntimeError) as error:
        what = f"{model} cannot take images of {shape[1]}x{shape[2]} pixels ({first_line(error)})"
        raise LatentclustError.at("timm.size", what, f"Set size = {configuration(body)['input_size'][-1]}") from error
    return pooled.flatten(1).shape[1]
