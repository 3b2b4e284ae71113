"""timm models as extractors (Wightman 2019), frozen or trained, with the dense layers of DCCS (supplement F)."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean
from typing import final

import torch
from jaxtyping import Float
from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from latentclust.api import Extractor, ExtractorSpec, LatentclustError, Shape, Weights
from latentclust.bundled.backbones.layers import batch_norm, image_shape
from latentclust.bundled.backbones.pretrained import NONE, configuration, first_line, timm_body, weights_origin
from latentclust.bundled.backbones.timm_layers import LayerVectors, Output
from latentclust.bundled.backbones.weights import known_weights


@final
class Timm(ExtractorSpec):
    """A timm model without its classifier. The mid-network features are its pooled vector.

    Example:
        ```toml
        [networks.encoder]
        use = "timm"
        model = "resnet18"
        pretrained = "hub"
        size = 224
        hidden = [500, 500, 2000]
        frozen_body = true
        ```
    """

    model: str = Field(examples=["test_resnet"])
    """Name of a model in `timm.list_models()`, with or without a tag."""

    pretrained: str = NONE
    """Source of the weights: `none`, `hub`, `installed` (from the extra latentclust[pretrained]), or the path of a
    .safetensors file with the state of the model."""

    hidden: tuple[PositiveInt, ...] = ()
    """Widths of dense layers with batch norm and ReLU after the pooling; 500, 500, 2000 in DCCS."""

    size: PositiveInt | None = None
    """Side in pixels of the square that images are first resized to, bilinearly; 224 in DCCS."""

    normalise: bool = True
    """Whether channels are standardised as in the training of the model. Images without 3 channels use the mean of its
    statistics."""

    layers: tuple[int, ...] = ()
    """Layers of the model whose vectors are concatenated, from the first to the last: blocks of a transformer, or
    stages of a convolutional network. They are counted from 0, and -1 is the last, which alone is read by default."""

    output: Output = "pooled"
    """Vector of a layer: `pooled`, the mean over its positions, `token`, the class token of a transformer, or
    `token-and-pooled`, both. Without `layers`, `pooled` is the model's own pooling."""

    frozen_body: bool = False
    """Whether the timm model, batch norm included, is frozen and only the dense layers and heads are trained."""

    def extractor(self, shape: Shape) -> Extractor:
        """Return the body for images `(c, h, w)`.

        Raises:
            LatentclustError: If the model is unknown, its weights are unavailable, it does not accept this size, or it
            has no such layers or no class token.
        """
        channels, height, width = image_shape("timm", shape)
        body = timm_body(self.model, self.pretrained, channels)
        if self.layers or self.output != "pooled":
            body = LayerVectors(self.model, body, self.layers, self.output)
        side = (height, width) if self.size is None else (self.size, self.size)
        return TimmExtractor(self, body, channels, _pooled_width(self.model, body, (channels, *side)))

    def weights_origin(self) -> str:
        """Return the model and how its weights were trained."""
        return weights_origin(self.model, self.pretrained)

    @classmethod
    def known_weights(cls) -> tuple[Weights, ...]:
        """Return the installed weights, and some of the hub's."""
        return known_weights()

    def bare(self) -> "Timm":
        """Return this body without pretrained weights, since a model file provides them."""
        return self.model_copy(update={"pretrained": NONE})


@final
class TimmExtractor(Extractor):
    """An extractor that resizes and standardises images and applies a timm model and dense layers."""

    def __init__(self, spec: Timm, body: nn.Module, channels: int, pooled_width: int) -> None:
        """Wrap a body from `(b, channels, h, w)` to `(b, pooled_width)`."""
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
        """Return the pretrained modules, which the `init` of a recipe must not change."""
        return (self.body,) if self.pretrained else ()

    def train(self, mode: bool = True) -> "TimmExtractor":
        """Set the mode. A frozen body stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.body.eval()
        return self

    def forward(self, sample: Float[Tensor, "b c h w"]) -> tuple[Float[Tensor, "b width"], Float[Tensor, "b features"]]:
        """Return the representation `(b, width)` and the pooled vector `(b, feature_width)`."""
        if self.size is not None:
            sample = functional.interpolate(sample, size=(self.size, self.size), mode="bilinear")
        pooled = self.body(self.standardise(sample)).flatten(1)
        return self.hidden(pooled), pooled


@final
class Standardise(nn.Module):
    """A layer that standardises channels with the statistics of the training images of a timm model."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, body: nn.Module, channels: int) -> None:
        """Read the statistics of a timm model. For another channel count every channel uses their mean."""
        super().__init__()
        config = configuration(body)
        self.register_buffer("mean", _for_channels(config["mean"], channels))
        self.register_buffer("deviation", _for_channels(config["std"], channels))

    def forward(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Return images in [0, 1] standardised."""
        return (images - self.mean) / self.deviation


def _for_channels(statistic: Sequence[float], channels: int) -> Float[Tensor, "c 1 1"]:
    known = statistic if len(statistic) == channels else [fmean(statistic)] * channels
    return torch.tensor(known).reshape(-1, 1, 1)


def _dense(fan_in: int, fan_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(fan_in, fan_out, bias=False), batch_norm("batch", fan_out, 1), nn.ReLU())


def frozen(body: nn.Module) -> nn.Module:
    """Turn parameters into buffers, which neither optimizers nor `init` change. Gradients still reach the input."""
    for module in body.modules():
        for name, parameter in tuple(module.named_parameters(recurse=False)):
            delattr(module, name)
            module.register_buffer(name, parameter.detach())
    return body


def _pooled_width(model: str, body: nn.Module, shape: Shape) -> int:
    """Return the size of the pooled vector from one pass. timm has no attribute with it for every model."""
    try:
        with torch.no_grad():
            pooled: Tensor = body.eval()(torch.zeros(1, *shape))
    except (AssertionError, RuntimeError) as error:
        what = f"{model} cannot take images of {shape[1]}x{shape[2]} pixels ({first_line(error)})"
        raise LatentclustError.at("timm.size", what, f"Set size = {configuration(body)['input_size'][-1]}") from error
    return pooled.flatten(1).shape[1]
