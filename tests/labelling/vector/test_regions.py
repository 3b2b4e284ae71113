"""Regions found in strips are those of the whole raster."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import label

from latentclust.labelling.vector.regions import count_regions, label_regions, region_strips
from tests.labelling.vector.mosaics import SHAPES, drawn, random_mosaics


def in_strips(mosaic: NDArray[Any], rows: int) -> list[NDArray[Any]]:
    return [mosaic[top : top + rows] for top in range(0, len(mosaic), rows)]


def counted(mosaic: NDArray[Any]) -> int:
    return sum(label(mosaic == each)[1] for each in np.unique(mosaic) if each)


def test_regions_of_a_strip() -> None:
    regions, labels = label_regions(np.array([[5, 5, 0, 7], [0, 5, 7, 7], [5, 0, 0, 7]], np.uint16))
    assert regions.tolist() == [[1, 1, 0, 2], [0, 1, 2, 2], [3, 0, 0, 2]]
    assert labels.tolist() == [0, 5, 7, 5]


@pytest.mark.parametrize("rows", [1, 2, 5, 100])
def test_as_many_regions_as_in_the_whole(rows: int) -> None:
    mosaics = [*random_mosaics(60), *(drawn(name) for name in SHAPES)]
    for mosaic in mosaics:
        assert count_regions(in_strips(mosaic, rows)) == counted(mosaic)


def test_names_of_a_region_end_in_one() -> None:
    strips = list(region_strips(in_strips(drawn("joined late"), 1)))
    assert [strip.names[strip.regions[0]].tolist() for strip in strips[:3]] == [
        [1, 0, 2, 0, 3, 0, 4],
        [1, 0, 2, 0, 3, 0, 4],
        [1, 1, 1, 0, 3, 3, 3],
    ]
    assert [strip.merged.tolist() for strip in strips[:3]] == [[], [], [[2, 1], [4, 3]]]
    assert strips[2].above.tolist() == [1, 0, 1, 0, 3, 0, 3]
    assert strips[2].rename(strips[1].names[strips[1].regions[-1]]).tolist() == [1, 0, 1, 0, 3, 0, 3]
    assert strips[2].open.tolist() == [1, 3]
    assert strips[3].open.tolist() == [5]
