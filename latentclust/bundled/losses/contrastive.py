"""Contrastive loss of two views of each image: SimCLR (Chen et al., ICML 2020, Eq. 1)."""

from typing import final

import torch
from pydantic import PositiveFloat
from torch.nn import functional

from latentclust.api import Features, LatentclustError, LossSpec, Scalar


@final
class Contrastive(LossSpec):
    """NT-Xent: cross-entropy of finding the other view of an image among all other views of the batch, nats.

    Views are compared by cosine similarity. The loss is `log(2b - 1)` for projections that are all equal, and
    approaches 0 if the two views of an image are alike and no others, at a low temperature. In data-parallel training
    the other views are those of the same device.

    Example:
        ```toml
        [losses.contrastive]
        use = "contrastive"
        player = "pretext"
        temperature = 0.2
        ```
    """

    temperature: PositiveFloat = 0.5
    """Divisor of the cosine similarities. A low one makes the most similar images count most."""

    def __call__(self, projection_of_view: Features, projection_of_second: Features) -> Scalar:
        """Return the loss of two batches of projections, `(b, d)` each.

        Raises:
            LatentclustError: If the projections are maps.
        """
        if projection_of_view.dim() != 2:
            what = f"contrastive expects one vector per image, got shape {tuple(projection_of_view.shape)}"
            raise LatentclustError.at("losses", what, "Use a trunk of whole images")
        count = len(projection_of_view)
        points = functional.normalize(torch.cat((projection_of_view, projection_of_second)).float(), dim=1)
        similarities = points @ points.T / self.temperature
        similarities = similarities.masked_fill(
            torch.eye(2 * count, dtype=torch.bool, device=points.device), -torch.inf
        )
        partners = torch.arange(2 * count, device=points.device).roll(count)
        return Scalar(functional.cross_entropy(similarities, partners))
