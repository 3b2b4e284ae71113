"""The data set `memory` holds what Python passes."""

import numpy as np
import pytest

from latentclust.data.array_reading import ArrayReading
from latentclust.data.in_memory import GivenSamples, Memory
from latentclust.data.sources import ArraySource, image_set
from latentclust.errors import LatentclustError
from latentclust.specs.data import VOID, ImageSet, SealedLabels, SealedMaps
from latentclust.specs.parts import DatasetSpec


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def opened(images: np.ndarray | ImageSet, labels: object = None, **options: object) -> ImageSet:
    return Memory(**options).holding(GivenSamples(images, None if labels is None else np.asarray(labels))).open(())


def test_without_samples_it_says_how_to_pass_them() -> None:
    with pytest.raises(LatentclustError, match=r"^data\.use: .*not stored.*latentclust\.run.*latentclust\.resume"):
        Memory().open(())


def test_copies_keep_the_samples_and_are_equal_by_their_options() -> None:
    spec: DatasetSpec = Memory(size=4).holding(GivenSamples(noise(5, 8, 8)))
    assert spec.model_copy(update={"size": 2}).open(()).source.shape == (1, 2, 2)
    assert spec == spec.model_copy()
    assert Memory(size=4) != Memory(size=5)
    assert ArrayReading.of(spec) == ArrayReading(size=4)


def test_labels_are_encoded() -> None:
    found = opened(noise(4, 6), ["b", "a", None, "b"])
    assert isinstance(found.labels, SealedLabels)
    assert (found.labels.unseal().tolist(), found.classes) == ([1, 0, VOID, 1], ("a", "b"))
    assert found.notes == ("1 of 4 samples have no label: scores are of the other 3",)


def test_label_maps_are_encoded_when_they_are_read() -> None:
    maps = np.array([[[7, 7], [-1, 3]], [[3, 3], [3, 3]]])
    found = opened(noise(2, 2, 2), maps)
    assert isinstance(found.labels, SealedMaps)
    np.testing.assert_array_equal(found.labels.unseal(np.array([0])), [[[1, 1], [VOID, 0]]])
    assert found.classes == ("3", "7")
    none = opened(noise(2, 2, 2), np.full((2, 2, 2), VOID))
    assert (none.labels, none.notes) == (None, ("no pixel has a class: labels were ignored",))
    with pytest.raises(LatentclustError, match=r"^labels: has label maps of \(2, 2\) pixels for .*\(1, 4, 4\)"):
        opened(noise(2, 2, 2), maps, size=4)


def test_an_opened_data_set_keeps_its_labels_and_is_resized() -> None:
    given = image_set(ArraySource(noise(3, 1, 8, 8)), np.array([0, 1, 0]), ("a", "b"), "")
    assert opened(given) is given
    small = opened(given, size=4)
    np.testing.assert_array_equal(
        small.source.read(np.arange(3)), opened(noise(3, 1, 8, 8), size=4).source.read(np.arange(3))
    )
    assert (small.labels, small.classes) == (given.labels, ("a", "b"))
    assert opened(given, [5, 6, 6]).classes == ("5", "6")
    vectors = image_set(ArraySource(np.eye(3, dtype=np.float32)), None, (), "")
    with pytest.raises(LatentclustError, match=r"^data\.size: 4 does not fit"):
        opened(vectors, size=4)
