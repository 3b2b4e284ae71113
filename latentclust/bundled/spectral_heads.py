"""A start of linear heads: spectral clusters of the graph of nearest neighbours (Ng, Jordan and Weiss 2001)."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from pydantic import PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from latentclust.api import Images, LatentclustError, Model, Represents, StartSpec
from latentclust.bundled.best_head_start import LAYER
from latentclust.bundled.nearest_neighbours import nearest
from latentclust.bundled.thinning import thinned

SAMPLE = 20_000
"""Largest number of samples in the graph, evenly spread."""

DENSE = 1_000
"""Largest number of samples whose eigenvectors are computed without iterations."""

RIDGE = 0.01
"""Ridge of the regression, relative to the mean square of the values."""

SHARPNESS = 10.0
"""Factor from the regression of the labels, which lie in [0, 1], to logits."""


@final
class SpectralHeads(StartSpec):
    """Linear sub-heads that tell apart spectral clusters of what they read.

    The first eigenvectors of the normalised graph of nearest neighbours, by cosine, relax the best cut of the graph
    into clusters of equal volume. K-means of their rows, begun anew for each sub-head, gives labels, which ridge
    regression predicts from the representation. Batch norms of the network get the statistics of the samples. Heads
    that learn from neighbours then begin near a good cut, and not at one of many poor ones.

    Example:
        ```toml
        [stages.heads]
        rounds = 600
        start = { use = "spectral-heads" }
        ```
    """

    network: str = "heads"
    """Name of the heads."""

    count: PositiveInt = 20
    """Number of neighbours of a sample in the graph, at most all others."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Name of the heads."""
        return (self.network,)

    def weights(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Mapping[str, Tensor]:
        """Return weight and bias of the sub-heads, and the statistics of the batch norms.

        Raises:
            LatentclustError: If the network has no linear sub-heads for whole samples, or there are no more samples
                than clusters.
        """
        network = deepcopy(model.networks[self.network])
        if not set(LAYER) <= network.state_dict().keys():
            what = f"{self.network!r} has no linear sub-heads"
            raise LatentclustError.at("spectral-heads.network", what, "Name a network of the role heads")
        inputs = (model.input_of(self.network, images) for images in batches)
        logits, read = thinned(((self._logits(network, each), each) for each in inputs), SAMPLE)
        statistics = calibrated(network, read)
        assert isinstance(network, Represents), "heads represent what they read"
        points = network.represent(read)
        _, heads, clusters = logits.shape
        if len(points) <= clusters:
            what = f"{len(points)} samples are too few for {clusters} clusters"
            raise LatentclustError.at("prior.clusters", what, "Use fewer")
        count = min(self.count, len(points) - 1)
        embedding = spectral_embedding(nearest(functional.normalize(points, dim=1), count), clusters)
        seeds = torch.randint(2**31, (heads,), generator=rng, device=rng.device).tolist()
        labels = torch.stack([_kmeans(embedding, clusters, seed) for seed in seeds]).to(points.device)
        weight, bias = regressed(points, functional.one_hot(labels, clusters).float())
        found = {LAYER[0]: weight, LAYER[1]: bias, **statistics}
        return {f"{self.network}.{name}": value for name, value in found.items()}

    def _logits(self, network: nn.Module, read: Tensor) -> Float[Tensor, "b h k"]:
        logits: Tensor = network(read)
        if logits.dim() != 3:
            what = f"{self.network!r} computes label maps {tuple(logits.shape[1:])}, not clusters of whole samples"
            raise LatentclustError.at("spectral-heads.network", what, "Name heads of whole samples, or another start")
        return logits


def calibrated(network: nn.Module, read: Tensor) -> dict[str, Tensor]:
    """Give a network's batch norms the statistics of what it reads. Return these by their names in its state."""
    norms = {name: each for name, each in network.named_modules() if isinstance(each, nn.modules.batchnorm._BatchNorm)}
    for norm in norms.values():
        norm.momentum = 1.0  # of this batch alone
    if norms:
        network.train()(read)
    network.eval()
    kinds = ("running_mean", "running_var")
    return {f"{name}.{kind}": getattr(norm, kind).clone() for name, norm in norms.items() for kind in kinds}


def spectral_embedding(near: Int64[Tensor, "n m"], clusters: int) -> NDArray[np.float64]:
    """Return the rows of the first eigenvectors of the normalised graph of neighbours, `(n, clusters)`, of length 1."""
    from scipy.linalg import eigh
    from scipy.sparse import csr_matrix, diags
    from scipy.sparse.linalg import eigsh

    count, each = near.shape
    rows = np.repeat(np.arange(count), each)
    directed = csr_matrix((np.ones(count * each), (rows, near.cpu().numpy().ravel())), shape=(count, count))
    graph = directed + directed.T
    scale = diags(1 / np.sqrt(np.asarray(graph.sum(axis=1)).ravel()))
    normalised = scale @ graph @ scale
    if count <= DENSE:
        vectors = eigh(normalised.toarray(), subset_by_index=(count - clusters, count - 1))[1]
    else:
        first = np.random.default_rng(0).standard_normal(count)
        vectors = eigsh(normalised, k=clusters, which="LA", tol=1e-4, v0=first)[1]
    embedding: NDArray[np.float64] = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return embedding


def regressed(
    points: Float[Tensor, "n d"], labels: Float[Tensor, "h n k"]
) -> tuple[Float[Tensor, "hk d"], Float[Tensor, " hk"]]:
    """Return weight and bias of linear sub-heads whose logits are the ridge regression of labels, sharpened."""
    target = labels.permute(1, 0, 2).flatten(1)  # (n, h k)
    mean, mean_target = points.mean(dim=0), target.mean(dim=0)
    centred = points - mean
    gram = centred.T @ centred / len(points)
    ridge = RIDGE * gram.diagonal().mean() * torch.eye(len(gram), device=points.device)
    weight = torch.linalg.solve(gram + ridge, centred.T @ (target - mean_target) / len(points)).T
    return SHARPNESS * weight, SHARPNESS * (mean_target - weight @ mean)


def _kmeans(embedding: NDArray[np.float64], clusters: int, seed: int) -> Int64[Tensor, " n"]:
    from sklearn.cluster import KMeans

    return torch.from_numpy(KMeans(clusters, n_init=1, random_state=seed).fit_predict(embedding)).long()
