"""Polygons traced in strips are those of the whole raster."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from rasterio import features
from shapely.geometry import shape

from latentclust.labelling.vector.outlines import outlines
from tests.labelling.vector.mosaics import SHAPES, drawn, random_mosaics, uncompressed

Found = set[tuple[int, Any]]


def by_gdal(mosaic: NDArray[Any]) -> Found:
    shapes = features.shapes(mosaic, mosaic > 0, connectivity=4)
    return {(int(label), shape(geometry).normalize()) for geometry, label in shapes}


def in_strips(folder: Path, mosaic: NDArray[Any], rows: int) -> tuple[Found, int]:
    parts = list(outlines(uncompressed(folder, mosaic), rows))
    polygons = np.concatenate([part for _, part in parts])
    assert shapely.is_valid(polygons).all()
    labels = np.concatenate([part for part, _ in parts]).tolist()
    return set(zip(labels, shapely.normalize(polygons), strict=True)), len(polygons)


@pytest.mark.parametrize("rows", [1, 2, 3, 100])
@pytest.mark.parametrize("name", SHAPES)
def test_shapes_equal_gdals(tmp_path: Path, name: str, rows: int) -> None:
    wanted = by_gdal(drawn(name))
    assert in_strips(tmp_path, drawn(name), rows) == (wanted, len(wanted))


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_random_mosaics_equal_gdals(tmp_path: Path, kind: str) -> None:
    for mosaic in random_mosaics(60, kind):
        wanted = by_gdal(mosaic)
        for rows in (1, 4, 100):
            assert in_strips(tmp_path, mosaic, rows) == (wanted, len(wanted))


def test_a_region_that_touches_itself_has_a_hole_and_not_a_crossing(tmp_path: Path) -> None:
    mosaic = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0]], np.uint8)
    found, _ = in_strips(tmp_path, mosaic, 1)
    (polygon,) = [polygon for _, polygon in found]
    assert len(polygon.interiors) == 1
    assert polygon.area == 7


def test_no_data_alone_has_no_polygons(tmp_path: Path) -> None:
    assert in_strips(tmp_path, np.zeros((5, 4), np.uint8), 2) == (set(), 0)


def test_polygons_come_as_soon_as_their_regions_end(tmp_path: Path) -> None:
    mosaic = np.repeat(np.array([1, 2, 3], np.uint8), 4)[:, np.newaxis].repeat(3, axis=1)
    assert [labels.tolist() for labels, _ in outlines(uncompressed(tmp_path, mosaic), 3)] == [[], [1], [2], [], [3]]
