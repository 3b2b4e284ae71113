"""An array becomes samples by its shape, its axis of channels and its range."""

from pathlib import Path

import numpy as np
import pytest

from latentclust.data.array_reading import ArrayReading, measured_range
from latentclust.data.sources import ArraySource
from latentclust.errors import LatentclustError
from latentclust.specs.data import ImageSource


def everything(source: ImageSource) -> np.ndarray:
    return source.read(np.arange(len(source)))


def images(kind: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3)).astype(kind)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 255]], np.uint8), None),
        (np.array([[False, True]]), (0, 1)),
        (np.array([[0.2, 0.9]]), (0, 1)),
        (np.array([[0, 1]]), (0, 1)),
        (np.array([[-1.0, 1.0]]), (-1, 1)),
        (np.array([[3, 70_000]]), (3, 70_000)),
        (np.array([[7, 4095]], ">u2"), (7, 4095)),
    ],
)
def test_the_range_of_values(values: np.ndarray, expected: tuple[float, float] | None) -> None:
    assert measured_range(values, "images") == expected


def test_values_without_a_range(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("latentclust.data.scaling.VALUES_AT_ONCE", 4)  # two rows
    values = np.zeros((7, 2))
    values[4, 1], values[6, 0] = np.nan, np.inf
    with pytest.raises(LatentclustError, match=r"2 values are NaN or infinite, the first nan at \(4, 1\)"):
        measured_range(values, "images")
    with pytest.raises(LatentclustError, match=r"2 values are not within 0 to 1, the first nan at \(4, 1\)"):
        ArrayReading().scaled(values, "images")
    with pytest.raises(LatentclustError, match="every value is 5"):
        measured_range(np.full((3, 2), 5.0), "images")


@pytest.mark.parametrize("size", [None, 4])
def test_strides_order_of_bytes_and_protection_do_not_matter(size: int | None) -> None:
    plain = images(np.float64)
    protected = plain.astype(">f8")
    protected.setflags(write=False)
    strided = np.repeat(plain, 2, axis=0)[::-2][::-1]
    first = np.ascontiguousarray(plain.transpose(0, 3, 1, 2))
    reading = ArrayReading(range=(0.0, 255.0), size=size)
    wanted = everything(reading.source(reading.shaped(plain, ""), ""))
    assert wanted.shape == (5, 3, size or 8, size or 8)
    for other in (protected, strided, first):
        found = everything(reading.source(reading.shaped(other, ""), ""))
        np.testing.assert_array_equal(found, wanted)
        assert found.flags.c_contiguous


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("size", [None, 4])
def test_a_mapped_array_is_read_as_one_in_memory_and_not_loaded(
    kind: type, size: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latentclust.data.scaling.VALUES_AT_ONCE", 200)
    np.save(tmp_path / "a.npy", images(kind))
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    reading = ArrayReading(range=(0.0, 255.0), size=size)
    source = reading.source(reading.shaped(mapped, ""), "")
    if isinstance(source, ArraySource):
        assert np.shares_memory(source._array, mapped)
    np.testing.assert_array_equal(everything(source), reading.scaled(reading.shaped(images(kind), ""), ""))
    np.testing.assert_array_equal(source.read(np.array([3, 1])), everything(source)[[3, 1]])


def test_float32_vectors_within_0_and_1_are_not_copied() -> None:
    vectors = np.random.default_rng(0).random((4, 3), np.float32)
    assert ArrayReading().scaled(vectors, "") is vectors


def test_values_beyond_the_range() -> None:
    reading, vectors = ArrayReading(range=(0.0, 10.0)), np.array([[-5.0, 5.0, 20.0]])
    with pytest.raises(LatentclustError, match=r"2 values are not within 0 to 10, the first -5.0 at \(0, 0\)"):
        reading.scaled(vectors, "images")
    np.testing.assert_array_equal(reading.scaled(vectors, "images", "keep"), [[-0.5, 0.5, 2.0]])
    pictures = reading.scaled(vectors.reshape(1, 1, 1, 3), "images", "keep")
    np.testing.assert_array_equal(pictures.ravel(), [0, 128, 255])
    with pytest.raises(LatentclustError, match="1 values are NaN"):
        reading.scaled(np.array([[np.nan]]), "images", "keep")
