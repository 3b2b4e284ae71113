"""Sums of probabilities, and what is read out of them."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from latentclust.labelling.windows.grid import spans
from latentclust.labelling.windows.stitch import StripShape, StripStitcher, encode_confidence, encode_share, label_type
from latentclust.labelling.windows.strip_files import StripFacts, StripReader, StripWriter, read_scene_rows
from latentclust.labelling.windows.strips import PixelBounds, overlapping_spans, split_into_strips

CPU = torch.device("cpu")
NAMES = ("labels", "confidence", "probabilities")


def stitched(
    folder: Path, whole: Any, valid: Any, side: int, cut: list[int], extent: PixelBounds | None = None
) -> dict[str, Any]:
    """What windows of `whole` `(k, h, w)` come to, the grid's rows cut into strips before the given ones."""
    height, width = valid.shape
    extent = extent or PixelBounds(0, 0, height, width)
    rows = overlapping_spans(spans(height, side, 8, 2, 1, "hann"), extent.top, extent.bottom)
    columns = overlapping_spans(spans(width, side, 8, 2, 1, "hann"), extent.left, extent.right)
    readers = []
    for start, stop in zip([0, *cut], [*cut, len(rows)], strict=True):
        head = rows[start - 1].last - rows[start].first if start else 0
        tail = rows[stop - 1].last - rows[stop].first if stop < len(rows) else 0
        shape = StripShape(rows[start:stop], (extent.left, extent.right), columns[0].first, head, tail)
        writer = StripWriter(folder / str(start), shape, len(whole), NAMES)
        strip = StripStitcher(shape, len(whole), side, True, CPU, writer)
        for number, row in enumerate(shape.rows):
            for column in columns:
                place = np.s_[row.start : row.stop, column.start : column.stop]
                if valid[place].any():
                    strip.add(number, column, torch.from_numpy(whole[:, *place]), torch.from_numpy(valid[place]))
        strip.finish()
        writer.close(StripFacts(0, 0))
        readers.append(StripReader(folder / str(start), shape, len(whole)))
    blocks = list(read_scene_rows(readers, NAMES))
    tops = [top for top, _ in blocks]
    assert tops == sorted(tops)
    found = {name: np.concatenate([block[name] for _, block in blocks]) for name in NAMES}
    assert all(len(rows_) == rows[-1].last - rows[0].first for rows_ in found.values())
    return found


@pytest.fixture
def planted_map() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    whole = rng.dirichlet(np.ones(5), (70, 90)).transpose(2, 0, 1).astype(np.float32)
    valid = rng.random((70, 90)) > 0.2
    valid[:, 30:55] = False  # windows without data among others
    valid[40:48] = False
    return whole, valid


@pytest.mark.parametrize("cut", [[], [3], [1, 2, 4]])
def test_strips_give_back_what_was_cut_into_windows(planted_map: Any, tmp_path: Path, cut: list[int]) -> None:
    whole, valid = planted_map
    found = stitched(tmp_path, whole, valid, 16, cut)
    np.testing.assert_array_equal(found["labels"], np.where(valid, whole.argmax(axis=0) + 1, 0))
    best = encode_confidence(torch.from_numpy(whole.max(axis=0)), 5).numpy()
    every = encode_share(torch.from_numpy(whole)).numpy().swapaxes(0, 1)
    for name, expected in (("confidence", best * valid), ("probabilities", every * valid[:, np.newaxis])):
        assert np.abs(found[name].astype(int) - expected).max() <= 1  # sums in float32 round otherwise
        np.testing.assert_array_equal(found[name] == 0, expected == 0)


def test_how_rows_are_cut_into_strips_changes_no_bit(planted_map: Any, tmp_path: Path) -> None:
    whole, valid = planted_map
    one = stitched(tmp_path / "one", whole, valid, 16, [])
    for cut in ([2], [1, 2, 3, 4]):
        other = stitched(tmp_path / f"cut-{len(cut)}", whole, valid, 16, cut)
        for name in NAMES:
            np.testing.assert_array_equal(one[name], other[name])


def test_a_part_of_the_columns_is_that_of_the_whole(planted_map: Any, tmp_path: Path) -> None:
    whole, valid = planted_map
    every = stitched(tmp_path / "whole", whole, valid, 16, [])
    part = stitched(tmp_path / "part", whole, valid, 16, [2], PixelBounds(0, 13, 70, 71))
    for name in NAMES:
        np.testing.assert_array_equal(part[name], every[name][..., 13:71])


def test_rows_without_windows_are_no_data(tmp_path: Path) -> None:
    nothing = np.zeros((40, 50), np.bool_)
    found = stitched(tmp_path, np.ones((3, 40, 50), np.float32), nothing, 16, [1])
    assert found["labels"].shape == (40, 50)
    assert not any(values.any() for values in found.values())
    assert not (tmp_path / "0" / "tail").exists()


@pytest.mark.parametrize(("height", "width"), [(64, 64), (65, 3000), (400, 70), (1000, 1000), (129, 5000), (517, 1111)])
def test_strips_share_rows_by_twos_and_leave_none_out(height: int, width: int) -> None:
    rows, columns = spans(height, 64, 32, 4, 1, "hann"), spans(width, 64, 32, 4, 1, "hann")
    shapes = split_into_strips(rows, columns, PixelBounds(0, 0, height, width))
    assert [row for shape in shapes for row in shape.rows] == rows
    for above, below in pairwise(shapes):
        assert above.tail == below.head > 0
        assert below.finished(0) >= below.head
        before = above.rows[-2].last if len(above.rows) > 1 else 0
        assert before <= below.rows[0].first


def test_confidence_runs_from_chance_to_certainty() -> None:
    np.testing.assert_array_equal(encode_confidence(torch.tensor([0.25, 0.625, 1.0]), 4).numpy(), [1, 128, 255])
    np.testing.assert_array_equal(encode_confidence(torch.ones(1), 1).numpy(), [255])
    np.testing.assert_array_equal(encode_share(torch.tensor([0.0, 0.5, 1.0])).numpy(), [1, 128, 255])


def test_a_byte_numbers_255_clusters() -> None:
    assert label_type(255) == np.uint8
    assert label_type(256) == np.uint16
