"""Fully connected networks: for vectors in ClusterGAN and DLS; critic and discriminator of DCCS (Tables 9 and 10)."""

from itertools import pairwise
from math import prod
from typing import Literal, final

from pydantic import PositiveInt, model_validator
from torch import nn

from latentclust.api import Extractor, LatentclustError, Shape
from latentclust.bundled.backbones.layers import LayeredSpec, StagedExtractor, output_layer


@final
class Mlp(LayeredSpec):
    """Linear layers with activations. Images are flattened at the input and restored at the output.

    Without hidden layers an extractor is the identity and a decoder is linear.

    Example:
        ```toml
        [networks.critic]
        use = "mlp"
        reads = "latent"
        hidden = [1024, 512]
        ```
    """

    hidden: tuple[PositiveInt, ...] = (256, 256)
    """Widths of the layers, in order."""

    linear_output: bool = False
    """Whether the last layer of an extractor is linear, without normalisation and activation: a projection (SimCLR)."""

    features: Literal["first-layer", "input"] = "first-layer"
    """Mid-network features: the activations of the first hidden layer, or the flattened input, which DCCS's
    discriminator reads if the input is features of a frozen network."""

    @model_validator(mode="after")
    def _has_an_output_layer(self) -> "Mlp":
        if self.linear_output and not self.hidden:
            raise ValueError("linear_output requires at least one width in hidden: the last one is that of the output")
        return self

    def extractor(self, shape: Shape) -> Extractor:
        """Return the body for samples of any shape."""
        widths = (prod(shape), *self.hidden)
        layers: list[nn.Module] = [self.linear(*fan) for fan in pairwise(widths)]
        if self.linear_output:
            layers[-1] = nn.Linear(widths[-2], widths[-1])
        first = 0 if self.features == "input" else 1
        stem = nn.Sequential(nn.Flatten(), *layers[:first])
        rest = nn.Sequential(*layers[first:])
        return StagedExtractor(stem, rest, feature_width=widths[: 1 + first][-1], width=widths[-1])

    def decoder(self, width: int, shape: Shape) -> nn.Module:
        """Return a module from `(b, width)` to `(b, *shape)`.

        Raises:
            LatentclustError: With `linear_output`, since the output layer of a generator is linear already.
        """
        if self.linear_output:
            what = "is an option of extractors, and a generator ends in a linear layer anyway"
            raise LatentclustError.at("linear_output", what, "Remove it")
        widths = (width, *self.hidden)
        last = nn.Linear(widths[-1], prod(shape))
        layers = [self.linear(*fan) for fan in pairwise(widths)]
        return nn.Sequential(*layers, last, nn.Unflatten(1, shape), output_layer(self.output))
