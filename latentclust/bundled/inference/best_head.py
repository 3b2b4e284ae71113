"""Inference by the most informative of several sub-heads: IIC (Ji et al., ICCV 2019)."""

from collections.abc import Iterable, Mapping
from typing import ClassVar, final

import torch
from jaxtyping import Float
from pydantic import NonNegativeInt
from torch import Tensor
from torch.nn import functional

from latentclust.api import Images, InferenceSpec, LatentclustError, Model, Posterior, PriorSpec
from latentclust.bundled.losses.invariant_information import log_joint
from latentclust.bundled.nearest_neighbours import nearest
from latentclust.bundled.thinning import thinned

SAMPLE = 10_000
"""Largest number of images among which neighbours are compared, evenly spread."""


@final
class BestHead(InferenceSpec):
    """Softmax of the sub-head with the most mutual information with the training images. The style is empty.

    IIC takes the sub-head of lowest loss. That loss needs views, which inference does not have; the criterion here is
    `I(x; y) = H(mean p) - mean H(p)` in nats, from the cluster probabilities p of the training images. With
    `neighbours` it is the information between the clusters of an image and of its neighbours, which is nearer to the
    losses of TEMI and SCAN. Labels are not used.

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

    neighbours: NonNegativeInt = 0
    """Number of nearest neighbours of an image, by the cosine of what the network represents it by, whose clusters are
    compared with its own. 0: none."""

    @property
    def represents(self) -> tuple[str, ...]:
        """Name of the heads if neighbours are compared."""
        return (self.network,) if self.neighbours else ()

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the heads and their trunk."""
        return (self.network,) if self.trunk is None else (self.network, self.trunk)

    def objection(self, prior: PriorSpec) -> str | None:
        """Return why neighbours cannot choose a sub-head of label maps."""
        return "neighbours are those of whole images (neighbours = 0)" if self.neighbours and prior.per_pixel else None

    def fit(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> dict[str, Tensor]:
        """Return `head`, the 0-based index of the best sub-head, int64, and `information` `(h,)` of each in nats."""
        if self.neighbours:
            read = ((self._logits(model, images), model.represent(self.network, images)) for images in batches)
            logits, points = thinned(read, SAMPLE)
            information = neighbour_information((logits, points), self.neighbours)
        else:
            information = head_information(self._logits(model, images) for images in batches)
        return {"head": information.argmax(), "information": information}

    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        """Return the posterior of the best sub-head. `rng` is not used."""
        logits = self._logits(model, images)
        best = logits.index_select(1, state["head"].to(logits.device).view(1)).squeeze(1)  # (b, k), or (b, k, y, x)
        return Posterior(probabilities=best.softmax(dim=1), style=best.new_zeros(best.shape[0], 0))

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


Read = tuple[Float[Tensor, "_ h k"], Float[Tensor, "_ f"]]
"""Logits of a batch, and the points by which its images are compared."""


def neighbour_information(read: Read, count: int) -> Float[Tensor, " h"]:
    """Return the information between the clusters of images and of their neighbours of each sub-head in nats.

    Args:
        read: Logits and points of the images.
        count: Number of neighbours of an image, at most all others.
    """
    logits, points = read
    near = nearest(functional.normalize(points.float(), dim=1), min(count, len(points) - 1))
    log_p = logits.float().log_softmax(dim=2)
    mean_of_near = torch.stack([log_p[column].exp() for column in near.T]).mean(dim=0).clamp_min(1e-12).log()
    joint = log_joint(log_p, mean_of_near).double()  # (h, k, k)
    marginal = joint.logsumexp(dim=2)
    independent = marginal[:, :, None] + marginal[:, None, :]
    return (joint.exp() * (joint - independent)).sum(dim=(1, 2)).float()
