"""Outlines drawn in to a rectangle, and the pixels that they touch."""

import numpy as np
import pytest

from latentclust.labelling.area.clip import covered, drawn_in, touched
from latentclust.labelling.windows.strips import PixelBounds


def ring(*points: tuple[float, float]) -> np.ndarray:
    return np.array([*points, points[0]], float)


def rectangle(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    return ring((left, top), (right, top), (right, bottom), (left, bottom))


def test_a_polygon_that_is_drawn_in_is_the_same_inside() -> None:
    rng = np.random.default_rng(0)
    frame = np.array([(3, 2), (7, 8)], float)
    points = rng.uniform((3, 2), (7, 8), (200, 2))
    for _ in range(50):
        polygon = (rng.uniform(-5, 15, (7, 2)),)
        polygon = (np.concatenate((polygon[0], polygon[0][:1])),)
        within = drawn_in(polygon, frame)
        assert all((part >= frame[0]).all() and (part <= frame[1]).all() for part in within)
        found = covered(within, points) if within else np.zeros(len(points), bool)
        np.testing.assert_array_equal(found, covered(polygon, points))


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
    assert touched([tuple(rings)], (20, 10)) == extent


def test_polygons_that_overlap_do_not_cancel_out() -> None:
    assert touched([(rectangle(-1, -1, 30, 30),), (rectangle(-2, -2, 30, 30),)], (20, 10)) == PixelBounds(0, 0, 10, 20)
