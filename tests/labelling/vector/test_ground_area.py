"""Areas in projected and geographic systems, against pyproj and by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from pyproj import Geod
from rasterio.control import GroundControlPoint
from rasterio.transform import Affine

from latentclust.labelling.vector.ground_area import GroundArea
from tests.labelling.planted import write_scene

UTM = Affine(10.0, 0.0, 500000.0, 0.0, -10.0, 4000000.0)
DEGREES = Affine(0.5, 0.0, 10.0, 0.0, -0.25, 60.0)
SURVEY_FOOT = 1200 / 3937

GRADS = "EPSG:4807"
ELLIPSOIDS: dict[str, dict[str, Any]] = {
    "EPSG:4326": {"ellps": "WGS84"},
    "EPSG:4267": {"ellps": "clrk66"},
    GRADS: {"a": 6378249.2, "rf": 293.466021293627},
    "+proj=longlat +R=6371000": {"a": 6371000, "f": 0},
}


def ground(folder: Path, crs: str | None, transform: Affine | None, **profile: Any) -> GroundArea:
    path = write_scene(folder / "a.tif", np.ones((1, 40, 30), np.uint8), crs=crs, transform=transform, **profile)
    with rasterio.open(path) as file:
        return GroundArea.from_dataset(file)


def boxes(*corners: tuple[float, float, float, float]) -> Any:
    return np.array([shapely.box(*each) for each in corners], object)


def test_planar_in_metres(tmp_path: Path) -> None:
    found = ground(tmp_path, "EPSG:32613", UTM)
    assert found.areas(boxes((0, 0, 1, 1), (2, 3, 6, 13))).tolist() == [100, 4000]
    assert found.pixel_area == 100


def test_planar_in_feet(tmp_path: Path) -> None:
    found = ground(tmp_path, "EPSG:2225", UTM)
    assert found.pixel_area == pytest.approx(100 * SURVEY_FOOT**2, rel=1e-12)


def test_planar_of_a_compound_system(tmp_path: Path) -> None:
    assert ground(tmp_path, "EPSG:32613+5703", UTM).pixel_area == 100


def test_a_turned_raster_keeps_its_areas(tmp_path: Path) -> None:
    turned = Affine(8, 6, UTM.c, 6, -8, UTM.f)
    found = ground(tmp_path, "EPSG:32613", turned)
    assert found.pixel_area == pytest.approx(100, rel=1e-12)
    (placed,) = found.to_coordinates(boxes((0, 0, 3, 2)))
    assert placed.area == pytest.approx(600, rel=1e-9)
    corners = [(UTM.c, UTM.f), (turned.c + 3 * turned.a, turned.f + 3 * turned.d)]
    assert all(shapely.dwithin(placed.boundary, shapely.Point(corner), 1e-6) for corner in corners)


@pytest.mark.parametrize("crs", ELLIPSOIDS)
@pytest.mark.parametrize("south_up", [False, True])
def test_on_the_ellipsoid_as_pyproj_measures(tmp_path: Path, crs: str, south_up: bool) -> None:
    found = ground(tmp_path, crs, Affine(0.5, 0, 10, 0, 0.25, -60) if south_up else DEGREES)
    holes = [shapely.box(6, 8, 9, 20).exterior, shapely.box(12, 8, 13, 20).exterior]
    polygon = np.array([shapely.Polygon(shapely.box(3, 5, 20, 31).exterior, holes)], object)
    (placed,) = shapely.segmentize(found.to_coordinates(polygon), 0.01)
    degrees = shapely.transform(placed, lambda points: points * (0.9 if crs == GRADS else 1))
    geod = Geod(**ELLIPSOIDS[crs])
    rings = [abs(geod.geometry_area_perimeter(ring)[0]) for ring in (degrees.exterior, *degrees.interiors)]
    assert found.areas(polygon)[0] == pytest.approx(rings[0] - sum(rings[1:]), rel=1e-7)


def test_the_whole_earth(tmp_path: Path) -> None:
    found = ground(tmp_path, "EPSG:4326", Affine(12, 0, -180, 0, -4.5, 90))
    assert found.areas(boxes((0, 0, 30, 40)))[0] == pytest.approx(5.10065621724e14, rel=1e-10)


def test_edges_across_latitudes_are_straight_in_degrees(tmp_path: Path) -> None:
    found = ground(tmp_path, "EPSG:4326", Affine(0.4, 0.3, 10, 0.3, -0.4, 50))
    whole = boxes((0, 0, 30, 40))
    parts = boxes(*[(column, row, column + 1, row + 1) for column in range(30) for row in range(40)])
    assert found.areas(whole)[0] == pytest.approx(found.areas(parts).sum(), rel=1e-9)


def test_the_pixel_in_the_middle_counts(tmp_path: Path) -> None:
    found = ground(tmp_path, "EPSG:4326", DEGREES)
    assert found.pixel_area == found.areas(boxes((15, 20, 16, 21)))[0]
    assert found.pixel_area != pytest.approx(float(found.areas(boxes((0, 0, 1, 1)))[0]), rel=0.01)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("place", [(None, UTM), ("EPSG:32613", None), (None, None)])
def test_without_a_place_areas_are_not_known(tmp_path: Path, place: tuple[str | None, Affine | None]) -> None:
    found = ground(tmp_path, *place)
    assert found.crs is None
    assert np.isnan(found.areas(boxes((0, 0, 2, 2)))).all()
    assert found.pixel_area is None


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_control_points_alone_are_no_place(tmp_path: Path) -> None:
    points = [GroundControlPoint(row, col, 5e5 + 10 * col, 4e6 - 10 * row) for row in (0, 40) for col in (0, 30)]
    path = write_scene(tmp_path / "a.tif", np.ones((1, 40, 30), np.uint8), crs=None, transform=None)
    with rasterio.open(path, "r+") as file:
        file.gcps = points, rasterio.crs.CRS.from_epsg(32613)
    with rasterio.open(path) as file:
        found = GroundArea.from_dataset(file)
    assert (found.crs, found.pixel_area) == (None, None)
    assert found.to_coordinates(boxes((1, 2, 3, 4)))[0] == shapely.box(1, 2, 3, 4)
