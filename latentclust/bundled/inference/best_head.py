"""Inference by the most informative of several sub-heads: IIC (Ji et al., ICCV 2019)."""

from collections.abc import Iterable, Mapping
from typing import ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor

from latentclust.api import Images, InferenceSpec, LatentclustError, Model, Posterior


@final
class BestHead(InferenceSpec):
    """Softmax of the sub-head with the most mutual information with the training images. The style is empty.

    IIC takes the sub-head of lowest loss. That loss needs views, which inference does not have; the criterion here is
    `I(x; y) = H(mean p) - mean H(p)` in nats, from the cluster probabilities p of the training images. Labels are not
    used.

    Example:
        ```toml
        [inference]
        use = "best-head"
        trunk = "trunk"
        ```
    """

    reads_maps: ClassVar[bool] = True

    network: str = "heads"
    """Name of the heads."""

    trunk: str | None = None
    """Name of the trunk whose features the heads read. None: what the recipe says they read."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the heads and their trunk."""
        return (self.network,) if self.trunk is None else (self.network, self.trunk)

    def fit(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> dict[str, Tensor]:
        """Return `head`, the 0-based index of the best sub-head, int64, and `information` `(h,)` of each in nats."""
        information = head_information(self._logits(model, images) for images in batches)
        return {"head": information.argmax(), "information": information}

    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        """Return the posterior of the best sub-head. `rng` is not used."""
        logits = self._logits(model, images)
        best = logits.index_select(1, state["head"].to(logits.device).view(1)).squeeze(1)  # (b, k), or (b, k, y, x)
        return Posterior(probabilities=best.softmax(dim=1), style=best.new_zeros(len(best), 0))

    def _logits(self, model: Model, images: Images) -> Float[Tensor, "b h k *s"]:
        trunk, heads = self.trunk and model.networks[self.trunk], model.networks[self.network]
        logits = heads(trunk(images)) if trunk else model.read(self.network, images)
        if not isinstance(logits, Tensor) or logits.dim() not in (3, 5):
            raise LatentclustError.at(
                "inference.network", f"{self.network!r} has no sub-heads", "Name a network of the role heads"
            )
        return logits.float()


def head_information(batches: Iterable[Float[Tensor, "_ h k *s"]]) -> Float[Tensor, " h"]:
    """Return the mutual information between sample (or pixel) and cluster of each sub-head in nats, in [0, log K].

    Batches are accumulated in float64, so that label maps need not fit in memory together.
    """
    count, mean, negentropy = 0, torch.zeros(()), torch.zeros(())
    for logits in batches:
        log_p = logits.log_softmax(dim=2).flatten(3) if logits.dim() > 3 else logits.log_softmax(dim=2)[..., None]
        p = log_p.exp()  # (b, h, k, s)
        mean = mean.to(p.device) + p.sum(dim=(0, 3), dtype=torch.float64)
        negentropy = negentropy.to(p.device) + (p * log_p).sum(dim=(0, 2, 3), dtype=torch.float64)
        count += p.shape[0] * p.shape[3]
    information: Tensor = negentropy / count + torch.special.entr(mean / count).sum(dim=1)
    return information.clamp_min(0).float()
