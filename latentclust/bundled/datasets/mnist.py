"""MNIST, LeCun et al. 1998, and Fashion-MNIST, Xiao et al. 2017."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from latentclust.bundled.datasets.idx import read_part
from latentclust.bundled.datasets.published_images import Part, PublishedImages, Split, joined

_STEMS: dict[Part, str] = {"train": "train", "test": "t10k"}


class Mnist(PublishedImages):
    """70,000 handwritten digits of 28x28 pixels."""

    summary: ClassVar[str] = "60,000 + 10,000 handwritten digits, 28x28 grey, 10 classes"
    licence: ClassVar[str] = "CC BY-SA 3.0"
    layout: ClassVar[str] = "mnist/{train,t10k}-{images-idx3,labels-idx1}-ubyte[.gz], or the same files in MNIST/raw/"
    name: ClassVar[str] = "mnist"
    marks: ClassVar[tuple[str, ...]] = ("mnist/*-images?idx3-ubyte*", "MNIST/raw/*-images?idx3-ubyte*")
    origin: ClassVar[str] = "its authors"
    downloads: ClassVar[bool] = True
    classes: ClassVar[tuple[str, ...]] = tuple("0123456789")

    split: Split = "all"
    """Which of the authors' parts are read; `all` is train followed by test."""

    def images(self, mark: Path) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """Images `(n, 1, 28, 28)` and labels."""
        return joined(lambda part: read_part(mark.parent, _STEMS[part]), self.split)

    def download(self, root: Path) -> None:
        """Gets the four files into MNIST/raw/ by torchvision's checked download."""
        from torchvision import datasets

        datasets.MNIST(root, download=True)


class FashionMnist(PublishedImages):
    """70,000 pictures of clothes of 28x28 pixels, in ten classes or in ClusterGAN's five."""

    summary: ClassVar[str] = "60,000 + 10,000 pictures of clothes, 28x28 grey, 10 classes (5 with merge5)"
    licence: ClassVar[str] = "MIT"
    layout: ClassVar[str] = (
        "fashion_mnist/{train,t10k}-{images-idx3,labels-idx1}-ubyte[.gz], or the same files in FashionMNIST/raw/"
    )
    name: ClassVar[str] = "fashion-mnist"
    marks: ClassVar[tuple[str, ...]] = (
        "fashion_mnist/*-images?idx3-ubyte*",
        "fashion-mnist/*-images?idx3-ubyte*",
        "FashionMNIST/raw/*-images?idx3-ubyte*",
    )
    origin: ClassVar[str] = "Zalando Research"
    downloads: ClassVar[bool] = True
    classes: ClassVar[tuple[str, ...]] = (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    )
    merged: ClassVar[tuple[str, ...]] = ("T-shirt or dress", "Trouser", "Pullover, coat or shirt", "Bag", "Shoe")
    merged_of: ClassVar[tuple[int, ...]] = (0, 1, 2, 0, 2, 4, 2, 4, 3, 4)
    """The merged class of each published one: ClusterGAN, Mukherjee et al. 2019, Fashion-5."""

    split: Split = "all"
    """Which of the authors' parts are read; `all` is train followed by test."""

    merge5: bool = False
    """Whether similar clothes count as one class, which makes five."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The ten published names, or the five merged ones."""
        return self.merged if self.merge5 else self.classes

    def images(self, mark: Path) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """Images `(n, 1, 28, 28)` and labels."""
        images, labels = joined(lambda part: read_part(mark.parent, _STEMS[part]), self.split)
        return images, np.array(self.merged_of)[labels] if self.merge5 else labels

    def download(self, root: Path) -> None:
        """Gets the four files into FashionMNIST/raw/ by torchvision's checked download."""
        from torchvision import datasets

        datasets.FashionMNIST(root, download=True)
