"""Tests of the position of rasters on the map: known bounds, pixel coordinates, and tiles."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from latentclust.data.scenes.opening import open_raster
from latentclust.viewer.placement import EDGE, PIXEL, Placement, applied, place, tile_transform
from tests.viewer.labelled import HEIGHT, WIDTH, from_origin

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # of rasterio


def _placed(path: Path, like: Placement | None = None, **place_of: object) -> Placement:
    with rasterio.open(
        path, "w", driver="GTiff", height=HEIGHT, width=WIDTH, count=1, dtype="uint8", **place_of
    ) as file:
        file.write(np.ones((1, HEIGHT, WIDTH), np.uint8))
    with open_raster(path) as file:
        return place(file, like)


def test_a_raster_in_degrees_has_its_bounds(tmp_path: Path) -> None:
    found = _placed(tmp_path / "a.tif", crs="EPSG:4326", transform=from_origin(10, 50, 0.01, 0.01))
    assert found.on_earth
    assert found.degrees == pytest.approx((10, 49.52, 10.64, 50), abs=1e-6)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize(
    "place_of",
    [
        {},
        {"crs": "EPSG:4326"},
        {"transform": from_origin(3, 4, 2, 2)},
        {"crs": 'LOCAL_CS["grid",UNIT["metre",1]]', "transform": from_origin(3, 4, 2, 2)},
        {"crs": "EPSG:4326", "transform": from_origin(0, 95, 0.1, 0.1)},
        {"crs": "EPSG:4326", "transform": from_origin(177, 40, 0.1, 0.1)},
        {"crs": "EPSG:32660", "transform": from_origin(700_000, 6_000_000, 5_000, 5_000)},
    ],
    ids=["nothing", "no transform", "no CRS", "local CRS", "beyond the pole", "degrees across 180", "UTM across 180"],
)
def test_a_raster_without_a_place_is_centred_at_zero(tmp_path: Path, place_of: dict[str, object]) -> None:
    found = _placed(tmp_path / "a.tif", **place_of)
    assert not found.on_earth
    assert found.bounds == pytest.approx((-32 * PIXEL, -24 * PIXEL, 32 * PIXEL, 24 * PIXEL))
    assert found.resolution == pytest.approx(PIXEL)


@pytest.mark.parametrize(
    ("place_of", "west", "east"),
    [
        ({"crs": "EPSG:4326", "transform": from_origin(-180, 60, 360 / WIDTH, 2)}, -180, 180),
        ({"crs": "EPSG:4326", "transform": from_origin(-180.5, 60, 360 / WIDTH, 2)}, -180, 180),
        ({"crs": "EPSG:32660", "transform": from_origin(500_000, 6_000_000, 1_000, 1_000)}, 177, 178),
    ],
    ids=["the Earth", "the Earth from half a degree beyond", "UTM beside 180"],
)
def test_rasters_up_to_the_edge_have_a_place(
    tmp_path: Path, place_of: dict[str, object], west: float, east: float
) -> None:
    found = _placed(tmp_path / "a.tif", **place_of)
    assert found.on_earth
    assert (found.degrees[0], found.degrees[2]) == pytest.approx((west, east), abs=1)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_labels_without_a_place_lie_on_the_scene_of_equal_size(tmp_path: Path) -> None:
    scene = _placed(tmp_path / "a.tif", crs="EPSG:4326", transform=from_origin(10, 50, 0.01, 0.01))
    assert _placed(tmp_path / "b.tif", scene) is scene
    other = Placement(True, scene.crs, scene.transform, scene.bounds, (HEIGHT, WIDTH + 1))
    assert not _placed(tmp_path / "b.tif", other).on_earth


def test_tiles_cover_the_world() -> None:
    whole = tile_transform(0, 0, 0, 1)
    assert whole == Affine(2 * EDGE, 0, -EDGE, 0, -2 * EDGE, EDGE)
    last = applied(tile_transform(3, 3, 2, 512), 512, 512)
    assert last == pytest.approx((EDGE, -EDGE))
