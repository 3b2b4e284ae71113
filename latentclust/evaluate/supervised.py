"""A classifier that is trained with labels, the judge of generated images: ClusterGAN 2019, section 2.6."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from latentclust.errors import LatentclustError
from latentclust.generators import CPU, fork_generators, seed_generators
from latentclust.specs.data import VOID, SealedLabels
from latentclust.tensors import Images, Shape

STEPS = 1000
BATCH = 128
LARGEST_RATE = 3e-3
"""Peak of the one-cycle learning rate of Adam."""

HELD_OUT = 0.2
"""Share of the labelled samples that the accuracy of the classifier is measured on."""

Reader = Callable[[NDArray[np.int64]], Images]
"""A function that reads preprocessed samples by index, on their device."""


@dataclass(frozen=True, slots=True)
class SupervisedClassifier:
    """A trained classifier. It judges generated images; it trains and selects nothing.

    Attributes:
        network: Network from samples to the logits of the classes, in evaluation mode.
        accuracy: Share of right answers on samples that it was not trained on, in [0, 1].
        held_out: Number of these samples.
    """

    network: nn.Module
    accuracy: float
    held_out: int

    @torch.no_grad()
    def classify(self, images: Images) -> Int64[Tensor, " b"]:
        """Return the most probable class of each sample, 0-based, on its device."""
        logits: Tensor = self.network(images)
        return logits.argmax(dim=1)


def train_classifier(
    read: Reader, labels: SealedLabels, classes: int, shape: Shape, seed: int, device: torch.device
) -> SupervisedClassifier:
    """Train a small network on four fifths of the labelled samples and test it on the others.

    Args:
        read: Reader of the samples.
        labels: Sealed classes of the samples, 0-based, or `VOID`.
        classes: Number of classes.
        shape: Shape of one sample as read, `(c, h, w)` or `(d,)`.
        seed: Seed of the split, the initial weights and the batches.
        device: Device of the samples.

    Raises:
        LatentclustError: If fewer than two samples have a label.
    """
    truth = labels.unseal()
    order = np.random.default_rng(seed).permutation(np.flatnonzero(truth != VOID)).astype(np.int64)
    held = max(1, round(HELD_OUT * len(order)))
    if len(order) < 2:
        what = f"cannot train a classifier on {len(order)} labelled samples"
        raise LatentclustError.at("labels", what, "Use a data set with labels")
    network = _fit(read, truth, order[held:], _network(shape, classes, seed).to(device), seed)
    trained = SupervisedClassifier(network, 0.0, held)
    right = sum(
        int((trained.classify(read(part)).cpu().numpy() == truth[part]).sum()) for part in _batches(order[:held])
    )
    return SupervisedClassifier(network, right / held, held)


def share_of_class(predicted: NDArray[np.int64], labels: SealedLabels) -> float:
    """Return the share of the labelled samples whose predicted class, `(n,)`, is their class."""
    truth = labels.unseal()
    known = truth != VOID
    return float((predicted[known] == truth[known]).mean())


def _fit(
    read: Reader, truth: NDArray[np.int64], indices: NDArray[np.int64], network: nn.Module, seed: int
) -> nn.Module:
    rng = np.random.default_rng((seed, 1))
    optimizer = torch.optim.Adam(network.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LARGEST_RATE, total_steps=STEPS)
    network.train()
    for _ in range(STEPS):
        batch = np.sort(rng.choice(indices, min(BATCH, len(indices)), replace=False))
        images = read(batch)
        target = torch.from_numpy(truth[batch]).to(images.device)
        optimizer.zero_grad()
        torch.autograd.backward(functional.cross_entropy(network(images), target))
        optimizer.step()
        schedule.step()
    return network.eval()


def _batches(indices: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [indices[start : start + BATCH] for start in range(0, len(indices), BATCH)]


def _network(shape: Shape, classes: int, seed: int) -> nn.Module:
    """Return three convolutions for images, or two dense layers for vectors, with initial weights of the seed."""
    with fork_generators(CPU):
        seed_generators(CPU, seed)
        if len(shape) == 1:
            return nn.Sequential(*_dense(shape[0], 256), *_dense(256, 256), nn.Linear(256, classes))
        layers = (*_convolution(shape[0], 32, 1), *_convolution(32, 64, 2), *_convolution(64, 128, 2))
        side = min(4, -(-min(shape[1:]) // 4))
        pooled = (nn.AdaptiveAvgPool2d(side), nn.Flatten(), *_dense(128 * side * side, 128))
        return nn.Sequential(*layers, *pooled, nn.Linear(128, classes))


def _convolution(fan_in: int, fan_out: int, stride: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(fan_in, fan_out, 3, stride=stride, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(fan_out), nn.ReLU()


def _dense(fan_in: int, fan_out: int) -> tuple[nn.Module, ...]:
    return nn.Linear(fan_in, fan_out), nn.ReLU()
