"""Sums of probabilities, and what is read out of them."""

import numpy as np

from latentclust.labelling.stitch import Strip, confidence_bytes, label_type
from latentclust.labelling.windows import spans


def test_a_strip_gives_back_what_was_cut_into_windows() -> None:
    rng = np.random.default_rng(0)
    whole = rng.dirichlet(np.ones(5), (70, 90)).transpose(2, 0, 1).astype(np.float32)
    valid = rng.random((70, 90)) > 0.2
    rows, columns = spans(70, 16, 8, 1, "hann"), spans(90, 16, 8, 1, "hann")
    strip = Strip(rows, 5, 90)
    found = []
    for number, row in enumerate(rows):
        for column in columns:
            place = np.s_[row.start : row.stop, column.start : column.stop]
            strip.add(number, column, whole[:, *place], valid[place])
        found.append(strip.finish(number))
    labels, confidence = (np.concatenate(parts) for parts in zip(*found, strict=True))
    np.testing.assert_array_equal(labels, np.where(valid, whole.argmax(axis=0) + 1, 0))
    expected = np.where(valid, confidence_bytes(whole.max(axis=0), 5), 0)
    assert np.abs(confidence.astype(int) - expected).max() <= 1  # sums in float32 round otherwise
    assert ((confidence == 0) == ~valid).all()


def test_rows_without_windows_are_no_data() -> None:
    strip = Strip(spans(100, 16, 8, 1, "hann"), 3, 50)
    labels, confidence = strip.finish(0)
    assert labels.shape == confidence.shape == (10, 50)
    assert not labels.any()
    assert not confidence.any()


def test_confidence_runs_from_chance_to_certainty() -> None:
    np.testing.assert_array_equal(confidence_bytes(np.array([0.25, 0.625, 1.0], np.float32), 4), [1, 128, 255])
    np.testing.assert_array_equal(confidence_bytes(np.ones(1, np.float32), 1), [255])


def test_a_byte_numbers_255_clusters() -> None:
    assert label_type(255) == np.uint8
    assert label_type(256) == np.uint16
