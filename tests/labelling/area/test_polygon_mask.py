"""Polygons clipped to a rectangle, and the pixels that they touch."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import shapely
from rasterio.features import geometry_mask
from rasterio.transform import Affine

from latentclust.labelling.area.polygon_mask import PolygonMask, clip, pixel_bounds, valid_polygons
from latentclust.labelling.windows.strips import PixelBounds

SCENE = PixelBounds(0, 0, 10, 20)


def ring(*points: tuple[float, float]) -> np.ndarray:
    return np.array([*points, points[0]], float)


def rectangle(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    return ring((left, top), (right, top), (right, bottom), (left, bottom))


def polygons(*shapes: list[np.ndarray]) -> Any:
    return np.array([shapely.Polygon(outer, holes) for outer, *holes in shapes], object)


def inside(rings: list[np.ndarray], points: np.ndarray) -> np.ndarray:
    """Return which points `(n, 2)` lie inside: a ray to their right crosses an odd number of edges."""
    found = np.zeros(len(points), bool)
    for outline in rings:
        for (x0, y0), (x1, y1) in pairwise(outline):
            crossing = (y0 > points[:, 1]) != (y1 > points[:, 1])
            found[crossing] ^= points[crossing, 0] < x0 + (points[crossing, 1] - y0) / (y1 - y0) * (x1 - x0)
    return found


def test_a_clipped_polygon_is_the_same_inside_the_rectangle() -> None:
    rng = np.random.default_rng(0)
    frame = np.array([(3, 2), (7, 8)], float)
    points = rng.uniform((3, 2), (7, 8), (200, 2))
    for _ in range(50):
        outline = ring(*rng.uniform(-5, 15, (7, 2)))  # most of them cross themselves
        parts = clip(polygons([outline]), (3, 2, 7, 8))
        corners = shapely.get_coordinates(parts)
        assert (corners >= frame[0]).all()
        assert (corners <= frame[1]).all()
        found = sum((shapely.contains_xy(part, points) for part in parts), np.zeros(len(points), int))
        np.testing.assert_array_equal(found, inside([outline], points))


def test_a_mask_of_rows_is_that_of_whole_polygons() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        outline = ring(*rng.integers(-20, 140, (40, 2)) / 2)  # many edges pass through the centres of pixels
        mask = PolygonMask(tuple(valid_polygons(polygons([outline]))))
        scene = geometry_mask([*mask.polygons], (60, 50), Affine.identity(), invert=True)
        for top, rows in ((0, 60), (0, 7), (7, 1), (8, 30), (38, 22)):
            expected = geometry_mask([*mask.polygons], (rows, 40), Affine.translation(10, top), invert=True)
            np.testing.assert_array_equal(mask.rasterize(top, 10, (rows, 40)), expected)
        assert mask.covers_any(PixelBounds(0, 0, 60, 50)) == scene.any()


def test_a_thin_polygon_across_a_large_scene_is_searched_in_few_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def masked(shapes: Any, size: tuple[int, int], *args: Any, **options: Any) -> Any:
        sizes.append(size[0] * size[1])
        return geometry_mask(shapes, size, *args, **options)

    monkeypatch.setattr("latentclust.labelling.area.polygon_mask.geometry_mask", masked)
    side = 60_000
    empty = polygons([ring((0.1, 0), (side, side - 0.1), (side, side - 0.2), (0.2, 0))])
    assert not PolygonMask(tuple(empty)).covers_any(PixelBounds(0, 0, side, side))
    assert sum(sizes) < side**2 / 20
    assert max(sizes) <= 2**22


@pytest.mark.parametrize(
    ("rings", "extent"),
    [
        ([rectangle(2, 3, 5, 7)], PixelBounds(3, 2, 7, 5)),
        ([rectangle(2.2, 3.2, 5.2, 7.2)], PixelBounds(3, 2, 8, 6)),
        ([rectangle(2 - 1e-9, 3 + 1e-9, 5 + 1e-9, 7)], PixelBounds(3, 2, 7, 5)),
        ([rectangle(-5, -5, 50, 50)], PixelBounds(0, 0, 10, 20)),
        ([rectangle(-5, 4, 50, 50)], PixelBounds(4, 0, 10, 20)),
        ([rectangle(20, 0, 30, 10)], None),
        ([rectangle(-9, 0, -1, 10)], None),
        ([rectangle(-9, -9, 30, 30), rectangle(-1, -1, 21, 11)], None),  # all of the scene is a hole
        ([rectangle(-9, -9, 30, 30), rectangle(-1, 2, 21, 11)], PixelBounds(0, 0, 2, 20)),
        ([ring((25, 5), (15, 20), (30, 20))], None),  # its rectangle reaches in
        ([ring((-3, -3), (25, -3), (25, -1), (-1, -1), (-1, 15), (-3, 15))], None),
        ([ring((18, -1), (21, 2), (25, -5))], PixelBounds(0, 19, 1, 20)),  # a corner alone
    ],
)
def test_polygons_touch_pixels(rings: list[np.ndarray], extent: PixelBounds | None) -> None:
    assert pixel_bounds(polygons(rings), SCENE) == extent


def test_polygons_that_overlap_do_not_cancel_out() -> None:
    overlapping = polygons([rectangle(-1, -1, 30, 30)], [rectangle(-2, -2, 30, 30)])
    assert pixel_bounds(overlapping, SCENE) == SCENE
