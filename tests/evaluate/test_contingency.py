"""Contingency tables: counts, chunks, void labels, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

import latentclust.errors
from latentclust.data.tiled import ArrayMaps
from latentclust.errors import LatentclustError
from latentclust.evaluate.contingency import (
    MAPS_AT_ONCE,
    VOID,
    class_counts,
    classes_for_figures,
    contingency,
    occupancy,
    pixel_counts,
)
from latentclust.specs.data import SealedLabels, SealedMaps


def sealed(*labels: int) -> SealedLabels:
    return SealedLabels(np.array(labels, dtype=np.int64))


def clusters(*labels: int) -> np.ndarray:
    return np.array(labels, dtype=np.int64)


def test_counts_by_hand_with_an_empty_cluster_and_void_labels() -> None:
    table = contingency(clusters(0, 0, 0, 2, 2), sealed(1, 1, -1, 0, 1), clusters=4)
    assert table.tolist() == [[0, 2], [0, 0], [1, 1], [0, 0]]
    assert table.dtype == np.int64


def test_chunks_add_up() -> None:
    rng = np.random.default_rng(0)
    predicted, labels = rng.integers(0, 5, 1000), rng.integers(-1, 3, 1000)
    whole = contingency(predicted, SealedLabels(labels), 5, 3)
    chunks = [contingency(predicted[i : i + 7], SealedLabels(labels[i : i + 7]), 5, 3) for i in range(0, 1000, 7)]
    np.testing.assert_array_equal(sum(chunks), whole)
    assert whole.sum() == (labels >= 0).sum()


def test_occupancy_counts_unlabelled_samples_and_empty_clusters() -> None:
    assert occupancy(clusters(0, 0, 2), 4).tolist() == [2, 0, 1, 0]


@pytest.mark.parametrize(
    ("predicted", "labels", "said"),
    [
        (clusters(0, 1), sealed(0), "expected 2 labels, one per prediction, got 1"),
        (clusters(0, 3), sealed(0, 0), "3 is outside"),
        (clusters(-1, 0), sealed(0, 0), "-1 is outside"),
        (clusters(0, 0), sealed(0, 2), "2 is outside"),
        (clusters(0, 0), sealed(-2, 0), "-2 is outside"),
    ],
)
def test_what_does_not_fit_is_named(predicted: np.ndarray, labels: SealedLabels, said: str) -> None:
    with pytest.raises(LatentclustError, match=said):
        contingency(predicted, labels, clusters=3, classes=2)


def test_figures_may_see_the_classes_of_some_samples() -> None:
    assert classes_for_figures(sealed(3, 1, 2), clusters(2, 0)).tolist() == [2, 3]


def test_only_evaluate_breaks_the_seal() -> None:
    package = Path(latentclust.errors.__file__).parent
    openers = {path.relative_to(package) for path in package.rglob("*.py") if ".unseal(" in path.read_text("utf-8")}
    peekers = {path.relative_to(package) for path in package.rglob("*.py") if "._labels" in path.read_text("utf-8")}
    assert openers == {Path(f"evaluate/{name}.py") for name in ("contingency", "segmentation", "supervised")}
    assert peekers == {Path("specs/data.py")}


def test_class_counts_leave_out_samples_without_a_label() -> None:
    labels = sealed(2, 0, VOID, 2, 2)
    assert class_counts(labels).tolist() == [1, 0, 3]
    assert class_counts(labels, 4).tolist() == [1, 0, 3, 0]
    with pytest.raises(LatentclustError):
        class_counts(labels, 2)


def test_pixels_are_counted_over_maps_read_a_few_at_a_time() -> None:
    maps = np.random.default_rng(0).integers(VOID, 3, (MAPS_AT_ONCE + 3, 4, 5)).astype(np.int16)
    counted = pixel_counts(SealedMaps(ArrayMaps(maps)), len(maps), 4)
    assert counted.tolist() == [int((maps == each).sum()) for each in range(4)]
    with pytest.raises(LatentclustError):
        pixel_counts(SealedMaps(ArrayMaps(maps)), len(maps), 2)
