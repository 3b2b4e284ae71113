from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentclust.data.image_files import FileSource
from latentclust.data.roots import find_first, resolve_path
from latentclust.data.sources import ArraySource, decode_errors, encode_labels, image_set, resized
from latentclust.errors import LatentclustError
from latentclust.specs.data import VOID


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def write(path: Path, array: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)
    return path


@pytest.mark.parametrize("size", [10**7, 10**9])
def test_a_size_that_does_not_fit_into_memory_is_named(size: int):
    with pytest.raises(LatentclustError, match=rf"data\.size: 2 images of {size}x{size} pixels do not fit into memory"):
        resized(np.zeros((2, 1, 4, 4), np.uint8), size)


def test_labels_of_mixed_types_and_of_cells_of_matlab_are_read_as_text():
    cells = np.empty((3, 1), object)
    cells[:, 0] = [np.array(["elm"]), np.array([], np.str_), np.array(["ash"])]
    codes, names = encode_labels(cells)
    assert (codes.tolist(), names) == ([1, VOID, 0], ("ash", "elm"))
    codes, names = encode_labels(np.array(["elm", None, np.datetime64("NaT"), 2], object))
    assert (codes.tolist(), names) == ([1, VOID, VOID, 0], ("2", "elm"))


def test_array_source_returns_the_samples_asked_for_in_order():
    images = noise(5, 3, 4, 6)
    source = ArraySource(images)
    assert (len(source), source.shape, source.dtype) == (5, (3, 4, 6), np.uint8)
    np.testing.assert_array_equal(source.read(np.array([4, 0, 4])), images[[4, 0, 4]])


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 3, 4, 4), np.float32),
        np.zeros((2, 3), np.float64),
        np.zeros((2, 4, 4), np.uint8),
        np.zeros((2, 3), np.uint8),
        np.zeros((0, 3), np.float32),
        np.zeros((4, 1, 0, 8), np.uint8),
    ],
)
def test_array_source_refuses_another_rank_or_type_and_emptiness(array: np.ndarray):
    with pytest.raises(LatentclustError, match=r"shape"):
        ArraySource(array)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_array_source_counts_and_places_values_that_are_not_finite(bad: float):
    vectors = np.ones((4, 3), np.float32)
    vectors[2, 1] = vectors[3, 0] = bad
    with pytest.raises(LatentclustError, match="2 values are NaN or infinite, the first in sample 2 at position 1"):
        ArraySource(vectors)


def test_resizing_keeps_constants_and_means_and_agrees_with_pillow():
    np.testing.assert_array_equal(resized(np.full((2, 3, 8, 8), 77, np.uint8), 16), 77)
    images = noise(3, 1, 32, 32)
    small = resized(images, 8)
    by_pillow = [Image.fromarray(image[0]).resize((8, 8), Image.Resampling.BILINEAR) for image in images]
    assert np.abs(small[:, 0].astype(int) - np.stack(by_pillow).astype(int)).max() <= 1
    np.testing.assert_array_equal(resized(images, 32), images)


def test_image_set_seals_labels_that_fit():
    opened = image_set(ArraySource(noise(4, 1, 2, 2)), np.array([0, 1, 1, 0], np.uint8), ("a", "b"), "here")
    assert opened.labels is not None
    assert opened.labels.unseal().tolist() == [0, 1, 1, 0]
    assert opened.labels.unseal().dtype == np.int64
    assert opened.classes == ("a", "b")
    assert image_set(ArraySource(noise(4, 1, 2, 2)), None, (), "here").labels is None


@pytest.mark.parametrize("labels", [[0, 1, 0], [0, 1, 2, 0], [-2, 0, 0, 1], [0.0, 1.0, 0.0, 1.0]])
def test_image_set_refuses_labels_that_do_not(labels: list[float]):
    with pytest.raises(LatentclustError, match=r"here: .*labels of"):
        image_set(ArraySource(noise(4, 1, 2, 2)), np.array(labels), ("a", "b"), "here")


def test_samples_without_a_label_are_kept_and_said():
    opened = image_set(ArraySource(noise(4, 1, 2, 2)), np.array([0, VOID, 1, VOID]), ("a", "b"), "here")
    assert opened.labels is not None
    assert opened.labels.unseal().tolist() == [0, VOID, 1, VOID]
    assert opened.notes == ("2 of 4 samples have no label: scores are of the other 2",)
    none = image_set(ArraySource(noise(4, 1, 2, 2)), np.full(4, VOID), (), "here")
    assert none.labels is None
    assert none.notes == ("none of the 4 labels names a class: they were ignored",)


@pytest.mark.parametrize(
    ("labels", "codes", "classes"),
    [
        (["cat", "", "ant", " "], [1, VOID, 0, VOID], ("ant", "cat")),
        (["cat", "NaN", "None", "n/a"], [0, VOID, VOID, VOID], ("cat",)),
        ([0.0, np.nan, 3.0], [0, VOID, 1], ("0.0", "3.0")),
        ([5, -1, 2], [1, VOID, 0], ("2", "5")),
        (["5", "-1", "2", ""], [1, VOID, 0, VOID], ("2", "5")),
        (["-1", "0.5"], [0, 1], ("-1", "0.5")),
        (["-1", "elm ", "elm"], [VOID, 0, 0], ("elm",)),
        (["-1.0", "0.0", "nan", "1.0"], [VOID, 0, VOID, 1], ("0.0", "1.0")),
        ([1, -1, 1], [1, 0, 1], ("-1", "1")),
        ([0, -1, 0], [0, VOID, 0], ("0",)),
        ([-1, -1], [VOID, VOID], ()),
        ([-1, -2, 0], [1, 0, 2], ("-2", "-1", "0")),
        ([-1.0, 0.5], [0, 1], ("-1.0", "0.5")),
        ([True, False], [1, 0], ("False", "True")),
        ([None, "a"], [VOID, 0], ("a",)),
        ([b"a", b""], [0, VOID], ("a",)),
    ],
)
def test_missing_labels_are_void(labels: list[object], codes: list[int], classes: tuple[str, ...]):
    found, names = encode_labels(np.array(labels))
    assert found.tolist() == codes
    assert names == classes


@pytest.mark.parametrize("count", [1, 2, 200])
def test_constant_images_are_refused(count: int):
    constant = np.full((count, 1, 4, 4), 9, np.uint8)
    with pytest.raises(LatentclustError, match=f"all {count} compared samples, of {count}, are identical"):
        image_set(ArraySource(constant), None, (), "here")
    constant[-1, 0, 0, 0] = 8
    assert len(image_set(ArraySource(constant), None, (), "here").source) == count


def test_constant_files_are_refused(tmp_path: Path):
    black = np.zeros((4, 4), np.uint8)
    paths = [write(tmp_path / f"{index}.png", black) for index in range(3)]
    with pytest.raises(LatentclustError, match="identical, every value 0"):
        image_set(FileSource(paths), None, (), "here")


def test_images_that_alternate_are_not_the_same(tmp_path: Path):
    pictures = [write(tmp_path / f"{value}.png", np.full((4, 4), value, np.uint8)) for value in (3, 200)]
    assert len(image_set(FileSource(pictures * 128), None, (), "here").source) == 256


def test_the_first_root_and_then_the_first_pattern_win(tmp_path: Path):
    first, second = tmp_path / "1", tmp_path / "2"
    for path in (first / "b.txt", second / "a.txt", second / "b.txt"):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert find_first((tmp_path / "absent", first, second), ("a.txt", "b.*")) == first / "b.txt"
    assert find_first((second, first), ("a.txt", "b.*")) == second / "a.txt"
    assert find_first((first,), ("c*",)) is None
    assert resolve_path(Path("a.txt"), (first, second)) == second / "a.txt"
    assert resolve_path(second / "b.txt", (first,)) == second / "b.txt"


def test_reading_leaves_our_own_errors_as_they_are():
    mine = LatentclustError.at("a", "b", "c")
    with pytest.raises(LatentclustError) as caught, decode_errors(Path("file")):
        raise mine
    assert caught.value is mine
