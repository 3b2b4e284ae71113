"""Simplified borders: a valid coverage of the same pixels for any strips, with junctions and outer borders in place."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from latentclust.labelling.vector.outlines import outlines
from latentclust.labelling.vector.shared_borders import find_junctions
from tests.labelling.vector.mosaics import SHAPES, drawn, random_mosaics, uncompressed


def polygons_of(folder: Path, mosaic: NDArray[Any], rows: int, tolerance: float) -> tuple[list[int], NDArray[Any]]:
    found = list(outlines(uncompressed(folder, mosaic), rows, tolerance))
    return np.concatenate([labels for labels, _ in found]).tolist(), np.concatenate([parts for _, parts in found])


def check_coverage(folder: Path, mosaic: NDArray[Any], rows: int, tolerance: float) -> None:
    """Without gaps and overlaps, the same regions, and together the same pixels."""
    labels, polygons = polygons_of(folder, mosaic, rows, tolerance)
    expected, exact = polygons_of(folder, mosaic, rows, 0.0)
    assert labels == expected
    assert shapely.is_valid(polygons).all()
    assert shapely.coverage_is_valid(polygons)
    assert set(shapely.get_type_id(polygons)) <= {shapely.GeometryType.POLYGON}
    assert shapely.area(polygons).sum() == pytest.approx(np.count_nonzero(mosaic))
    assert shapely.symmetric_difference(shapely.union_all(polygons), shapely.union_all(exact)).area < 1e-9


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_are_a_coverage(tmp_path: Path, name: str) -> None:
    for rows in (1, 2, 100):
        check_coverage(tmp_path, drawn(name), rows, 3.0)


def test_random_mosaics_are_a_coverage(tmp_path: Path) -> None:
    for mosaic in random_mosaics(12):
        for rows in (2, 7, 100):
            check_coverage(tmp_path, mosaic, rows, 1.2)


def stairs() -> NDArray[np.uint8]:
    """Two regions whose border is the diagonal of 20 by 20 pixels, above nodata."""
    mosaic = np.where(np.tri(20, dtype=np.bool_), 1, 2).astype(np.uint8)
    mosaic[15:] = 0
    return mosaic


def test_stairs_become_one_straight_line(tmp_path: Path) -> None:
    _, polygons = polygons_of(tmp_path, stairs(), 100, 1.5)
    line = shapely.intersection(*polygons)
    assert shapely.equals(shapely.line_merge(line), shapely.LineString([(1, 0), (15, 15)]))


def test_a_border_keeps_a_point_where_strips_meet(tmp_path: Path) -> None:
    _, polygons = polygons_of(tmp_path, stairs(), 5, 1.5)
    points = [set(map(tuple, shapely.get_coordinates(each).tolist())) for each in polygons]
    assert {y for _, y in points[0] & points[1]} >= {0.0, 5.0, 10.0, 15.0}


def test_a_higher_tolerance_keeps_fewer_points_and_the_outer_border(tmp_path: Path) -> None:
    mosaic = np.kron(np.random.default_rng(3).integers(1, 4, (9, 9)), np.ones((4, 4), int)).astype(np.uint8)
    mosaic[np.random.default_rng(4).random(mosaic.shape) < 0.2] = 1
    mosaic[10:14, 20:30] = 0
    counts = [shapely.get_num_coordinates(polygons_of(tmp_path, mosaic, 100, t)[1]).sum() for t in (0.3, 1.1, 2.5)]
    assert counts[0] > counts[1] > counts[2]
    _, polygons = polygons_of(tmp_path, mosaic, 100, 2.5)
    hole = shapely.box(20, 10, 30, 14)
    assert shapely.area(shapely.intersection(shapely.union_all(polygons), hole)) == 0


def test_junctions_are_where_three_borders_meet() -> None:
    padded = np.array([[0, 0, 0, 0], [0, 1, 2, 0], [0, 1, 3, 0], [0, 0, 0, 0]], np.uint8)
    wanted = np.array([[False, True, False], [False, True, True], [False, True, False]])
    np.testing.assert_array_equal(find_junctions(padded), wanted)
    checkerboard = np.array([[1, 2], [2, 1]], np.uint8)
    assert find_junctions(checkerboard).tolist() == [[True]]
