"""Outlines of rasters in longitude and latitude: bent, across the 180th meridian, around a pole."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from pyproj import Transformer
from rasterio.transform import Affine
from shapely.geometry import shape

from latentclust.data.scenes.opening import raster
from latentclust.labelling.outputs.footprint import Footprint, footprint
from tests.labelling.planted import write_scene

POLAR = "EPSG:3995"


def of(folder: Path, crs: str | None, transform: Affine | None, extent: tuple[int, int] = (40, 30)) -> Footprint | None:
    with raster(write_scene(folder / "a.tif", np.ones((1, *extent), np.uint8), crs=crs, transform=transform)) as file:
        return footprint(file)


def polygon(found: Footprint | None) -> Any:
    assert found is not None
    there = shape(found.geometry)
    assert there.is_valid
    parts = getattr(there, "geoms", [there])
    assert all(part.exterior.is_ccw for part in parts)
    assert all(abs(x) <= 180 and abs(y) <= 90 for part in parts for x, y in part.exterior.coords)
    return there


def test_in_degrees_it_is_the_extent(tmp_path: Path) -> None:
    found = of(tmp_path, "EPSG:4326", Affine(0.5, 0, 10, 0, -0.25, 60))
    assert polygon(found).equals(shapely.box(10, 50, 25, 60))
    assert found is not None
    assert found.bbox == [10, 50, 25, 60]


@pytest.mark.parametrize("transform", [Affine(5e4, 0, -8e5, 0, -5e4, 7e6), Affine(4e4, 3e4, 0, 3e4, -4e4, 6e6)])
def test_sides_bend(tmp_path: Path, transform: Affine) -> None:
    there = polygon(of(tmp_path, "EPSG:3035", transform))
    to = Transformer.from_crs("EPSG:3035", "EPSG:4326", always_xy=True)
    for column, row in ((0, 0), (30, 0), (30, 40), (0, 40), (15, 0), (30, 10)):
        x = transform.a * column + transform.b * row + transform.c
        y = transform.d * column + transform.e * row + transform.f
        assert there.exterior.distance(shapely.Point(to.transform(x, y))) < 1e-2
    assert of(tmp_path, "EPSG:3035", transform).bbox == pytest.approx(there.bounds)  # type: ignore[union-attr]


def test_across_the_180th_meridian(tmp_path: Path) -> None:
    found = of(tmp_path, "EPSG:32601", Affine(10000, 0, 100000, 0, -10000, 6000000))
    there = polygon(found)
    assert found is not None
    west, east = sorted(there.geoms, key=lambda part: -part.bounds[0])
    assert (west.bounds[2], east.bounds[0]) == (180, -180)
    assert found.bbox == pytest.approx([west.bounds[0], there.bounds[1], east.bounds[2], there.bounds[3]])
    assert found.bbox[0] > found.bbox[2]


def test_longitudes_that_count_to_360(tmp_path: Path) -> None:
    found = of(tmp_path, "EPSG:4326", Affine(12, 0, 0, 0, -4.5, 90))
    assert polygon(found).area == pytest.approx(360 * 180)
    assert found is not None
    assert found.bbox == [-180, -90, 180, 90]


def test_the_whole_earth(tmp_path: Path) -> None:
    found = of(tmp_path, "EPSG:4326", Affine(12, 0, -180, 0, -4.5, 90))
    assert polygon(found).equals(shapely.box(-180, -90, 180, 90))


def test_around_a_pole(tmp_path: Path) -> None:
    found = of(tmp_path, POLAR, Affine(1e5, 0, -1.4e6, 0, -1e5, 2.1e6))
    there = polygon(found)
    to = Transformer.from_crs(POLAR, "EPSG:4326", always_xy=True)
    inside = [to.transform(x, y) for x in (-1.3e6, -2e5, 1e6) for y in (-1.7e6, 3e5, 1.9e6)]
    outside = [to.transform(x, y) for x, y in ((-1.5e6, 0), (1.7e6, 0), (0, 2.2e6), (0, -2e6))]
    assert all(there.contains(shapely.Point(point)) for point in inside)
    assert not any(there.contains(shapely.Point(point)) for point in outside)
    assert found is not None
    assert (found.bbox[0], *found.bbox[2:]) == (-180, 180, 90)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("place", [(None, Affine(1, 0, 5, 0, -1, 5)), ("EPSG:32613", None), (None, None)])
def test_no_place(tmp_path: Path, place: tuple[str | None, Affine | None]) -> None:
    assert of(tmp_path, *place) is None


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("+proj=longlat +R=3396190 +no_defs", Affine(0.5, 0, 10, 0, -0.25, 60)),
        ("+proj=geos +h=35785831 +lon_0=0 +sweep=y +ellps=GRS80", Affine(4e5, 0, -6e6, 0, -3e5, 6e6)),
    ],
    ids=["Mars", "space around the Earth"],
)
def test_what_is_not_on_the_earth(tmp_path: Path, crs: str, transform: Affine) -> None:
    assert of(tmp_path, crs, transform) is None


@pytest.mark.parametrize("turned", [-1, 1])
def test_around_the_south_pole(tmp_path: Path, turned: int) -> None:
    found = of(tmp_path, "EPSG:3031", Affine(turned * 1e5, 0, turned * -1.4e6, 0, -1e5, 2.1e6))
    assert polygon(found).contains(shapely.Point(12, -89))
    assert found is not None
    assert found.bbox[:3] == [-180, -90, 180]
