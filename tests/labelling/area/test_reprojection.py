"""Boxes and polygons in a CRS other than that of the scene."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.crs import CRS
from rasterio.io import DatasetReader
from rasterio.transform import Affine
from rasterio.warp import transform

import latentclust
from latentclust.errors import LatentclustError
from latentclust.labelling.area.area_of_interest import AreaOfInterest, area_from_bbox
from latentclust.labelling.windows.strips import PixelBounds
from latentclust.model.model import ClusteringModel
from tests.labelling.planted import noise_scene, write_scene

WGS84 = CRS.from_epsg(4326)
FINE = 8  # points looked at along a pixel's side
SLACK = 2  # of them that may be missed at a slanting corner


@contextmanager
def raster(folder: Path, crs: str, place: Affine, height: int = 60, width: int = 80) -> Iterator[DatasetReader]:
    path = write_scene(folder / "scene.tif", np.ones((1, height, width), np.uint8), crs=crs, transform=place)
    with rasterio.open(path) as file:
        yield file


def north_up(west: float, north: float, pixel: float) -> Affine:
    return Affine(pixel, 0, west, 0, -pixel, north)


def degrees(file: DatasetReader, columns: Any, rows: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return longitudes and latitudes of all columns and rows: `(rows, columns)`."""
    across, down = np.meshgrid(columns, rows)
    to = file.transform
    x, y = to.a * across + to.b * down + to.c, to.d * across + to.e * down + to.f
    found = transform(file.crs, WGS84, x.ravel(), y.ravel())
    return np.reshape(found[0], across.shape), np.reshape(found[1], across.shape)


def box_of(file: DatasetReader, *box: float) -> PixelBounds | None:
    found = area_from_bbox([float(each) for each in box], "EPSG:4326").pixels_in(file, "scene.tif")
    return None if found is None else found[0]


def inside_of(file: DatasetReader, *rings: list[tuple[float, float]], crs: CRS = WGS84) -> NDArray[np.bool_]:
    """Return which pixels of a scene lie in a polygon."""
    polygon = shapely.Polygon(rings[0], rings[1:])
    found = AreaOfInterest((polygon,), crs, False, "--geometry").pixels_in(file, "scene.tif")
    pixels = np.zeros(file.shape, bool)
    if found is not None and found[1] is not None:
        extent, mask = found
        shape = (extent.height, extent.width)
        pixels[extent.top : extent.bottom, extent.left : extent.right] = mask.rasterize(extent.top, extent.left, shape)
    return pixels


def test_edges_are_straight_where_they_come_from(tmp_path: Path) -> None:
    with raster(tmp_path, "EPSG:32633", north_up(480000, 5263000, 100), 120, 120) as file:
        found = inside_of(file, [(13, 46), (17, 46), (17, 47.5), (13, 47.5)])
        _, latitude = degrees(file, np.arange(120) + 0.5, np.arange(120) + 0.5)
    np.testing.assert_array_equal(found, latitude < 47.5)
    assert 0 < found.sum() < found.size


def test_an_edge_that_bends_both_ways_about_its_middle_is_not_straight(tmp_path: Path) -> None:
    with raster(tmp_path, "EPSG:3857", north_up(-1e7, 1e7, 1e5), 200, 200) as file:
        found = inside_of(file, [(-60, -60), (60, 60), (-60, 60)])
        longitude, latitude = degrees(file, np.arange(200) + 0.5, np.arange(200) + 0.5)
    inside = (latitude > longitude) & (longitude > -60) & (latitude < 60)
    differs = found != inside
    assert differs.sum() <= np.count_nonzero(np.abs(latitude - longitude) < 1e-6)
    assert 0 < inside.sum() < inside.size


def test_a_hole_and_what_lies_far_beyond_the_scene_stay_what_they_are(tmp_path: Path) -> None:
    with raster(tmp_path, "EPSG:32633", north_up(480000, 5263000, 100), 120, 120) as file:
        outer = [(-170.0, -80.0), (170.0, -80.0), (170.0, 88.0), (-170.0, 88.0)]
        found = inside_of(file, outer, [(14.8, 47.45), (14.85, 47.45), (14.85, 47.48), (14.8, 47.48)])
        longitude, latitude = degrees(file, np.arange(120) + 0.5, np.arange(120) + 0.5)
    hole = (longitude > 14.8) & (longitude < 14.85) & (latitude > 47.45) & (latitude < 47.48)
    np.testing.assert_array_equal(found, ~hole)
    assert hole.any()


@pytest.mark.parametrize(
    ("crs", "place", "box"),
    [
        ("EPSG:3413", north_up(0, -3298000, 40), (-180, 60, 180, 90)),
        ("EPSG:3413", north_up(0, -3298000, 40), (-180, -90, 180, 90)),
        ("EPSG:32613", north_up(500000, 4400000, 10), (-180, -90, 180, 90)),
        ("EPSG:32613", north_up(500000, 4400000, 10), (-180, 0, 180, 84)),
        ("EPSG:32613", north_up(500000, 4400000, 10), (250, 30, 260, 50)),  # 110 to 100 degrees west
        ("EPSG:3857", north_up(-2e7, 2e7, 5e5), (-180, -90, 180, 90)),
        ("EPSG:4326", north_up(170, 10, 0.2), (-180, -90, 180, 90)),  # to 186 degrees east
    ],
)
def test_a_box_that_holds_the_scene_takes_all_of_it(
    tmp_path: Path, crs: str, place: Affine, box: tuple[float, ...]
) -> None:
    with raster(tmp_path, crs, place) as file:
        assert box_of(file, *box) == PixelBounds(0, 0, 60, 80)


@pytest.mark.parametrize(
    ("crs", "place", "box"),
    [
        ("EPSG:32633", north_up(250000, 5263000, 500), (11.8, 47.2, 12.0, 60.0)),
        ("EPSG:32633", north_up(250000, 5263000, 500), (-100.0, 47.4, 11.9, 80.0)),
        ("EPSG:32633", north_up(480000, 5263000, 500), (-20.0, 47.45, 60.0, 80.0)),
        ("EPSG:3413", north_up(-2e5, 3e5, 6000), (100.0, 87.0, 120.0, 89.0)),  # the pole is in it
        ("EPSG:3413", north_up(-2e5, 3e5, 6000), (-180.0, 89.0, 180.0, 90.0)),
        ("EPSG:32601", north_up(310000, 7000000, 1000), (-180.0, 62.7, 180.0, 62.9)),  # over the 180th meridian
        ("EPSG:32601", north_up(310000, 7000000, 1000), (179.0, 62.7, 181.0, 62.9)),
        ("EPSG:32601", north_up(310000, 7000000, 1000), (-180.0, 62.7, -179.5, 62.9)),
        ("EPSG:32601", north_up(310000, 7000000, 1000), (175.0, 62.7, 179.9, 62.9)),
    ],
)
def test_a_box_takes_the_rectangle_of_pixels_that_it_touches(
    tmp_path: Path, crs: str, place: Affine, box: tuple[float, ...]
) -> None:
    west, south, east, north = box
    with raster(tmp_path, crs, place) as file:
        longitude, latitude = degrees(file, np.arange(80 * FINE + 1) / FINE, np.arange(60 * FINE + 1) / FINE)
        found = box_of(file, *box)
    turned = west + (longitude - west) % 360
    rows, columns = np.nonzero((turned <= east) & (latitude >= south) & (latitude <= north))
    assert found is not None
    assert found.top in (rows.min() // FINE, (rows.min() - SLACK) // FINE)
    assert found.left in (columns.min() // FINE, (columns.min() - SLACK) // FINE)
    assert found.bottom in (-(-rows.max() // FINE), -(-(rows.max() + SLACK) // FINE))
    assert found.right in (-(-columns.max() // FINE), -(-(columns.max() + SLACK) // FINE))
    assert (found.height, found.width) != (60, 80)


@pytest.mark.parametrize(
    "box",
    [
        (-180, -90, 180, 60),  # its pixel rectangle alone reaches in
        (-180, 60.5, 180, 90),
        (0, 60, 10, 61),
        (130, 60, 140, 61),
    ],
)
def test_a_box_that_does_not_touch_the_scene_takes_none_of_it(tmp_path: Path, box: tuple[float, ...]) -> None:
    with raster(tmp_path, "EPSG:3413", north_up(0, -3298000, 40)) as file:
        assert box_of(file, *box) is None


def test_a_projected_box_finds_its_place_in_a_scene_of_degrees(tmp_path: Path) -> None:
    area = area_from_bbox((5e5, 5.2e6, 6e5, 5.3e6), "EPSG:32633")
    with raster(tmp_path, "EPSG:4326", north_up(-180, 90, 0.5), 360, 720) as file:
        assert area.pixels_in(file, "scene.tif") == (PixelBounds(84, 390, 87, 393), None)
    with raster(tmp_path, "EPSG:4326", north_up(0, 90, 0.5), 360, 720) as file:
        assert area.pixels_in(file, "scene.tif") == (PixelBounds(84, 30, 87, 33), None)


def test_a_scene_in_which_the_area_cannot_be_located_fails_and_is_not_outside(
    planted: ClusteringModel, tmp_path: Path
) -> None:
    beyond = {"crs": "EPSG:3857", "transform": north_up(2.1e7, 1e6, 100)}  # at 171 degrees west, if anywhere
    write_scene(tmp_path / "in" / "beyond.tif", noise_scene(50, 50), **beyond)
    usual = {"crs": "EPSG:3857", "transform": north_up(-1.903e7, 1e6, 100)}
    write_scene(tmp_path / "in" / "usual.tif", noise_scene(50, 50), **usual)
    box = {"bbox": (-172.0, 8.0, -170.0, 10.0), "bbox_crs": "EPSG:4326"}
    report = latentclust.label(planted, tmp_path / "in", tmp_path / "out", **box)
    assert [(scene.status, scene.reason[:19]) for scene in report.scenes] == [
        ("failed", "cannot determine wh"),
        ("done", ""),
    ]


POLE = [(-3e6, -3e6), (3e6, -3e6), (3e6, 3e6), (-3e6, 3e6)]
AROUND = [(-1e6, -1e6), (1e6, -1e6), (1e6, 1e6), (-1e6, 1e6)]
ASIDE = [(-2e6, -2e6), (-1e6, -2e6), (-1e6, 2e6), (-2e6, 2e6)]  # over the 180th meridian


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("west", [-180, 0, 100])
@pytest.mark.parametrize("crs", ["EPSG:3413", "EPSG:3031"])
@pytest.mark.parametrize("holes", [[], [AROUND], [ASIDE]], ids=["whole", "around", "aside"])
def test_an_outline_around_a_pole_is_found_in_a_scene_of_degrees(
    tmp_path: Path, crs: str, holes: list[list[tuple[float, float]]], west: float, turned: bool
) -> None:
    rings = [ring[::-1] if turned else ring for ring in (POLE, *holes)]
    with raster(tmp_path, "EPSG:4326", north_up(west, 90, 1), 180, 360) as file:
        found = inside_of(file, *rings, crs=CRS.from_string(crs))
        longitude, latitude = degrees(file, np.arange(360) + 0.5, np.arange(180) + 0.5)
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(longitude, latitude)
    expected = shapely.contains_xy(shapely.Polygon(POLE, holes), x, y)
    np.testing.assert_array_equal(found, expected)
    assert 0 < expected.sum() < expected.size


@pytest.mark.parametrize("centre", [0, 30])
def test_an_outline_over_the_edge_of_a_map_of_the_world_is_cut_there(tmp_path: Path, centre: float) -> None:
    crs = f"+proj=moll +lon_0={centre} +datum=WGS84"
    with raster(tmp_path, crs, north_up(-1.8e7, 9e6, 1e5), 180, 360) as file:
        ring = [(170.0 + centre, -20.0), (190.0 + centre, -20.0), (190.0 + centre, 30.0), (170.0 + centre, 30.0)]
        found = inside_of(file, ring)
        x, y = np.meshgrid(-1.8e7 + 1e5 * (np.arange(360) + 0.5), 9e6 - 1e5 * (np.arange(180) + 0.5))
    longitude, latitude = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    on_map = np.isfinite(longitude)
    longitude = np.where(on_map, longitude - centre, 0) % 360
    expected = on_map & (longitude > 170) & (longitude < 190) & (latitude > -20) & (latitude < 30)
    np.testing.assert_array_equal(found, expected)
    assert (expected.any(axis=0)[:180].sum(), expected.any(axis=0)[180:].sum()) > (0, 0)


def test_projected_outlines_that_a_map_of_the_world_tears_are_refused(tmp_path: Path) -> None:
    box = (2.5e6, -1e6, 4.5e6, 1e6)  # over the 180th meridian on a map of the Pacific
    with (
        raster(tmp_path, "ESRI:54009", north_up(-1.8e7, 9e6, 1e5), 180, 360) as file,
        pytest.raises(LatentclustError, match="an outline crosses the edge of its map, for example the 180th meridian"),
    ):
        area_from_bbox(box, "EPSG:3832").pixels_in(file, "scene.tif")
