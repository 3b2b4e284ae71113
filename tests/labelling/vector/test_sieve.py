"""The sieve gives the result of GDAL's for any division into strips, and leaves nodata unchanged."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from rasterio import features

from latentclust.labelling.vector.sieve import sieve
from tests.labelling.vector.mosaics import as_array, random_mosaics, uncompressed


def sieved(folder: Path, mosaic: NDArray[Any], smallest: int, rows: int | None = None) -> NDArray[Any]:
    labels = uncompressed(folder, mosaic)
    sieve(labels, smallest, folder, rows)
    return as_array(labels)


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_equals_gdal(tmp_path: Path, kind: str) -> None:
    sizes = np.random.default_rng(1).integers(2, 9, 50).tolist()
    for mosaic, smallest in zip(random_mosaics(50, kind), sizes, strict=True):
        if mosaic.size > smallest:
            wanted = features.sieve(mosaic, smallest, mask=mosaic > 0, connectivity=4)
            for rows in (1, 3, 100):
                np.testing.assert_array_equal(sieved(tmp_path, mosaic, smallest, rows), wanted)


def test_nodata_is_not_a_neighbour_and_is_unchanged(tmp_path: Path) -> None:
    for mosaic in random_mosaics(20):
        np.testing.assert_array_equal(sieved(tmp_path, mosaic, 6, 2) == 0, mosaic == 0)


def test_an_island_in_no_data_stays(tmp_path: Path) -> None:
    mosaic = np.array([[0, 0, 0, 0], [0, 3, 0, 1], [0, 0, 1, 1], [2, 1, 1, 1]], np.uint8)
    wanted = np.array([[0, 0, 0, 0], [0, 3, 0, 1], [0, 0, 1, 1], [1, 1, 1, 1]], np.uint8)
    np.testing.assert_array_equal(sieved(tmp_path, mosaic, 3), wanted)


def test_a_region_goes_where_its_largest_neighbour_goes(tmp_path: Path) -> None:
    mosaic = np.array([[1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 4]], np.uint8)
    assert sieved(tmp_path, mosaic, 4).tolist() == [[4] * 11]


def test_where_no_region_is_large_none_changes(tmp_path: Path) -> None:
    mosaic = np.indices((6, 6)).sum(axis=0).astype(np.uint8) % 2 + 1
    np.testing.assert_array_equal(sieved(tmp_path, mosaic, 2), mosaic)


@pytest.mark.parametrize("smallest", [0, 1])
def test_nothing_is_smaller_than_a_pixel(tmp_path: Path, smallest: int) -> None:
    mosaic = next(random_mosaics(1))
    np.testing.assert_array_equal(sieved(tmp_path, mosaic, smallest), mosaic)


def test_a_region_that_crosses_strips_is_as_large_as_it_is(tmp_path: Path) -> None:
    mosaic = np.full((9, 5), 1, np.uint8)
    mosaic[1:8, 2] = 2
    np.testing.assert_array_equal(sieved(tmp_path, mosaic, 7, 2), mosaic)
    assert sieved(tmp_path, mosaic, 8, 2).tolist() == [[1] * 5] * 9
