"""The network whose features a Fréchet distance compares."""

from dataclasses import dataclass

import torch
from torch import Tensor

from latentclust.plugins.registry import installed
from latentclust.specs.backbones import Extractor, ExtractorSpec
from latentclust.tensors import Images, Shape

OPTION = "--features"


@dataclass(frozen=True, slots=True)
class FeatureNetwork:
    """A frozen network from samples to feature vectors.

    Attributes:
        name: Model, source of the weights and size of its images, printed with every distance.
        extractor: The network, in evaluation mode. None compares the values of the samples themselves.
    """

    name: str
    extractor: Extractor | None = None

    @torch.no_grad()
    def __call__(self, images: Images) -> Tensor:
        """Return the features of samples `(b, d)`, float32."""
        if self.extractor is None:
            return images.flatten(1).float()
        features: Tensor = self.extractor(images)[1]
        return features.float()


def values_themselves() -> FeatureNetwork:
    """Return the identity: the distance compares the values of the samples, as suits vectors."""
    return FeatureNetwork("the values themselves")


def timm_features(model: str, weights: str, size: int | None, shape: Shape, device: torch.device) -> FeatureNetwork:
    """Return a timm model without its classifier.

    Args:
        model: Name of a model in `timm.list_models()`.
        weights: `installed`, `hub`, `none` or a .safetensors file, as for the backbone `timm`.
        size: Side in pixels of the square that images are resized to. None keeps their size.
        shape: Shape of one sample, `(c, h, w)`.
        device: Device of the samples.

    Raises:
        LatentclustError: If the model is unknown or its weights are not available.
    """
    options = {"model": model, "pretrained": weights, "size": size, "frozen_body": True}
    spec = installed().build("backbone", "timm", options, OPTION)
    assert isinstance(spec, ExtractorSpec), "the bundled backbone is one"
    side = f"{size} px" if size else "their own size"
    return FeatureNetwork(f"{model} ({weights} weights) at {side}", spec.extractor(shape).eval().to(device))
