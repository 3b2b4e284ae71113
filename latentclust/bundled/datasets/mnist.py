"""MNIST, LeCun et al. 1998, and Fashion-MNIST, Xiao et al. 2017."""

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from latentclust.api import LatentclustError, SplitProtocol, decode_errors
from latentclust.bundled.datasets.published_images import Part, PublishedImages, Split, concatenate_parts
from latentclust.bundled.datasets.split_protocols import FASHION, MNIST

FashionProtocol = Literal["all-all", "train-test", "clustergan-fashion", "clustergan-fashion5", "dls-fashion-5000"]

_STEMS: dict[Part, str] = {"train": "train", "test": "t10k"}

_UNSIGNED_BYTE = 0x08

_WORD = 4


class Mnist(PublishedImages):
    """70,000 handwritten digits of 28x28 pixels.

    Example:
        ```toml
        [data]
        use = "mnist"
        split = "train"
        ```
    """

    summary: ClassVar[str] = "60,000 + 10,000 handwritten digits, 28x28 grey, 10 classes"
    licence: ClassVar[str] = "CC BY-SA 3.0"
    layout: ClassVar[str] = "mnist/{train,t10k}-{images-idx3,labels-idx1}-ubyte[.gz], or the same files in MNIST/raw/"
    name: ClassVar[str] = "mnist"
    marks: ClassVar[tuple[str, ...]] = ("mnist/*-images?idx3-ubyte*", "MNIST/raw/*-images?idx3-ubyte*")
    origin: ClassVar[str] = "its authors"
    downloads: ClassVar[bool] = True
    classes: ClassVar[tuple[str, ...]] = tuple("0123456789")
    protocols: ClassVar[Mapping[str, SplitProtocol]] = MNIST

    split: Split = "all"
    """Published split that is read. `all` is train followed by test."""

    protocol: Literal["all-all", "train-test", "clustergan-mnist", "dls-mnist-5000"] | None = None
    """Named protocol of the samples to train on and to score. None: those of `split` and `evaluate.split`."""

    def images(self, mark: Path) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """Return images `(n, 1, 28, 28)` and labels."""
        return concatenate_parts(lambda part: read_part(mark.parent, _STEMS[part]), self.split)

    def download(self, root: Path) -> None:
        """Download the four files to MNIST/raw/ with the checksums of torchvision."""
        from torchvision import datasets

        datasets.MNIST(root, download=True)


class FashionMnist(PublishedImages):
    """70,000 pictures of clothes of 28x28 pixels, in ten classes or in the five of ClusterGAN.

    Example:
        ```toml
        [data]
        use = "fashion-mnist"
        merge5 = true
        ```
    """

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
    protocols: ClassVar[Mapping[str, SplitProtocol]] = FASHION
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
    """Merged class of each published class: Fashion-5 of ClusterGAN, Mukherjee et al. 2019."""

    split: Split = "all"
    """Published split that is read. `all` is train followed by test."""

    protocol: FashionProtocol | None = None
    """Named protocol of the samples to train on and to score. None: those of `split` and `evaluate.split`."""

    merge5: bool = False
    """Whether similar clothes are merged, which yields five classes."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names, in label order: the ten published or the five merged ones."""
        return self.merged if self.merge5 else self.classes

    def images(self, mark: Path) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """Return images `(n, 1, 28, 28)` and labels."""
        images, labels = concatenate_parts(lambda part: read_part(mark.parent, _STEMS[part]), self.split)
        return images, np.array(self.merged_of)[labels] if self.merge5 else labels

    def download(self, root: Path) -> None:
        """Download the four files to FashionMNIST/raw/ with the checksums of torchvision."""
        from torchvision import datasets

        datasets.FashionMNIST(root, download=True)


def read_idx(path: Path, rank: int) -> NDArray[np.uint8]:
    """Read an idx file, gzipped or not, of unsigned bytes with `rank` axes: a big-endian header, then the bytes.

    Raises:
        LatentclustError: If the file is damaged, has another type or rank, or does not have the length in its header.
    """
    with decode_errors(path):
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    start = _WORD * (rank + 1)
    magic = bytes((0, 0, _UNSIGNED_BYTE, rank))
    if data[:_WORD] != magic or len(data) < start:
        what = f"is not an idx file of bytes with {rank} axes: starts with {data[:_WORD].hex() or 'nothing'}, "
        raise LatentclustError.at(str(path), f"{what}not {magic.hex()}", "Download or copy the file again")
    shape = tuple(int(extent) for extent in np.frombuffer(data, ">u4", rank, _WORD))
    if len(data) - start != np.prod(shape, dtype=np.int64):
        what = f"contains {len(data) - start} bytes, but its header announces {'x'.join(map(str, shape))}"
        raise LatentclustError.at(str(path), what, "Download or copy the file again")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def read_part(folder: Path, stem: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read images `(n, 1, h, w)` and labels `(n,)` from the files whose names start with `stem`."""
    images = read_idx(_existing(folder, f"{stem}-images", 3), 3)
    return images[:, np.newaxis], read_idx(_existing(folder, f"{stem}-labels", 1), 1)


def _existing(folder: Path, stem: str, rank: int) -> Path:
    names = [f"{stem}{mark}idx{rank}-ubyte{suffix}" for mark in "-." for suffix in ("", ".gz")]
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        raise LatentclustError.at(str(folder), f"{names[1]} is absent", "Download or copy the missing file")
    return found
