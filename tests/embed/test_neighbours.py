"""Nearest neighbours: those of a comparison of all pairs, exactly or with the measured recall, also after a stop."""

import numpy as np
import pytest

from latentclust.embed import cells, neighbours, row_file
from latentclust.embed.cells import Points
from latentclust.embed.neighbours import find_neighbours
from latentclust.embed.row_file import RowFile
from latentclust.embed.work_folder import WorkFolder
from latentclust.phases import SILENT


def points_in(folder, values):
    file = RowFile(folder / "code", values.shape[1], np.float32)
    file.append(values)
    return Points(file, lambda rows: rows)


def brute(values, count):
    distance = np.sqrt(((values[:, None].astype(np.float64) - values) ** 2).sum(axis=2))
    np.fill_diagonal(distance, np.inf)
    return np.sort(distance, axis=1)[:, :count]


@pytest.fixture
def groups():
    """300 points in twelve groups of five dimensions, with a point that occurs nine times."""
    rng = np.random.default_rng(0)
    values = 4 * rng.normal(size=(12, 5))[rng.integers(12, size=300)] + rng.normal(size=(300, 5))
    values[20:29] = values[20]
    return values.astype(np.float32) + 100  # far from the origin, where large squares cancel


def test_few_points_have_their_exact_neighbours(groups, tmp_path):
    found = find_neighbours(points_in(tmp_path, groups), 4, WorkFolder(tmp_path, ""), SILENT)
    np.testing.assert_allclose(found.distance.part(0, 300), brute(groups, 4), rtol=1e-4, atol=1e-6)
    index = found.index.part(0, 300)
    assert (index != np.arange(300)[:, None]).all()
    assert set(index[20]) <= set(range(20, 29))
    assert found.recall is None


def test_the_recall_of_cells_is_the_share_of_distances_that_are_exact(groups, tmp_path, monkeypatch):
    monkeypatch.setattr(cells, "EXACT", 100)
    monkeypatch.setattr(neighbours, "EXACT", 100)
    monkeypatch.setattr(cells, "MOST_CELLS", 2)
    found = find_neighbours(points_in(tmp_path, groups), 4, WorkFolder(tmp_path, ""), SILENT)
    expected, distance = brute(groups, 4), found.distance.part(0, 300)
    assert (distance >= expected * (1 - 1e-4) - 1e-6).all()
    share = (distance <= expected[:, -1:] * (1 + 1e-4)).mean()
    assert found.recall == pytest.approx(share, abs=0.01)
    assert 0.5 < found.recall < 1


def test_a_column_is_read_in_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(row_file, "BLOCK", 3)
    file = RowFile(tmp_path / "rows", 2, np.int64)
    assert file.column(0).tolist() == []
    file.append(np.arange(14).reshape(7, 2))
    assert file.column(0).tolist() == [0, 2, 4, 6, 8, 10, 12]
    assert file.column(-1).tolist() == [1, 3, 5, 7, 9, 11, 13]


def test_a_search_continues_after_a_stop(groups, tmp_path, monkeypatch):
    for module in (cells, neighbours):
        monkeypatch.setattr(module, "EXACT", 100)
    monkeypatch.setattr(neighbours, "COMMIT", 0)
    whole = find_neighbours(points_in(tmp_path, groups), 3, WorkFolder(tmp_path, ""), SILENT)
    expected = whole.index.part(0, 300)
    folder = WorkFolder(tmp_path, "")
    folder.commit(searched=5)  # the cells before are not searched again
    monkeypatch.setattr(neighbours, "make_cells", None)  # nor are the cells made again
    whole.index.put(np.arange(300), np.zeros((300, 3), np.int64))
    again = find_neighbours(points_in(tmp_path / "", groups[:0]), 3, folder, SILENT).index.part(0, 300)
    kept = (again == expected).all(axis=1)
    assert 0 < kept.sum() < 300
    assert (again[~kept] == 0).all()
