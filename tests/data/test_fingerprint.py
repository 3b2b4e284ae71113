"""The fingerprint of a training set notices what a resumed training must not overlook."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from latentclust.bundled.datasets.image_folder import ImageFolder
from latentclust.data.fingerprint import Fingerprint
from latentclust.data.sources import ArraySource, image_set
from tests.data.test_sources import noise, write


def of_folder(folder: Path) -> Fingerprint:
    return Fingerprint.of(ImageFolder(path=folder).open(()))


def longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"0")
    os.utime(path, (1000, 1000))


CHANGES: dict[str, tuple[Callable[[Path], object], str | None]] = {
    "nothing": (lambda folder: None, None),
    "a file more": (lambda folder: write(folder / "d.png", noise(4, 4)), "had 3 samples and have 4"),
    "a file less": (lambda folder: (folder / "a.png").unlink(), "had 3 samples and have 2"),
    "a name": (lambda folder: (folder / "a.png").rename(folder / "z.png"), "have other files or another order"),
    "a size": (lambda folder: longer(folder / "a.png"), "have files of other sizes"),
    "a time": (lambda folder: os.utime(folder / "a.png", (1, 1)), "have files that were written again"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changes_of_files_are_named(tmp_path: Path, change: str):
    for seed, name in enumerate("abc"):
        write(tmp_path / f"{name}.png", np.full((4, 4), 40 * seed, np.uint8))
        os.utime(tmp_path / f"{name}.png", (1000, 1000))
    before = of_folder(tmp_path)
    apply, said = CHANGES[change]
    apply(tmp_path)
    assert before.change(of_folder(tmp_path)) == said


def test_contents_are_compared_in_place_of_times(tmp_path: Path):
    for seed, name in enumerate("ab"):
        write(tmp_path / f"{name}.png", np.full((4, 4), 40 * seed, np.uint8))
    path, image = tmp_path / "a.png", ImageFolder(path=tmp_path).open(())
    before = Fingerprint.of(image, contents=True)
    os.utime(path, (1, 1))
    assert before.change(Fingerprint.of(image, contents=True)) is None
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, (1, 1))
    assert before.change(Fingerprint.of(image, contents=True)) == "have files of other contents"


def test_changes_of_values_are_named():
    images = noise(6, 1, 4, 4)

    def change(other: np.ndarray) -> str | None:
        first, second = (Fingerprint.of(image_set(ArraySource(x), None, (), "x")) for x in (images, other))
        return first.change(second)

    assert change(images.copy()) is None
    assert change(images[::-1]) == "have other values or another order"
    assert change(images[:4]) == "had 6 samples and have 4"
    assert change(images.reshape(6, 1, 2, 8)) == "had samples of shape (1, 4, 4) and have (1, 2, 8)"


def test_a_moved_folder_is_the_same(tmp_path: Path):
    (tmp_path / "one").mkdir()
    for seed in range(2):
        write(tmp_path / "one" / f"{seed}.png", np.full((4, 4), 40 * seed, np.uint8))
    before = of_folder(tmp_path / "one")
    (tmp_path / "one").rename(tmp_path / "two")
    assert before.change(of_folder(tmp_path / "two")) is None
