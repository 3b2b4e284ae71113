"""The most informative of several sub-heads: IIC (Ji et al., ICCV 2019)."""

from collections.abc import Iterable, Mapping
from typing import ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor

from latentclust.api import Images, InferenceSpec, LatentclustError, Model, Posterior


@final
class BestHead(InferenceSpec):
    """Softmax of the sub-head that shares the most information with the training images; no style.

    IIC keeps the sub-head of lowest loss. At read-out there are no views to compute that loss with; what is compared
    instead is `I(x; y) = H(mean p) - mean H(p)`, nats, of the training images' cluster probabilities. Labels are not
    read.
    """

    reads_maps: ClassVar[bool] = True

    network: str = "heads"
    """The name of the heads that it reads."""

    trunk: str | None = None
    """The trunk whose features the heads read, where they read features."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The heads, and their trunk."""
        return (self.network,) if self.trunk is None else (self.network, self.trunk)

    def fit(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> dict[str, Tensor]:
        """`head`, the 0-based index of the sub-head, int64; `information` `(h,)`, of each sub-head, nats."""
        information = information_of(self._logits(model, images) for images in batches)
        return {"head": information.argmax(), "information": information}

    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        """The chosen sub-head's posterior; `rng` is not read."""
        logits = self._logits(model, images)
        chosen = logits.index_select(1, state["head"].to(logits.device).view(1)).squeeze(1)  # (b, k), or (b, k, y, x)
        return Posterior(probabilities=chosen.softmax(dim=1), style=chosen.new_zeros(len(chosen), 0))

    def _logits(self, model: Model, images: Images) -> Float[Tensor, "b h k *s"]:
        sample = images if self.trunk is None else model.networks[self.trunk](images)
        logits = model.networks[self.network](sample)
        if not isinstance(logits, Tensor) or logits.dim() not in (3, 5):
            raise LatentclustError.at(
                "inference.network", f"{self.network!r} has no sub-heads", "Name a network of the role heads"
            )
        return logits.float()


def information_of(batches: Iterable[Float[Tensor, "_ h k *s"]]) -> Float[Tensor, " h"]:
    """Mutual information between sample, or pixel, and cluster of each sub-head, nats, in [0, log K].

    Batches are added up in float64, so that a set of label maps need not be whole in memory.
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
