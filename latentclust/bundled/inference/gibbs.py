"""Clusters given styles, exactly: Xing et al. 2020, Eqs. 5 to 7, and what a log says of chains."""

from dataclasses import dataclass
from math import isfinite

import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from latentclust.api import Images, LatentclustError
from latentclust.bundled.inference.langevin import Joint


@dataclass(frozen=True, slots=True)
class ChainState:
    """Where the chains of a batch are.

    Attributes:
        style: z.
        label: y, 0-based.
        posterior: p(y | x, z) of the last sweep.
        energy: `-log p(x, y, z)` up to a constant; nats.
    """

    style: Float32[Tensor, "b s"]
    label: Int64[Tensor, " b"]
    posterior: Float32[Tensor, "b k"]
    energy: Float32[Tensor, " b"]

    def checked(self) -> "ChainState":
        """The same chain; raises LatentclustError, with the energy, where it has diverged."""
        check_energy(self.energy)
        return self


def check_energy(energy: Float[Tensor, "b *s"]) -> None:
    """Raises LatentclustError, with the energy, where chains have diverged."""
    total = float(energy.sum())
    if not isfinite(total):
        raise LatentclustError.at(
            "inference.step_size",
            f"the Langevin chains diverged: their energy is {total}",
            "Lower inference.step_size, or raise inference.noise",
        )


def every_cluster(images: Images, clusters: int) -> tuple[Images, Float32[Tensor, "bk k"]]:
    """Each image once for every cluster, `(b k, ...)`, and those clusters: the rows of one batched pass."""
    category = torch.eye(clusters, device=images.device).repeat(len(images), 1)
    return Images(images.repeat_interleave(clusters, dim=0)), category


@torch.no_grad()
def energies(joint: Joint, images: Images, styles: Float[Tensor, "b k s"]) -> Float32[Tensor, "b k"]:
    """`-log p(x, y, z_y)` for every cluster y, up to a constant, from one pass of the generator.

    One style for all clusters gives Eq. 7: the prior's part is then the same for all. Under no reach styles say
    nothing of the image, and their draws from the prior must say nothing of the cluster.
    """
    count, clusters = styles.shape[:2]
    style = styles.flatten(0, 1)
    energy = joint.misfit(*every_cluster(images, clusters), style)
    return (energy + joint.tension(style) if joint.reach else energy).view(count, clusters)


def diagnostics(
    joint: Joint, style: Float[Tensor, "b s"], energy: Float[Tensor, " b"], posterior: Float[Tensor, "b k"]
) -> dict[str, Tensor]:
    """What the log says of a batch's chains: energies and entropy in nats, means over the batch; 0-d each.

    `energy` is the sum of the likelihood's and the style's part, without the latter while styles have no reach.
    `occupied` is the exponential of the entropy of the clusters' shares: the number of clusters in use.
    """
    tension = joint.tension(style).mean()
    return {
        "energy": energy.mean(),
        "likelihood_energy": energy.mean() - tension if joint.reach else energy.mean(),
        "style_energy": tension,
        "label_entropy": torch.special.entr(posterior).sum(dim=1).mean(),
        "occupied": torch.special.entr(posterior.mean(dim=0)).sum().exp(),
    }
