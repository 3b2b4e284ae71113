"""CIFAR-10, Krizhevsky 2009: binary files, or JPEG files in class folders or in a tar archive of them."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentclust.api import FileSource, LatentclustError, SplitProtocol, decode_errors, image_to_array
from latentclust.bundled.datasets.published_images import Part, PublishedImages, Split, concatenate_parts, parts
from latentclust.bundled.datasets.split_protocols import plain

_SHAPE = (3, 32, 32)
_RECORD = 1 + 3 * 32 * 32
"""Bytes of a record: a label, followed by the red, green and blue planes."""

_FILES: dict[Part, tuple[str, ...]] = {
    "train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    "test": ("test_batch.bin",),
}
_ARCHIVE = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
_ARCHIVE_SUM = "md5:c32a1d4ab5d03f1284b67883e8d87530"
"""Checksum of the archive, published by its authors."""


class Cifar10(PublishedImages):
    """60,000 photographs of 32x32 pixels. Class folders contain a recompressed copy: CIFAR-10 (JPEG).

    Example:
        ```toml
        [data]
        use = "cifar10"
        split = "train"
        ```
    """

    summary: ClassVar[str] = "50,000 + 10,000 photographs, 32x32 RGB, 10 classes"
    licence: ClassVar[str] = "research use"
    layout: ClassVar[str] = (
        "cifar-10-batches-bin/{data_batch_1..5,test_batch}.bin, cifar10/{train,test}/CLASS/*.jpg, "
        "or cifar10_jpg.tar.gz with {train,test}/CLASS/*.jpg"
    )
    name: ClassVar[str] = "cifar10"
    marks: ClassVar[tuple[str, ...]] = (
        "cifar-10-batches-bin",
        "cifar10/cifar-10-batches-bin",
        "cifar10/train",
        "cifar10_jpg.tar.gz",
    )
    origin: ClassVar[str] = "the University of Toronto"
    protocols: ClassVar[Mapping[str, SplitProtocol]] = plain("cifar10")
    downloads: ClassVar[bool] = True
    classes: ClassVar[tuple[str, ...]] = (
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    )

    split: Split = "all"
    """Published split that is read. `all` is train followed by test."""

    protocol: Literal["all-all", "train-test"] | None = None
    """Named protocol of the samples to train on and to score. None: those of `split` and `evaluate.split`."""

    def images(self, mark: Path) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """Return images `(n, 3, 32, 32)` and labels."""
        if mark.name == "cifar-10-batches-bin":
            return concatenate_parts(lambda part: _from_binary(mark, part), self.split)
        if mark.is_dir():
            return concatenate_parts(lambda part: self._from_folders(mark.parent / part), self.split)
        return self._from_archive(mark)

    def _from_folders(self, folder: Path) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        paths = sorted(folder.glob("*/*.jpg"))
        labels = [self._label(path.parent.name, folder) for path in paths]
        return FileSource(paths, where=str(folder)).read(np.arange(len(paths))), np.array(labels)

    def _from_archive(self, path: Path) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """Read the archive sequentially and return the images in the order of `_from_folders`."""
        wanted = parts(self.split)
        found: dict[tuple[int, str, str], NDArray[np.uint8]] = {}
        with decode_errors(path), tarfile.open(path, "r:gz") as archive:
            for member in archive:
                part, label, file = ("", "", "", *PurePosixPath(member.name).parts)[-3:]
                if part in wanted and file.endswith(".jpg"):
                    content = archive.extractfile(member)
                    assert content is not None, "a .jpg member is a file"
                    with Image.open(io.BytesIO(content.read())) as image:
                        found[wanted.index(part), label, file] = image_to_array(image, "RGB")
        if not found:
            what = "contains no PART/CLASS/*.jpg of this split"
            raise LatentclustError.at(str(path), what, "Download or copy it again")
        order = sorted(found)
        return np.stack([found[key] for key in order]), np.array([self._label(label, path) for _, label, _ in order])

    def _label(self, name: str, where: Path) -> int:
        if name not in self.classes:
            what = f"{name!r} is not a class"
            raise LatentclustError.at(str(where), what, f"Name the folders {', '.join(self.classes)}")
        return self.classes.index(name)

    def download(self, root: Path) -> None:
        """Download the binary archive, check its checksum and unpack it."""
        import pooch

        unpack = pooch.Untar(extract_dir=".")
        pooch.retrieve(_ARCHIVE, _ARCHIVE_SUM, fname=Path(_ARCHIVE).name, path=root, processor=unpack)


def _from_binary(folder: Path, part: Part) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    records = np.concatenate([_records(folder / name) for name in _FILES[part]])
    return records[:, 1:].reshape(-1, *_SHAPE), records[:, 0]


def _records(path: Path) -> NDArray[np.uint8]:
    with decode_errors(path):
        content = np.fromfile(path, np.uint8)
    if not len(content) or len(content) % _RECORD:
        what = f"{len(content)} bytes are not a multiple of the record size {_RECORD}"
        raise LatentclustError.at(str(path), what, "Download or copy the file again")
    return content.reshape(-1, _RECORD)
