"""Reading GeoJSON and other files of polygons: accepted contents, and one message for each invalid one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import latentclust
from latentclust.errors import LatentclustError
from latentclust.labelling.area.area_of_interest import area_from_file
from latentclust.model.model import ClusteringModel
from tests.labelling.planted import noise_scene, write_scene

RING = [[0, 0], [1, 0], [1, 1], [0, 0]]
POLYGON = {"type": "Polygon", "coordinates": [RING]}
NAMED = {"type": "name", "properties": {"name": "EPSG:32613"}}


def written(folder: Path, content: Any, name: str = "area.geojson") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("content", "count"),
    [
        (POLYGON, 1),
        ({**POLYGON, "crs": None}, 1),
        ({**POLYGON, "coordinates": [RING[:3]]}, 1),
        ({**POLYGON, "coordinates": [[[x, y, 7] for x, y in RING]]}, 1),
        ({"type": "MultiPolygon", "coordinates": [[RING], [RING, RING], []]}, 2),
        ({"type": "Feature", "geometry": POLYGON}, 1),
        (
            {
                "type": "FeatureCollection",
                "features": [
                    {"type": "Feature", "geometry": None},
                    {"type": "Feature", "geometry": {"type": "Point", "coordinates": [0, 0]}},
                    {
                        "type": "Feature",
                        "geometry": {"type": "GeometryCollection", "geometries": [POLYGON, POLYGON]},
                    },
                ],
            },
            2,
        ),
    ],
)
def test_polygons_are_found_wherever_they_are(tmp_path: Path, content: Any, count: int) -> None:
    area = area_from_file(written(tmp_path, content))
    assert len(area.polygons) == count
    assert area.crs is not None
    assert area.crs.to_epsg() == 4326
    np.testing.assert_array_equal(area.polygons[0].exterior.coords, RING)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert area_from_file(written(tmp_path, "\ufeff" + json.dumps(POLYGON))).polygons


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({**POLYGON, "crs": "EPSG:4326"}, "crs is 'EPSG:4326', which does not name a CRS"),
        ({**POLYGON, "crs": {"type": "link"}}, "which does not name a CRS"),
        ({**POLYGON, "crs": {"type": "name", "properties": {"name": 5}}}, "which does not name a CRS"),
        (
            {**POLYGON, "crs": {"type": "name", "properties": {"name": "Mars"}}},
            "'Mars' is not a coordinate reference system",
        ),
        ({"type": "FeatureCollection", "features": 5}, "features is 5, and must be a list"),
        ({"type": "FeatureCollection", "features": [POLYGON, 5]}, r"features\[1\] is 5, and must be an object"),
        ({"type": "FeatureCollection", "features": [None]}, r"features\[0\] is None, and must be an object"),
        ({"type": "Feature", "geometry": "POLYGON"}, "geometry is 'POLYGON', and must be an object"),
        ({"type": "GeometryCollection"}, "geometries is None, and must be a list"),
        ({"type": "Polygon", "coordinates": "xyz"}, "coordinates is 'xyz', and must be a list"),
        ({"type": "Polygon", "coordinates": ["xyz"]}, r"coordinates\[0\] is 'xyz', and must be a list"),
        ({"type": "Polygon", "coordinates": RING}, r"coordinates\[0\]\[0\] is 0, and must be two numbers"),
        ({"type": "Polygon"}, "coordinates is None, and must be a list"),
        ({"type": "Polygon", "coordinates": []}, "contains no polygons"),
        ({"type": "Polygon", "coordinates": [[]]}, "contains no polygons"),
        ({"type": "Polygon", "coordinates": [RING, []]}, "must be a ring of at least three points"),
        ({"type": "Polygon", "coordinates": [RING[:2]]}, "must be a ring of at least three points"),
        ({"type": "MultiPolygon", "coordinates": [[RING], 5]}, r"coordinates\[1\] is 5, and must be a list"),
        ({"type": "Polygon", "coordinates": [[*RING[:3], [0, "0"]]]}, r"\[3\] is \[0, '0'\], and must be two numbers"),
        ({"type": "Polygon", "coordinates": [[*RING[:3], [float("nan"), 0]]]}, "must be two numbers"),
        ({"type": "Polygon", "coordinates": [[*RING[:3], [0, float("inf")]]]}, "must be two numbers"),
        ({"type": "Polygon", "coordinates": [[*RING[:3], [0, 10**400]]]}, "must be two numbers of at most 1e.15"),
        ({"type": "Polygon", "coordinates": [[*RING[:3], [True, 0]]]}, "must be two numbers"),
        ({"type": "Polygon", "coordinates": [[[5e5, 4e6], *RING]]}, "500000, 4000000 is not a longitude and latitude"),
        ({"type": "Topology"}, "type is 'Topology', and must be one of GeoJSON's"),
        ({"type": ["Polygon"]}, "and must be one of GeoJSON's"),
        ({"coordinates": [RING]}, "type is None"),
        ([POLYGON], "must be an object"),
        ("[" * 100_000, "cannot be read"),
        ('{"type": "GeometryCollection", "geometries": [' * 300 + "]}" * 300, "contains no polygons"),
        ("", "cannot be read"),
    ],
)
def test_invalid_geojson_is_one_message(tmp_path: Path, content: Any, words: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(LatentclustError, match=words) as caught:
        area_from_file(path)
    (issue,) = caught.value.issues
    assert issue.where == str(path)
    assert issue.fix


@pytest.mark.parametrize("name", ["area.gpkg", "area.csv", "area.geojson"])
def test_files_of_other_formats_are_one_message(tmp_path: Path, name: str) -> None:
    pytest.importorskip("pyogrio")
    path = tmp_path / name
    path.write_bytes(b"a,b\n1,2\n" if name == "area.csv" else b"\x89PNG\r\n\x1a\n" * 9)
    words = "contains no polygons" if name == "area.csv" else "cannot be read"
    with pytest.raises(LatentclustError, match=words):
        area_from_file(path)


def test_invalid_coordinates_in_other_files_are_one_message(tmp_path: Path) -> None:
    pyogrio, shapely = pytest.importorskip("pyogrio"), pytest.importorskip("shapely")
    with np.errstate(invalid="ignore"):
        shapes = shapely.to_wkb([shapely.Polygon(RING), shapely.Polygon([(0, 0), (1, np.inf), (1, 1)])])
    path = tmp_path / "area.gpkg"
    pyogrio.raw.write(path, shapes, [], [], geometry_type="Polygon", crs="EPSG:32613")
    with pytest.raises(LatentclustError, match=r"geometries\[1\].*must be two numbers"):
        area_from_file(path)


def test_no_output_is_written_for_an_invalid_file(planted: ClusteringModel, tmp_path: Path) -> None:
    scene = write_scene(tmp_path / "scene.tif", noise_scene(50, 50))
    path = written(tmp_path, {**POLYGON, "crs": "EPSG:4326"})
    with pytest.raises(LatentclustError, match="does not name a CRS"):
        latentclust.label(planted, scene, tmp_path / "out", geometry=path)
    assert not (tmp_path / "out").exists()
