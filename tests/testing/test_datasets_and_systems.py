"""Checks of data sets and systems fail for parts that violate them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from latentclust.api import ArraySource, DatasetSpec, ImageSet, ImageSource, LatentclustError, image_set
from latentclust.data.tiled import ArrayMaps
from latentclust.specs.data import SealedLabels, SealedMaps
from latentclust.testing import dataset_checks, system_checks


class Drawn(DatasetSpec):
    """Ten points, drawn; a good set, for others to spoil."""

    summary: ClassVar[str] = "ten points"
    licence: ClassVar[str] = "none: it is drawn"
    layout: ClassVar[str] = "nothing: it is drawn"
    points: ClassVar[Callable[[], NDArray[Any]]] = lambda: np.linspace(0, 1, 20, dtype=np.float32).reshape(10, 2)

    def located(self, roots: tuple[Path, ...]) -> Path | None:
        return Path(__file__)

    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        return ImageSet(ArraySource(type(self).points()), None)


class Wordless(Drawn):
    licence: ClassVar[str] = ""


class Rambling(Drawn):
    summary: ClassVar[str] = "ten points\nin the plane"


class Unplaced(Drawn):
    layout: ClassVar[str] = "ten.npy"


class Absent(Drawn):
    layout: ClassVar[str] = "ten.npy"

    def located(self, roots: tuple[Path, ...]) -> Path | None:
        return None


class Elsewhere(Absent):
    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        raise LatentclustError.at("prior.clusters", "no file", "Lay out ten.npy")


class Unhelpful(Absent):
    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        raise LatentclustError.at("data.use", "no file", "Look for it")


class Misnamed(Absent):
    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        raise LatentclustError.at("data.use", "no file", "Lay out ten.npy, or run `latentclust data fetch ten`")


class Bright(Drawn):
    points: ClassVar[Callable[[], NDArray[Any]]] = lambda: np.full((10, 2), 2.0, dtype=np.float32)


class FloatImages(ImageSource):
    """Images that are no uint8."""

    shape = (1, 2, 2)
    dtype = np.dtype(np.float32)

    def __len__(self) -> int:
        return 10

    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        return np.zeros((len(indices), 1, 2, 2), dtype=np.float32)


class Floating(Drawn):
    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        return ImageSet(FloatImages(), None)


class Unsealed(Drawn):
    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        found = super().open(roots)
        object.__setattr__(found, "labels", np.zeros(10))
        return found


class FewLabels(Drawn):
    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        return ImageSet(super().open(roots).source, SealedLabels(np.arange(7)))


class FewMaps(Drawn):
    """Images, and maps of some."""

    points: ClassVar[Callable[[], NDArray[Any]]] = lambda: np.zeros((10, 1, 2, 2), dtype=np.uint8)

    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        return ImageSet(super().open(roots).source, SealedMaps(ArrayMaps(np.zeros((8, 2, 2), dtype=np.int16))))


class PartOfMaps(FewMaps):
    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        maps = SealedMaps(ArrayMaps(np.zeros((10, 2, 2), dtype=np.int16)))
        return ImageSet(super().open(roots).source, maps.part(np.arange(9)))


class Fickle(Drawn):
    points: ClassVar[Callable[[], NDArray[Any]]] = lambda: np.random.default_rng().random((10, 2), dtype=np.float32)


class Handle(ArraySource):
    """Holds what cannot be pickled."""

    def __init__(self, array: NDArray[Any]) -> None:
        super().__init__(array)
        self.handle = lambda: None


class Held(Drawn):
    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        return ImageSet(Handle(type(self).points()), None)


@pytest.mark.parametrize(
    ("check", "value", "reason"),
    [
        (dataset_checks.describes_its_data, Wordless, "it has no licence"),
        (dataset_checks.describes_its_data, Rambling, "its summary has more than one line"),
        (
            dataset_checks.says_how_to_get_the_data,
            Unplaced,
            "it needs no files, so its layout must begin with 'nothing: '",
        ),
        (dataset_checks.says_how_to_get_the_data, Absent, "`located` returns None, but `open` succeeds"),
        (dataset_checks.says_how_to_get_the_data, Elsewhere, "its error does not name a key of [data]"),
        (dataset_checks.says_how_to_get_the_data, Unhelpful, "its error does not name the files to get (ten.npy)"),
        (
            dataset_checks.says_how_to_get_the_data,
            Misnamed,
            "its error does not mention `latentclust data fetch wrong`",
        ),
        (dataset_checks.holds_samples, Bright, "its vectors leave [0, 1]"),
        (dataset_checks.holds_samples, Floating, "are neither uint8 images nor float32 vectors"),
        (dataset_checks.holds_samples, Unsealed, "its labels are not sealed: make it by image_set"),
        (dataset_checks.holds_samples, FewLabels, "it has 7 labels for 10 samples: build it with image_set"),
        (dataset_checks.holds_samples, FewMaps, "it has 8 labels for 10 samples"),
        (dataset_checks.holds_samples, PartOfMaps, "it has 9 labels for 10 samples"),
        (dataset_checks.opens_the_same_twice, Fickle, "opened twice it contains different samples"),
        (dataset_checks.is_read_by_workers, Held, "its samples cannot be sent to a worker process"),
    ],
)
def test_a_wrong_data_set(check, value, reason: str, caught):
    assert reason in caught(check, "dataset", value)


def test_a_set_that_needs_files_is_not_applicable(caught):
    assert (
        caught(dataset_checks.holds_samples, "dataset", Absent) == "it raised NotApplicable: it needs files of the user"
    )


def test_image_set_is_good_enough(subject):
    class Sealed(Drawn):
        def open(self, roots: tuple[Path, ...]) -> ImageSet:
            return image_set(ArraySource(type(self).points()), np.arange(10) % 2, ("a", "b"), "sealed")

    dataset_checks.holds_samples(subject("dataset", Sealed))


SYSTEM = """
schema = 1
name = "wrong"
description = "A system, for others to spoil"
[prior]
use = "one-hot-gaussian"
clusters = 3
style_dim = 2
[networks.encoder]
use = "mlp"
[players.encoder]
networks = ["encoder"]
[losses.divergence]
use = "category-divergence"
player = "encoder"
[train]
rounds = 1
[inference]
use = "amortized"
"""


@pytest.mark.parametrize(
    ("check", "old", "new", "reason"),
    [
        (system_checks.resolves_with_any_data_set, "mlp", "mpl", "unknown backbone 'mpl'"),
        (system_checks.resolves_with_any_data_set, 'name = "wrong"', 'name = "other"', "its name is 'other'"),
        (
            system_checks.resolves_with_any_data_set,
            'description = "A system, for others to spoil"',
            "",
            "it has no description",
        ),
        (
            system_checks.reads_no_label_in_training,
            "[train]",
            "[evaluate]\nevery = 5\n[train]",
            "evaluate.every is not 0",
        ),
    ],
)
def test_a_wrong_system(check, old: str, new: str, reason: str, caught, tmp_path: Path):
    file = tmp_path / "wrong.toml"
    file.write_text(SYSTEM.replace(old, new))
    assert reason in caught(check, "system", file, name="wrong@1")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('use = "digits"', 'use = "digitz"', "unknown dataset 'digitz'"),
        ('name = "wrong"', 'name = "other"', "its name is 'other'"),
        ('description = "A system, for others to spoil"', "", "it has no description"),
    ],
)
def test_a_wrong_recipe(old: str, new: str, reason: str, caught, tmp_path: Path):
    file = tmp_path / "wrong.toml"
    whole = SYSTEM.replace("[prior]", '[data]\nuse = "digits"\n[prior]')
    assert old in whole
    file.write_text(whole.replace(old, new))
    assert reason in caught(system_checks.resolves_with_its_data_set, "recipe", file, name="wrong")


def test_a_system_that_is_shown_otherwise(caught, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "wrong.toml"
    file.write_text(SYSTEM)
    monkeypatch.setattr(system_checks, "annotated", lambda layered: "name = 'other'")
    told = caught(system_checks.round_trips_through_a_recipe, "system", file, name="wrong@1")
    assert told == "the output of `recipe show`, read again, is another recipe"


def test_a_graph_without_a_loss(caught, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "wrong.toml"
    file.write_text(SYSTEM)
    monkeypatch.setattr(system_checks, "mermaid", lambda resolved: "flowchart LR")
    assert (
        caught(system_checks.draws_its_graph, "system", file, name="wrong@1") == "the graph does not contain divergence"
    )
