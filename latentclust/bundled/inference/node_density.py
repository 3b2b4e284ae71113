"""The density of styles given label maps, on the grid that layers are interpolated from: Zhu et al. 2019, Eq. 4."""

from typing import final

import torch
from jaxtyping import Float, Float32, Float64, Int64
from torch import Tensor
from torch.nn import functional

from latentclust.api import Images, InterpolatedGenerator
from latentclust.bundled.inference.langevin import Density, JointDensity

REACH = 3
"""Nodes in each axis that may share a pixel with a node: the one before, itself, and the next."""


@final
class NodeDensity(Density):
    """The density of styles given sums over the pixels of each cluster instead of images and categories.

    Layers are interpolated, `G_k(z)(u) = sum_j w_j(u) D_kj(z)` with nodes D. Their squared error is then a quadratic
    function of D, and a Langevin step does not read the pixels: up to `|x|^2` the error is
    `sum_kj D_kj . (sum_i A_kji D_ki - 2 B_kj)`, where `A_kji` is the sum of `w_j w_i`, and `B_kj` that of `w_j x`, over
    the pixels of cluster k.
    """

    __slots__ = ()

    def reconstruction_term(
        self, images: Float[Tensor, "r *x"], category: Float[Tensor, "r k *y"], style: Float[Tensor, "r *s"]
    ) -> Float32[Tensor, " r"]:
        """Return the likelihood term in nats, without `|x|^2 / 2 sigma^2`.

        Args:
            images: Sums B, `(r, k, c, y, x)`, of `node_sums`.
            category: Sums A, `(r, k, y, x, 3, 3)`.
            style: Styles z.
        """
        generator: InterpolatedGenerator = self.generator  # type: ignore[assignment]
        nodes = generator.nodes(self.reach * style)
        assert nodes is not None, "`node_sums` checks"
        around = functional.pad(nodes, (1, 1, 1, 1)).unfold(3, REACH, 1).unfold(4, REACH, 1)
        weighted = (category.unsqueeze(2) * around).sum(dim=(-2, -1))
        return (nodes * (weighted - 2 * images)).flatten(1).sum(dim=1) / (2 * self.noise**2)


@torch.no_grad()
def node_sums(
    joint: JointDensity, images: Images, label: Int64[Tensor, "b h w"], style: Float[Tensor, "b d g q"]
) -> tuple[NodeDensity, Float32[Tensor, "b k c y x"], Float32[Tensor, "b k y x 3 3"]] | None:
    """Return the density of styles given label maps, and its sums B and A. None if the layers are not interpolated."""
    if not isinstance(joint.generator, InterpolatedGenerator):
        return None
    nodes = joint.generator.nodes(joint.reach * style[:1])
    if nodes is None:
        return None
    clusters, (rows, columns) = nodes.shape[1], nodes.shape[3:]
    down, across = _weights(rows, images.shape[2], images), _weights(columns, images.shape[3], images)
    down_pairs, across_pairs = _pairs(down), _pairs(across)
    linear, quadratic = [], []
    for cluster in range(clusters):
        # The products are float64, which neither autocast nor TF32 rounds.
        shown = (label == cluster)[:, None].to(images.dtype)
        if joint.valid is not None:
            shown = shown * joint.valid.square()
        linear.append(down @ ((shown * images).double() @ across.T))
        pairs = down_pairs @ (shown[:, 0].double() @ across_pairs.T)
        quadratic.append(pairs.view(len(images), rows, REACH, columns, REACH).transpose(2, 3))
    density = NodeDensity(joint.generator, joint.noise, joint.width, joint.reach)
    return density, torch.stack(linear, dim=1).float(), torch.stack(quadratic, dim=1).float()


def _weights(nodes: int, side: int, like: Tensor) -> Float64[Tensor, "n side"]:
    """Return the weights of linear interpolation from nodes to the pixels of one axis."""
    unit = torch.eye(nodes, dtype=torch.float64, device=like.device)[None]
    return functional.interpolate(unit, scale_factor=float(side // nodes), mode="linear", align_corners=False)[0]


def _pairs(weights: Float64[Tensor, "n side"]) -> Float64[Tensor, "m side"]:
    """Return the products of the weights of each node with those of its `REACH` nodes, `(3n, side)`."""
    around = functional.pad(weights, (0, 0, 1, 1)).unfold(0, REACH, 1).transpose(1, 2)
    return (weights[:, None] * around).flatten(0, 1)
