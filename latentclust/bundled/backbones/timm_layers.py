"""Vectors of several layers of a timm model: means over positions and class tokens, as in DINOv2's linear evaluation.

Oquab et al. 2023, "DINOv2: Learning Robust Visual Features without Supervision".
"""

from typing import Literal, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from latentclust.api import LatentclustError
from latentclust.bundled.backbones.pretrained import configuration

Output = Literal["pooled", "token", "token-and-pooled"]


@final
class LayerVectors(nn.Module):
    """A timm model that returns vectors of some of its layers, concatenated from the first layer to the last.

    Args:
        name: Name of the model.
        model: The model.
        layers: Numbers of the layers, from 0; negative numbers count from the last layer.
        output: Mean over the positions of a layer, its class token, or both.

    Raises:
        LatentclustError: If the model has no such layers, or no class token.
    """

    def __init__(self, name: str, model: nn.Module, layers: tuple[int, ...], output: Output) -> None:
        super().__init__()
        self.model, self.output = model, output
        self.pretrained_cfg = configuration(model)
        self.layers = sorted(_checked_layers(name, model, layers))
        if output != "pooled" and not getattr(model, "num_prefix_tokens", 0):
            raise LatentclustError.at("timm.output", f"{name} has no class token", "Set output = 'pooled'")

    def forward(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b width"]:
        """Return the vectors. Layers are normalised as the last one where timm supports it."""
        tokens = {"return_prefix_tokens": True} if self.output != "pooled" else {}
        options = {"norm": True, "output_fmt": "NCHW", "intermediates_only": True, "stop_early": True}
        found = self.model.forward_intermediates(images, indices=self.layers, **options, **tokens)  # type: ignore[operator]
        return torch.cat([self._vector(layer) for layer in found], dim=1)

    def _vector(self, layer: Tensor | tuple[Tensor, Tensor]) -> Tensor:
        """Return the vector of a layer, which is a map `(b, c, h, w)`, or a map and prefix tokens `(b, t, c)`."""
        if isinstance(layer, Tensor):
            return layer.mean(dim=(2, 3))
        positions, prefix = layer
        token = prefix[:, 0]
        return token if self.output == "token" else torch.cat((token, positions.mean(dim=(2, 3))), dim=1)


def _checked_layers(name: str, model: nn.Module, layers: tuple[int, ...]) -> set[int]:
    """Return the numbers of the layers from 0; the last layer if none is given."""
    count = len(model.feature_info) if hasattr(model, "forward_intermediates") else 0  # type: ignore[arg-type]
    if not count:
        fix = "Leave out timm.layers and timm.output, or choose another model"
        raise LatentclustError.at("timm.model", f"timm gives no layers of {name}", fix)
    wrong = [layer for layer in layers if not -count <= layer < count]
    if wrong:
        what = f"{name} has no layer {wrong[0]}: it has {count} layers"
        raise LatentclustError.at("timm.layers", what, f"Use numbers from 0 to {count - 1}, or -1 for the last layer")
    return {layer % count for layer in layers or (-1,)}
