"""A start that continues with the best of several sub-heads: SCAN (Van Gansbeke et al., ECCV 2020, section 2.3)."""

from collections.abc import Iterable, Mapping
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from latentclust.api import Images, LatentclustError, Model, StartSpec
from latentclust.bundled.inference.best_head import head_information

LAYER = ("head.weight", "head.bias")
"""Names of the layer of all sub-heads in the state of a network of the role heads."""


@final
class BestHeadStart(StartSpec):
    """Gives every sub-head the weights of the one with the most mutual information with the training images.

    The criterion is that of the inference `best-head`. From then on the sub-heads are equal, so that a trunk which they
    share learns from the best one alone. SCAN takes the sub-head of lowest loss, which needs neighbours.

    Example:
        ```toml
        [stages.self-labelling]
        rounds = 1000
        start = { use = "best-head" }
        ```
    """

    network: str = "heads"
    """Name of the heads."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Name of the heads."""
        return (self.network,)

    def weights(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Mapping[str, Tensor]:
        """Return weight and bias of the sub-heads. `rng` is not used.

        Raises:
            LatentclustError: If the network has no sub-heads.
        """
        state = model.networks[self.network].state_dict()
        if not set(LAYER) <= state.keys():
            what = f"{self.network!r} has no linear sub-heads"
            raise LatentclustError.at("best-head.network", what, "Name a network of the role heads")
        information = head_information(model.read(self.network, images).float() for images in batches)
        return {f"{self.network}.{name}": of_best(state[name], information) for name in LAYER}


def of_best(value: Tensor, information: Float[Tensor, " h"]) -> Tensor:
    """Return the part of the most informative sub-head of a tensor `(h k, *)`, repeated for each sub-head."""
    parts = value.chunk(len(information))
    return parts[int(information.argmax())].repeat(len(parts), *(1 for _ in value.shape[1:]))
