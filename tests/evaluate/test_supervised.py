"""The supervised classifier that judges generated samples."""

import numpy as np
import pytest
import torch

from latentclust.errors import LatentclustError
from latentclust.evaluate import supervised
from latentclust.evaluate.supervised import SupervisedClassifier, share_of_class, train_classifier
from latentclust.specs.data import VOID, SealedLabels
from latentclust.tensors import Images

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervised, "STEPS", 60)


def sealed(labels: np.ndarray) -> SealedLabels:
    return SealedLabels(labels.astype(np.int64))


def fitted(samples: torch.Tensor, labels: np.ndarray, seed: int = 0) -> SupervisedClassifier:
    shape = tuple(samples.shape[1:])
    return train_classifier(lambda indices: Images(samples[indices]), sealed(labels), 3, shape, seed, CPU)


@pytest.mark.parametrize("shape", [(7,), (1, 8, 8), (3, 5, 6)])
def test_classes_that_a_threshold_separates_are_learned(shape: tuple[int, ...]) -> None:
    labels = np.arange(300) % 3
    samples = torch.rand(300, *shape) * 0.2 + torch.from_numpy(labels).view(-1, *(1 for _ in shape)) * 0.4
    found = fitted(samples, labels)
    assert found.accuracy == 1
    assert found.held_out == 60
    assert found.classify(Images(samples)).tolist() == labels.tolist()


def test_labels_that_nothing_tells_are_not_learned() -> None:
    """The accuracy is of samples that were held out: noise gives a third."""
    labels = np.random.default_rng(0).integers(0, 3, 600)
    found = fitted(torch.rand(600, 6, generator=torch.Generator().manual_seed(0)), labels)
    assert found.accuracy < 0.5


def test_a_seed_gives_one_classifier_and_leaves_the_global_generator_alone() -> None:
    labels, samples = np.arange(60) % 3, torch.rand(60, 4)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, other = fitted(samples, labels, seed=1), fitted(samples, labels, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.network(samples), other.network(samples))


def test_samples_without_a_label_are_not_used() -> None:
    labels = np.where(np.arange(90) % 2, np.arange(90) % 3, VOID)
    read: list[int] = []

    def reader(indices: np.ndarray) -> Images:
        read.extend(indices.tolist())
        return Images(torch.zeros(len(indices), 4))

    train_classifier(reader, sealed(labels), 3, (4,), 0, CPU)
    assert set(read) == set(np.flatnonzero(labels != VOID).tolist())


def test_a_single_label_is_too_few() -> None:
    with pytest.raises(LatentclustError, match="cannot train a classifier on 1 labelled samples"):
        fitted(torch.zeros(2, 4), np.array([1, VOID]))


def test_the_share_of_the_class_leaves_out_samples_without_a_label() -> None:
    assert share_of_class(np.array([0, 1, 2, 2]), sealed(np.array([0, 1, 1, VOID]))) == pytest.approx(2 / 3)
