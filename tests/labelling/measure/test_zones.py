"""Areas of clusters in the zones of a vector file."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from pyproj import Transformer
from rasterio.transform import Affine

import latentclust
from latentclust.errors import LatentclustError
from latentclust.labelling.area import polygon_tiles
from latentclust.labelling.area.crs_transform import apply_affine
from latentclust.labelling.clusters.cluster_names import name_clusters
from latentclust.labelling.clusters.restyle import restyle
from latentclust.labelling.measure import zone_coverage
from latentclust.labelling.measure.zone_file import open_zones
from latentclust.labelling.measure.zone_table import ZoneAreas, measure_zones, zone_warnings
from latentclust.labelling.outputs import extras
from latentclust.labelling.vector.ground_area import GroundArea
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import save_model
from tests.labelling.planted import TRANSFORM, noise_scene, read_band, write_scene

UTM = "EPSG:32613"
DEGREES = Affine(0.01, 0.0, -105.0, 0.0, -0.01, 40.0)


def write_zones(path: Path, shapes: Any, names: Any = None, crs: str | None = UTM, **more: Any) -> Path:
    fields = [] if names is None else [np.array(names, object)]
    kind = more.pop("geometry_type", "Polygon")
    pyogrio.raw.write(
        path, np.array([None if s is None else shapely.to_wkb(s) for s in shapes], object), fields,
        ["name"] * len(fields), geometry_type=kind, crs=crs, **more,
    )  # fmt: skip
    return path


def in_pixels(shape: Any, transform: Affine = TRANSFORM) -> Any:
    """A polygon of columns and rows in the coordinates of a raster."""
    return shapely.transform(shape, lambda points: apply_affine(points, transform))


def measured(
    tmp_path: Path,
    values: Any,
    shapes: Any,
    *,
    crs: str | None = UTM,
    transform: Affine = TRANSFORM,
    names: Any = None,
    zone_crs: str | None = UTM,
) -> ZoneAreas:
    labels = write_scene(tmp_path / "labels.tif", values[None], crs=crs, transform=transform)
    zones = open_zones(write_zones(tmp_path / "zones.gpkg", shapes, names, zone_crs), "name" if names else None)
    return measure_zones(labels, zones, 5, "a")


def blocks(height: int, width: int) -> Any:
    return np.random.default_rng(0).integers(0, 5, (height, width), np.uint8)


def test_pixels_on_edges_count_by_their_covered_fraction(tmp_path: Path) -> None:
    values = np.array([[1, 2, 3], [4, 0, 1]], np.uint8)
    found = measured(
        tmp_path, values, [in_pixels(shapely.box(0.5, 0.25, 2.5, 1.5)), in_pixels(shapely.box(2, 1, 3, 2))]
    )
    # Rows are covered by 0.75 and 0.5, columns by 0.5, 1 and 0.5; a pixel has 100 m².
    expected = [[50, 25 + 0, 75, 37.5, 25], [0, 100, 0, 0, 0]]
    expected[0][1] = 37.5 + 25
    np.testing.assert_allclose(found.areas, expected, rtol=1e-6, atol=1e-4)
    assert found.known
    assert found.inside.all()
    assert not found.beyond.any()


def test_zones_that_divide_the_raster_add_up_to_it(tmp_path: Path) -> None:
    values = blocks(30, 40)
    left = shapely.Polygon([(0, 0), (12.3, 0), (31.7, 30), (0, 30)])
    right = shapely.difference(shapely.box(0, 0, 40, 30), left)
    found = measured(tmp_path, values, [in_pixels(left), in_pixels(right)])
    np.testing.assert_allclose(found.areas.sum(axis=0), 100.0 * np.bincount(values.ravel()), rtol=1e-6)
    assert found.areas[0].sum() == pytest.approx(100 * left.area, rel=1e-6)


def test_zones_in_degrees_have_the_areas_of_those_in_metres(tmp_path: Path) -> None:
    shape = shapely.Point(20, 14).buffer(11.2, quad_segs=4)
    to_degrees = Transformer.from_crs(UTM, "EPSG:4326", always_xy=True)
    shapes = [in_pixels(shape), in_pixels(shapely.box(3.3, 2.1, 20.9, 8.7))]
    # Edges of zones are straight in their own system, so they get the points that the other system bends.
    turned = [
        shapely.transform(shapely.segmentize(each, 1.0), lambda p: np.stack(to_degrees.transform(*p.T), axis=1))
        for each in shapes
    ]
    values = blocks(30, 40)
    (tmp_path / "other").mkdir()
    one = measured(tmp_path, values, shapes)
    two = measured(tmp_path / "other", values, turned, zone_crs="EPSG:4326")
    np.testing.assert_allclose(one.areas, two.areas, rtol=1e-4, atol=0.01)


def test_areas_are_those_of_the_ellipsoid_in_a_geographic_system(tmp_path: Path) -> None:
    values = np.full((30, 40), 2, np.uint8)
    shape = shapely.box(2.5, 3.25, 30.5, 27.75)
    found = measured(
        tmp_path, values, [in_pixels(shape, DEGREES)], crs="EPSG:4326", transform=DEGREES, zone_crs="EPSG:4326"
    )
    with rasterio.open(tmp_path / "labels.tif") as file:
        expected = GroundArea.from_dataset(file).areas(np.array([shape], object))[0]
    # A fraction of a pixel is one of its area in degrees.
    assert found.areas[0, 2] == pytest.approx(expected, rel=1e-5)
    assert found.areas[0].sum() == found.areas[0, 2]


@pytest.mark.parametrize("crs", [UTM, "EPSG:4326"])
def test_large_zones_are_read_in_squares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crs: str) -> None:
    values, transform = blocks(70, 90), TRANSFORM if crs == UTM else DEGREES
    shape = shapely.difference(shapely.Point(45, 35).buffer(60), shapely.Point(40, 30).buffer(9.5))
    whole = measured(tmp_path, values, [in_pixels(shape, transform)], crs=crs, transform=transform, zone_crs=crs)
    for module in (zone_coverage, polygon_tiles):
        monkeypatch.setattr(module, "TILE", 16)
    sizes, read = [], zone_coverage._Labels.read_window
    monkeypatch.setattr(
        zone_coverage._Labels, "read_window", lambda self, x, y, w, h: (sizes.append(w * h), read(self, x, y, w, h))[1]
    )
    (tmp_path / "other").mkdir()
    parts = measured(
        tmp_path / "other", values, [in_pixels(shape, transform)], crs=crs, transform=transform, zone_crs=crs
    )
    np.testing.assert_allclose(whole.areas, parts.areas, rtol=1e-6)
    assert max(sizes) <= 16 * 16
    assert len(sizes) >= 30


def test_features_of_one_name_are_one_zone_and_a_place_outside_is_told(tmp_path: Path) -> None:
    values = np.full((20, 20), 3, np.uint8)
    values[:, 15:] = 0
    boxes = [(0, 0, 2, 2), (4, 4, 6, 6), (40, 40, 50, 50), (-2, 0, 2, 1), (16, 2, 18, 4)]
    found = measured(
        tmp_path, values, [in_pixels(shapely.box(*each)) for each in boxes], names=["a", "a", "b", "c", "d"]
    )
    np.testing.assert_allclose(found.areas[:, 3], [800, 0, 200, 0])
    np.testing.assert_allclose(found.areas[:, 0], [0, 0, 0, 400])
    zones = open_zones(tmp_path / "zones.gpkg", "name")
    assert zones.names == ("a", "b", "c", "d")
    assert zone_warnings(found, zones) == (
        "1 of 4 zones (b) is outside the scene and without rows in the table of zones",
        "1 of 4 zones (c) is partly outside the scene, so that areas are those of the part inside",
        "1 of 4 zones (d) is without labelled pixels",
    )


def test_features_without_polygons_are_counted(tmp_path: Path) -> None:
    shapes = [shapely.Point(0, 0), in_pixels(shapely.box(0, 0, 1, 1)), None]
    zones = open_zones(write_zones(tmp_path / "z.gpkg", shapes, geometry_type="Unknown"))
    assert (zones.names, zones.left_out) == (("2",), 2)


def test_names_are_the_texts_of_values(tmp_path: Path) -> None:
    shapes = [in_pixels(shapely.box(n, 0, n + 1, 1)) for n in range(3)]
    path = tmp_path / "z.gpkg"
    pyogrio.raw.write(
        path, np.array(shapely.to_wkb(shapes), object), [np.array([7.0, np.nan, 2.5])], ["name"],
        geometry_type="Polygon", crs=UTM,
    )  # fmt: skip
    assert open_zones(path, "name").names == ("7", "", "2.5")


def test_a_file_that_changes_during_the_run_is_refused(tmp_path: Path) -> None:
    shapes = [in_pixels(shapely.box(n, 0, n + 1, 1)) for n in range(3)]
    zones = open_zones(write_zones(tmp_path / "z.geojson", shapes))
    write_zones(tmp_path / "z.geojson", shapes[:2])
    with pytest.raises(LatentclustError, match="has changed"):
        list(zones.polygons())


BOWTIE = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
BOX = shapely.box(0, 0, 1, 1)


@pytest.mark.parametrize(
    ("shapes", "more", "words"),
    [
        ([shapely.Point(1, 1)], {"geometry_type": "Point"}, "contains no polygons"),
        ([], {}, "contains no polygons"),
        ([BOX, BOWTIE], {}, r"invalid geometries; the first is feature 2 \(Self-intersection"),
        ([shapely.box(500000, 4000000, 500010, 4000010)], {"crs": "EPSG:4326"}, "not a longitude and latitude"),
    ],
)
def test_polygons_that_will_not_do(tmp_path: Path, shapes: Any, more: Any, words: str) -> None:
    with pytest.raises(LatentclustError, match=words):
        open_zones(write_zones(tmp_path / "z.gpkg", shapes, **more))


def test_files_that_will_not_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_zones(tmp_path / "z.gpkg", [BOX], ["a"])
    with pytest.raises(LatentclustError, match=r"--zone-field: 'nam' is not an attribute of .*Did you mean 'name'"):
        open_zones(path, "nam")
    with pytest.raises(LatentclustError, match="does not exist"):
        open_zones(tmp_path / "gone.gpkg")
    (tmp_path / "text.gpkg").write_text("words")
    with pytest.raises(LatentclustError, match="cannot be read"):
        open_zones(tmp_path / "text.gpkg")
    write_zones(path, [BOX], layer="second", append=True)
    with pytest.raises(LatentclustError, match="contains 2 layers with geometries: z, second"):
        open_zones(path)
    monkeypatch.setitem(extras.EXTRAS, "zones", ("no_such_library",))
    with pytest.raises(LatentclustError, match=r"Run pip install 'latentclust\[zones\]'"):
        open_zones(path)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_writes_tables_that_names_reach_later(planted: ClusteringModel, tmp_path: Path) -> None:
    model = tmp_path / "model.safetensors"
    save_model(model, replace(planted, names={1: "water", 3: "water"}))
    scene = write_scene(tmp_path / "a.tif", noise_scene(60, 80))
    shapes = [in_pixels(shapely.box(0, 0, 80, 60)), in_pixels(shapely.box(200, 0, 210, 9))]
    zones = write_zones(tmp_path / "z.gpkg", shapes, ["whole", "far, away"])
    options: Any = {"zones": zones, "zone_field": "name", "classes": True}
    report = latentclust.label(model, scene, tmp_path / "out", **options)
    assert report.failed == ()
    assert report.scenes[0].warnings == (
        "1 of 2 zones (far, away) is outside the scene and without rows in the table of zones",
    )
    assert {"a-zones.csv", "a-classes-zones.csv"} <= (report.scenes[0].files or {}).keys()
    counts = np.bincount(read_band(tmp_path / "out" / "a.tif").ravel(), minlength=5)[1:]
    rows = table(tmp_path / "out" / "a-zones.csv")
    assert [(row["zone"], row["value"], row["name"]) for row in rows] == [
        ("whole", "1", "water"), ("whole", "2", "cluster 2"), ("whole", "3", "water"), ("whole", "4", "cluster 4"),
    ]  # fmt: skip
    np.testing.assert_allclose([float(row["area_m2"]) for row in rows], 100.0 * counts, atol=0.01)
    np.testing.assert_allclose([float(row["share"]) for row in rows], counts / counts.sum(), atol=1e-6)
    assert {row["labelled"] for row in rows} == {"1.000000"}
    assert [area.pixels for area in report.areas()] == counts.tolist()
    merged = table(tmp_path / "out" / "a-classes-zones.csv")
    assert float(merged[0]["area_m2"]) == pytest.approx(100.0 * (counts[0] + counts[2]), abs=0.01)

    name_clusters(model, ["3=snow", "4=water"])
    restyle(tmp_path / "out")
    assert [row["name"] for row in table(tmp_path / "out" / "a-zones.csv")] == ["water", "cluster 2", "snow", "water"]
    merged = table(tmp_path / "out" / "a-classes-zones.csv")
    assert [row["name"] for row in merged] == ["water", "cluster 2", "snow"]
    assert float(merged[0]["area_m2"]) == pytest.approx(100.0 * (counts[0] + counts[3]), abs=0.01)
    assert [row["name"] for row in table(tmp_path / "out" / "a-areas.csv")] == ["water", "cluster 2", "snow", "water"]
    assert latentclust.label(model, scene, tmp_path / "out", **options).kept == {"a.tif"}

    paths = [tmp_path / "out" / name for name in ("a-zones.csv", "a-classes-zones.csv")]
    texts = [path.read_bytes() for path in paths]
    paths[0].write_text("my,notes\n1,2\n")
    again = latentclust.label(model, scene, tmp_path / "out", **options)
    assert (again.kept, again.windows, paths[0].read_text()) == ({"a.tif"}, 0, "my,notes\n1,2\n")
    assert "a-zones.csv is not shown: cannot be read" in again._repr_html_()
    paths[0].unlink()
    again = latentclust.label(model, scene, tmp_path / "out", **options)
    assert (again.kept, again.windows) == ({"a.tif"}, 0)
    assert [path.read_bytes() for path in paths] == texts

    tables = [path for path in (tmp_path / "out").iterdir() if path.suffix == ".csv"]
    texts = [path.read_bytes() for path in tables]
    for path in tables:
        path.unlink()
    again = latentclust.label(model, scene, tmp_path / "out", **options)
    assert (again.kept, again.windows, len(tables)) == ({"a.tif"}, 0, 4)
    assert [path.read_bytes() for path in tables] == texts

    write_zones(zones, shapes[:1], ["whole"])
    with pytest.raises(LatentclustError, match="other options: zones was"):
        latentclust.label(model, scene, tmp_path / "out", **options)


EDIT = "my,notes\n1,2\n"


def label_with_tables(planted: ClusteringModel, folder: Path) -> tuple[ClusteringModel, Path, Path, Any]:
    """Label a scene with classes and a zone; the model with names, the scene, the output folder and the options."""
    named, out = replace(planted, names={1: "water", 3: "water"}), folder / "out"
    scene = write_scene(folder / "a.tif", noise_scene(30, 40))
    zones = write_zones(folder / "z.gpkg", [in_pixels(shapely.box(0, 0, 40, 30))])
    options = {"zones": zones, "classes": True}
    latentclust.label(named, scene, out, **options)
    return named, scene, out, options


def test_what_users_edited_stays_when_other_files_are_missing(planted: ClusteringModel, tmp_path: Path) -> None:
    named, scene, out, options = label_with_tables(planted, tmp_path)
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.name != "labelling.json"}
    for edited, missing in (
        ("a-zones.csv", ["a-classes-zones.csv"]),
        ("a-areas.csv", ["a-classes-areas.csv"]),
        ("a-zones.csv", ["a.qml"]),
        ("a-areas.csv", ["a.qml"]),
        ("a-classes-zones.csv", ["a.tif.aux.xml", "a-classes.qml"]),
        ("a-classes.qml", ["a.tif.aux.xml", "a-areas.csv"]),
    ):
        (out / edited).write_text(EDIT)
        for name in missing:
            (out / name).unlink()
        again = latentclust.label(named, scene, out, **options)
        assert (again.kept, again.windows) == ({"a.tif"}, 0)
        assert {name: (out / name).read_bytes() for name in before} == {**before, edited: EDIT.encode()}
        (out / edited).write_bytes(before[edited])


def test_new_names_reach_the_tables_that_nobody_edited(planted: ClusteringModel, tmp_path: Path) -> None:
    _, scene, out, options = label_with_tables(planted, tmp_path)
    (out / "a-classes.qml").unlink()
    latentclust.label(replace(planted, names={2: "ice", 3: "ice"}), scene, out, **options)
    assert [row["name"] for row in table(out / "a-zones.csv")] == ["cluster 1", "ice", "ice", "cluster 4"]
    assert [row["name"] for row in table(out / "a-classes-zones.csv")] == ["cluster 1", "ice", "cluster 4"]
    (out / "a-zones.csv").write_text(EDIT)
    (out / "a-classes.qml").unlink()
    again = latentclust.label(replace(planted, names={3: "snow", 4: "snow"}), scene, out, **options)
    assert (again.kept, again.windows, (out / "a-zones.csv").read_text()) == ({"a.tif"}, 0, EDIT)
    assert [row["name"] for row in table(out / "a-areas.csv")] == ["cluster 1", "cluster 2", "snow", "snow"]
    assert [row["name"] for row in table(out / "a-classes-areas.csv")] == ["cluster 1", "cluster 2", "snow"]
    assert 'label="snow"' in (out / "a-classes.qml").read_text()


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_scene_without_a_place_is_labelled_and_gets_no_table(planted: ClusteringModel, tmp_path: Path) -> None:
    scene = write_scene(tmp_path / "a.tif", noise_scene(60, 80), crs=None, transform=None)
    zones = write_zones(tmp_path / "z.gpkg", [in_pixels(BOX)])
    report = latentclust.label(planted, scene, tmp_path / "out", zones=zones)
    assert report.failed == ()
    assert report.scenes[0].warnings[1:] == (
        "no table of zones: has no transform, which the coordinates of --zones require",
    )
    assert not (tmp_path / "out" / "a-zones.csv").exists()
    assert json.loads((tmp_path / "out" / "labelling.json").read_text())["options"]["zones"]["field"] is None


def test_a_field_without_zones_is_refused(planted: ClusteringModel, tmp_path: Path) -> None:
    with pytest.raises(LatentclustError, match="--zone-field: 'name' requires --zones"):
        latentclust.label(planted, tmp_path / "a.tif", tmp_path / "out", zone_field="name")
