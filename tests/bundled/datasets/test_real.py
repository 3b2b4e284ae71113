"""Facts about published data sets, checked if their files are available."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from latentclust.api import DatasetSpec
from latentclust.bundled.datasets.cifar10 import Cifar10
from latentclust.bundled.datasets.coil import Coil20
from latentclust.bundled.datasets.mnist import FashionMnist, Mnist
from latentclust.bundled.datasets.pendigits import Pendigits
from latentclust.bundled.datasets.usps import Usps


def opened(spec: DatasetSpec, roots: tuple[Path, ...]):
    if spec.located(roots) is None:
        pytest.skip(f"{type(spec).__name__} is not among the real data")
    return spec.open(roots)


@pytest.mark.parametrize(
    ("spec", "shape", "counts"),
    [
        (Mnist(), (1, 28, 28), [6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958]),
        (Mnist(split="test"), (1, 28, 28), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]),
        (FashionMnist(split="train"), (1, 28, 28), [6000] * 10),
        (FashionMnist(split="test", merge5=True), (1, 28, 28), [2000, 1000, 3000, 1000, 3000]),
        (Usps(), (1, 16, 16), [1553, 1269, 929, 824, 852, 716, 834, 792, 708, 821]),
        (Usps(split="train"), (1, 16, 16), [1194, 1005, 731, 658, 652, 556, 664, 645, 542, 644]),
        (Pendigits(split="train"), (16,), [780, 779, 780, 719, 780, 720, 720, 778, 719, 719]),
        (Pendigits(), (16,), [1143, 1143, 1144, 1055, 1144, 1055, 1056, 1142, 1055, 1055]),
        (Coil20(), (1, 32, 32), [72] * 20),
        (Cifar10(split="test"), (3, 32, 32), [1000] * 10),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, DatasetSpec) else "",
)
def test_counts_of_each_class(real, spec, shape, counts):
    images = opened(spec, real)
    assert images.source.shape == shape
    assert len(images.source) == sum(counts)
    assert images.labels is not None
    assert np.bincount(images.labels.unseal()).tolist() == counts
    assert len(images.classes) == len(counts)


def test_mnist_payload_and_first_label(real):
    images = opened(Mnist(split="train"), real)
    payload = images.source.read(np.arange(60_000)).tobytes()
    header = bytes.fromhex("00000803 0000ea60 0000001c 0000001c")
    assert hashlib.sha256(header + payload).hexdigest().startswith("ba891046")
    assert images.labels is not None
    assert images.labels.unseal()[0] == 5


def test_pendigits_first_row(real):
    vectors = opened(Pendigits(), real).source.read(np.array([0]))
    first = np.array([47, 100, 27, 81, 57, 37, 26, 0, 0, 23, 56, 53, 100, 90, 40, 98])
    np.testing.assert_allclose(vectors[0], first / 100, rtol=1e-6)
