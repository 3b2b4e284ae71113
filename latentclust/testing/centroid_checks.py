"""Checks of centroids: similarities of vectors and of maps, of any width."""

from functools import partial

import torch
from torch import Tensor

from latentclust.networks.images import CentroidsNetwork
from latentclust.specs.backbones import CentroidsSpec
from latentclust.specs.roles import Centroids
from latentclust.tensors import Features
from latentclust.testing.network_checks import NetworkUse, check_bf16, check_reached, check_saved, check_seeded, seeded
from latentclust.testing.subject import CLUSTERS, CheckedPart, require

WIDTH = 8
SHAPES = ((6, WIDTH), (3, WIDTH, 4, 5))
"""Shapes of features: vectors and maps."""


def compares_features(subject: CheckedPart) -> None:
    """Features of vectors and maps are compared with each centroid, and gradients reach centroids and features."""
    spec: CentroidsSpec = subject.build()
    for shape in SHAPES:
        network = _network(spec)
        require(isinstance(network, Centroids), "it makes no centroids")
        features = _features(shape).requires_grad_()
        found = network(Features(features))
        wanted = (shape[0], spec.count(CLUSTERS), *shape[2:])
        require(tuple(found.shape) == wanted, f"its similarities have the shape {tuple(found.shape)}, and not {wanted}")
        require(torch.isfinite(found).all(), "a similarity is not finite")
        check_reached(partial(_network, spec), partial(_similarities, Features(features)), features)


def _network(spec: CentroidsSpec, seed: int = 0) -> CentroidsNetwork:
    return CentroidsNetwork(seeded(spec.centroids, CLUSTERS, WIDTH, seed=seed))


def _similarities(features: Features, network: CentroidsNetwork) -> list[Tensor]:
    return [network(features)]


def output_does_not_depend_on_the_batch(subject: CheckedPart) -> None:
    """The similarities of a map position are those of its features as a vector."""
    network = _network(subject.build()).eval()
    maps = _features(SHAPES[1])
    with torch.no_grad():
        alone, together = network(Features(maps[:, :, 1, 2])), network(Features(maps))[:, :, 1, 2]
    require(
        torch.allclose(alone, together, atol=1e-5),
        "the similarities of a map position differ from those of the same vector",
    )


def runs_in_bf16(subject: CheckedPart) -> None:
    """Its output under bf16 autocast is finite."""
    check_bf16(_use(subject))


def round_trips_through_a_checkpoint(subject: CheckedPart) -> None:
    """New centroids with its weights, restored from a file, give the same similarities bit for bit."""
    check_saved(_use(subject))


def initial_weights_depend_only_on_the_seed(subject: CheckedPart) -> None:
    """Centroids built twice from the same seed have the same weights."""
    check_seeded(_use(subject))


def _use(subject: CheckedPart) -> NetworkUse:
    return NetworkUse(
        partial(subject.build().centroids, CLUSTERS, WIDTH),
        lambda body: CentroidsNetwork(body)(Features(_features(SHAPES[1]))),
    )


def _features(shape: tuple[int, ...]) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))
