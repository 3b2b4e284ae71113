"""Inference by the nearest centroid of a network: prototypical networks (Snell et al., NeurIPS 2017, Eq. 2)."""

from collections.abc import Mapping
from typing import Any, ClassVar, final

import torch
from pydantic import PositiveFloat
from torch import Tensor
from torch.nn import functional

from latentclust.api import Images, InferenceSpec, LatentclustError, Model, Posterior


@final
class NearestCentroid(InferenceSpec):
    """Softmax of the similarities with each centroid; the nearest one is the cluster.

    With the backbone `centroids` these are minus squared distances or cosines. Similarities of a map are interpolated
    to the size of the images. The style is that of the codes that the centroids read, and empty if they read features.

    Example:
        ```toml
        [networks.centroids]
        use = "centroids"
        frozen = true

        [inference]
        use = "nearest-centroid"
        temperature = 0.1
        ```
    """

    reads_maps: ClassVar[bool] = True

    network: str = "centroids"
    """Name of the centroids."""

    temperature: PositiveFloat = 1.0
    """Divisor of the similarities before the softmax. The clusters do not depend on it."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Name of the centroids."""
        return (self.network,)

    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        """Return the posterior. `state` and `rng` are not used.

        Raises:
            LatentclustError: If the network returns something other than one value per cluster.
        """
        found, style = self._read(model, images)
        if not isinstance(found, Tensor) or found.shape[1] != model.prior.clusters or found.dim() not in (2, 4):
            what = f"{self.network!r} does not return one similarity per cluster"
            raise LatentclustError.at("inference.network", what, "Name a network of the role centroids")
        logits = found.float() / self.temperature
        if logits.dim() > 2:
            logits = functional.interpolate(logits, size=images.shape[-2:], mode="bilinear", align_corners=False)
        style = logits.new_zeros(logits.shape[0], 0) if style is None else style.float()
        return Posterior(probabilities=logits.softmax(dim=1), style=style)

    def _read(self, model: Model, images: Images) -> tuple[Any, Tensor | None]:
        """Return the output of the network, and the style of the code that it reads, if it reads one."""
        if self.network not in model.codes_of:
            return model.read(self.network, images), None
        code = model.read(model.codes_of[self.network], images)
        return model.networks[self.network](code.vector()), code.style
