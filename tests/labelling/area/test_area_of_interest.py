"""Boxes and geometries that outputs are clipped to."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.features import geometry_mask
from rasterio.transform import Affine
from rasterio.warp import transform_bounds, transform_geom

import latentclust
from latentclust.errors import LatentclustError
from latentclust.labelling.area.area_of_interest import parse_crs
from latentclust.model.model import ClusteringModel
from tests.labelling.planted import TRANSFORM, noise_scene, read_band, write_scene

HEIGHT, WIDTH = 230, 310


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    image = noise_scene(HEIGHT, WIDTH)
    image[:, 60:80, 40:60] = 0
    return write_scene(tmp_path / "in" / "scene.tif", image, nodata=0)


@pytest.fixture
def whole(planted: ClusteringModel, scene: Path, tmp_path: Path) -> Any:
    latentclust.label(planted, scene, tmp_path / "whole")
    return read_band(tmp_path / "whole" / "scene.tif")


def box(top: int, left: int, bottom: int, right: int, transform: Affine = TRANSFORM) -> tuple[float, ...]:
    a, _, c, _, e, f = tuple(transform)[:6]
    return a * left + c, e * bottom + f, a * right + c, e * top + f


def drawn(folder: Path, ring: list[tuple[float, float]]) -> Path:
    """Write a polygon of columns and rows to a GeoJSON file, in the coordinates of the scene."""
    points = [[TRANSFORM.a * x + TRANSFORM.c, TRANSFORM.e * y + TRANSFORM.f] for x, y in ring]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32613"}}
    path = folder / "drawn.geojson"
    path.write_text(json.dumps({"type": "Polygon", "coordinates": [points], "crs": crs}))
    return path


@pytest.mark.parametrize(
    "corners",
    [(0, 0, HEIGHT, 155), (0, 155, HEIGHT, WIDTH), (0, 0, 115, WIDTH), (115, 0, HEIGHT, WIDTH), (97, 33, 98, 34)],
)
def test_a_box_cuts_the_output_and_moves_no_window(
    planted: ClusteringModel, scene: Path, whole: Any, tmp_path: Path, corners: Any
) -> None:
    top, left, bottom, right = corners
    latentclust.label(planted, scene, tmp_path / "out", bbox=box(*corners))
    np.testing.assert_array_equal(read_band(tmp_path / "out" / "scene.tif"), whole[top:bottom, left:right])
    with rasterio.open(tmp_path / "out" / "scene.tif") as file:
        assert file.bounds == pytest.approx(box(*corners), abs=1e-6)
        assert file.crs == CRS.from_epsg(32613)


@pytest.mark.parametrize("windows", [1, 40])
def test_a_box_cuts_a_scene_of_many_strips(
    planted: ClusteringModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, windows: int
) -> None:
    monkeypatch.setattr("latentclust.labelling.windows.strips.WINDOWS", windows)
    scene = write_scene(tmp_path / "scene.tif", noise_scene(900, 150))
    latentclust.label(planted, scene, tmp_path / "whole")
    for top, bottom in ((0, 3), (260, 300), (500, 900), (77, 81)):
        latentclust.label(planted, scene, tmp_path / f"from-{top}", bbox=box(top, 40, bottom, 150))
        part = read_band(tmp_path / "whole" / "scene.tif")[top:bottom, 40:]
        np.testing.assert_array_equal(read_band(tmp_path / f"from-{top}" / "scene.tif"), part)


def test_a_box_in_another_coordinate_system_takes_the_pixels_that_it_touches(
    planted: ClusteringModel, scene: Path, whole: Any, tmp_path: Path
) -> None:
    wanted = transform_bounds("EPSG:32613", "EPSG:4326", *box(50, 60, 120, 150))
    latentclust.label(planted, scene, tmp_path / "out", bbox=wanted, bbox_crs="EPSG:4326")
    with rasterio.open(tmp_path / "out" / "scene.tif") as file:
        left, top = (file.transform.c - TRANSFORM.c) / 10, (TRANSFORM.f - file.transform.f) / 10
        assert round(left) in range(55, 61)
        assert round(top) in range(45, 51)
        found = file.read(1)
    assert 90 <= found.shape[1] <= 100
    np.testing.assert_array_equal(found, whole[round(top) :, round(left) :][: found.shape[0], : found.shape[1]])


@pytest.mark.parametrize("kind", ["geojson", "gpkg"])
def test_a_geometry_leaves_out_what_lies_outside(
    planted: ClusteringModel, scene: Path, whole: Any, tmp_path: Path, kind: str
) -> None:
    corners = [(60, 50), (160, 50), (160, 150), (60, 150)]  # column, row
    ring = [(TRANSFORM.a * x + TRANSFORM.c, TRANSFORM.e * y + TRANSFORM.f) for x, y in [*corners[:3], corners[0]]]
    triangle = {"type": "Polygon", "coordinates": [ring]}
    path = tmp_path / f"area.{kind}"
    if kind == "geojson":
        moved = transform_geom("EPSG:32613", "EPSG:4326", triangle)
        features = [{"type": "Feature", "properties": {}, "geometry": moved}]
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    else:
        pyogrio, shapely = pytest.importorskip("pyogrio"), pytest.importorskip("shapely")
        shape = shapely.to_wkb(shapely.Polygon(ring))
        pyogrio.raw.write(path, np.array([shape]), [], [], geometry_type="Polygon", crs="EPSG:32613")
    latentclust.label(planted, scene, tmp_path / "out", geometry=path, confidence=True)
    found = read_band(tmp_path / "out" / "scene.tif")
    assert found.shape == (100, 100)
    column, row = np.meshgrid(np.arange(100) + 0.5, np.arange(100) + 0.5)
    inside = column > row
    clear = np.abs(column - row) > 0.01
    part = whole[50:150, 60:160]
    np.testing.assert_array_equal(found[inside & clear], part[inside & clear])
    assert not found[~inside & clear].any()
    np.testing.assert_array_equal(read_band(tmp_path / "out" / "scene-confidence.tif") == 0, found == 0)


def test_scenes_outside_the_area_do_not_count_as_failures(
    planted: ClusteringModel, scene: Path, tmp_path: Path
) -> None:
    far = write_scene(scene.with_name("far.tif"), noise_scene(50, 50), transform=Affine(10, 0, 9e5, 0, -10, 4e6))
    report = latentclust.label(planted, scene.parent, tmp_path / "out", bbox=box(0, 0, 30, 40))
    assert {Path(each.input).name: each.status for each in report.scenes} == {"scene.tif": "done", far.name: "outside"}
    assert report.failed == ()
    assert not (tmp_path / "out" / far.name).exists()
    again = latentclust.label(planted, scene.parent, tmp_path / "out", bbox=box(0, 0, 30, 40))
    assert again.kept == {"scene.tif", far.name}


def test_a_box_that_passes_a_turned_scene_by_leaves_it_out(planted: ClusteringModel, tmp_path: Path) -> None:
    step = 10 / 2**0.5
    turned = Affine(step, step, 500000, step, -step, 4000000)
    scene = write_scene(tmp_path / "scene.tif", noise_scene(100, 100), transform=turned)  # a diamond, 1414 m wide
    report = latentclust.label(planted, scene, tmp_path / "out", bbox=(501420.0, 3999500.0, 502000.0, 4000500.0))
    assert [each.status for each in report.scenes] == ["outside"]


@pytest.mark.parametrize("shape", ["around", "sliver"])
def test_a_geometry_without_a_pixel_of_the_scene_leaves_it_out(
    planted: ClusteringModel, scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: str
) -> None:
    rings = {
        "around": [(-9, -9), (WIDTH + 9, -9), (WIDTH + 9, -5), (-5, -5), (-5, HEIGHT + 9), (-9, HEIGHT + 9), (-9, -9)],
        "sliver": [(9.6, 0.0), (9.9, 0.0), (9.9, HEIGHT), (9.6, HEIGHT), (9.6, 0.0)],
    }
    sizes: list[int] = []

    def masked(shapes: Any, size: tuple[int, int], *args: Any, **options: Any) -> Any:
        sizes.append(size[0] * size[1])
        return geometry_mask(shapes, size, *args, **options)

    monkeypatch.setattr("latentclust.labelling.area.polygon_mask.geometry_mask", masked)
    monkeypatch.setattr("latentclust.labelling.area.polygon_mask.MAX_MASK_PIXELS", 50)
    report = latentclust.label(planted, scene, tmp_path / "out", geometry=drawn(tmp_path, rings[shape]))
    assert [(each.status, each.pixels) for each in report.scenes] == [("outside", 0)]
    assert report.windows == 0
    assert not (tmp_path / "out" / "scene.tif").exists()
    assert max(sizes, default=0) <= 50


def test_a_pixel_counts_as_inside_by_its_centre(
    planted: ClusteringModel, scene: Path, whole: Any, tmp_path: Path
) -> None:
    ring = [(9.4, 20.0), (9.9, 20.0), (9.9, 25.4), (9.4, 25.4), (9.4, 20.0)]
    latentclust.label(planted, scene, tmp_path / "out", geometry=drawn(tmp_path, ring))
    found = read_band(tmp_path / "out" / "scene.tif")
    np.testing.assert_array_equal(found[:, 0], [*whole[20:25, 9], 0])


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_scene_without_a_georeference_fails_if_an_area_is_given(planted: ClusteringModel, tmp_path: Path) -> None:
    write_scene(tmp_path / "in" / "nowhere.tif", noise_scene(50, 50), crs=None, transform=None)
    write_scene(tmp_path / "in" / "no-crs.tif", noise_scene(50, 50), crs=None)
    report = latentclust.label(
        planted, tmp_path / "in", tmp_path / "out", bbox=(0.0, 0.0, 1.0, 1.0), bbox_crs="EPSG:4326"
    )
    assert sorted(scene.reason.split(",")[0] for scene in report.failed) == [
        "has no coordinate reference system", "has no transform",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bbox": (3.0, 0.0, 1.0, 1.0)}, "3 0 1 1 is not a bounding box"),
        ({"bbox": (0.0, 0.0, float("nan"), 1.0)}, "is not a bounding box"),
        ({"bbox": (0.0, 0.0, 1.0, 1.0), "bbox_crs": "EPSG:nope"}, "'EPSG:nope' is not a coordinate reference system"),
        ({"bbox_crs": "EPSG:4326"}, "requires --bbox"),
        ({"bbox": (0.0, 0.0, 1.0, 1.0), "geometry": "area.geojson"}, "exclude each other"),
        ({"bbox": (170.0, -20.0, -170.0, -10.0), "bbox_crs": "EPSG:4326"}, "over the 180th meridian as in 170 -20 190"),
        ({"bbox": (0.0, 0.0, 1e300, 1.0)}, "is not a bounding box"),
        ({"bbox": (5e5, 4e6, 6e5, 5e6), "bbox_crs": "EPSG:4326"}, "500000, 4000000 is not a longitude and latitude"),
        ({"geometry": "gone.geojson"}, "gone.geojson: cannot be read"),
        ({"geometry": "point.geojson"}, "contains no polygons"),
        ({"geometry": "text.geojson"}, "text.geojson: cannot be read"),
    ],
)
def test_bad_areas_stop_the_run_before_it_starts(
    planted: ClusteringModel, scene: Path, tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    (tmp_path / "point.geojson").write_text('{"type": "Point", "coordinates": [0, 0]}')
    (tmp_path / "text.geojson").write_text("no json")
    given = {**options, **({"geometry": tmp_path / options["geometry"]} if "geometry" in options else {})}
    with pytest.raises(LatentclustError, match=words):
        latentclust.label(planted, scene, tmp_path / "out", **given)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "text", ["EPSG:4326", "http://www.opengis.net/def/crs/EPSG/0/4326", "urn:ogc:def:crs:EPSG::4326"]
)
def test_coordinate_systems_are_known_by_code(text: str) -> None:
    assert parse_crs(text, "x").to_epsg() == 4326


@pytest.mark.parametrize("text", ["http://127.0.0.1:9/x", "/etc/passwd", "./x.prj", "@x.prj", "ftp://a/b"])
def test_coordinate_systems_are_not_read_from_files_and_addresses(text: str) -> None:
    with pytest.raises(LatentclustError, match="names a file or an address, which is not read"):
        parse_crs(text, "x")
