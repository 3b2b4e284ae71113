"""The squares of a grid that polygons touch."""

import numpy as np
import pytest
import shapely

from latentclust.labelling.area import polygon_tiles
from latentclust.labelling.windows.strips import PixelBounds


def test_parts_in_squares_lie_in_them_and_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polygon_tiles, "TILE", 16)
    rng, within = np.random.default_rng(0), PixelBounds(0, 0, 200, 300)
    for corners in rng.uniform((-20, -20), (320, 220), (200, 3, 2)):
        triangle = shapely.Polygon(corners)
        parts = list(polygon_tiles.split_into_tiles(np.array([triangle], object), within))
        area = sum(float(shapely.area(part).sum()) for _, part in parts)
        assert area == pytest.approx(triangle.intersection(shapely.box(0, 0, 300, 200)).area, rel=1e-9, abs=1e-9)
        assert len({(tile.top, tile.left) for tile, _ in parts}) == len(parts)
        for tile, part in parts:
            west, north, east, south = shapely.total_bounds(part)
            assert min(west - tile.left, north - tile.top, tile.right - east, tile.bottom - south) > -1e-6
