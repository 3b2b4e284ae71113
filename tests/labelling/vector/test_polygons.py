"""GeoPackages of label rasters: areas, names, refusals, and nothing left behind."""

import resource
import sqlite3
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from numpy.typing import NDArray
from pyproj import Geod
from rasterio.transform import Affine

from latentclust.errors import InterruptedRunError, LatentclustError
from latentclust.labelling.outputs.legend import CLEAR, Legend, LegendEntry
from latentclust.labelling.vector import geopackage, uncompressed
from latentclust.labelling.vector.ground_area import area_in_pixels
from latentclust.labelling.vector.layer_style import categorized_style
from latentclust.labelling.vector.polygons import PolygonOptions, check_polygon_options, write_polygons
from tests.labelling.planted import TRANSFORM, write_scene
from tests.memory import peak_bytes

NAMES = {1: "water", 2: "Wald & Wiese", 3: "cluster 3", 300: "森"}
LEGEND = Legend(
    (
        LegendEntry(0, "no data", CLEAR, (0,)),
        *(LegendEntry(value, name, (value % 256, 7, 9, 255), (value,)) for value, name in NAMES.items()),
    )
)
GEOGRAPHIC = {"crs": "EPSG:4326", "transform": Affine(0.01, 0, 10, 0, -0.01, 60)}
NOWHERE = {"crs": None, "transform": None}


def mosaic() -> NDArray[np.uint8]:
    """Blocks of three labels with specks and no data, 60 by 50 pixels."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 4, (12, 10), np.uint8).repeat(5, axis=0).repeat(5, axis=1)
    return np.where(rng.random((60, 50)) < 0.1, rng.integers(1, 4, (60, 50), np.uint8), coarse)


def source(folder: Path, labels: NDArray[Any], **place: Any) -> Path:
    return write_scene(folder / "labels.tif", labels[np.newaxis], nodata=0, **place)


def write(
    folder: Path, labels: NDArray[Any], min_area: float = 0.0, most: int = 10000, simplify: float = 0.0, **place: Any
) -> int:
    return write_polygons(
        source(folder, labels, **place), folder / "found.gpkg", LEGEND, PolygonOptions(min_area, most, simplify)
    )


def read(folder: Path) -> tuple[Any, NDArray[Any], NDArray[Any], list[str], NDArray[Any]]:
    """CRS, polygons, classes, names and areas."""
    meta, _, geometry, (labels, names, areas) = pyogrio.raw.read(folder / "found.gpkg", geopackage.LAYER)
    assert list(meta["fields"]) == ["class", "name", "area_m2"]
    return meta["crs"], shapely.from_wkb(geometry), labels, names.tolist(), areas


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_same_labels_give_the_same_bytes_at_any_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    for _ in range(2):
        write(tmp_path, mosaic())
        written.append((tmp_path / "found.gpkg").read_bytes())
        (tmp_path / "found.gpkg").unlink()
        time.sleep(1.01)  # GeoPackages count seconds
    assert written[0] == written[1]
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") is None


def test_labels_without_data_give_a_layer_without_polygons(tmp_path: Path) -> None:
    assert write(tmp_path, np.zeros((20, 30), np.uint8)) == 0
    assert len(read(tmp_path)[1]) == 0


def test_qgis_finds_a_colour_for_each_class(tmp_path: Path) -> None:
    write(tmp_path, mosaic())
    assert pyogrio.list_layers(tmp_path / "found.gpkg").tolist() == [["clusters", "Polygon"], ["layer_styles", None]]
    with closing(sqlite3.connect(tmp_path / "found.gpkg")) as file:
        [(layer, column, default, style)] = file.execute(
            "select f_table_name, f_geometry_column, useAsDefault, styleQML from layer_styles"
        )
        assert list(file.execute("select table_name, column_name from gpkg_geometry_columns")) == [(layer, column)]
        dates = list(file.execute("select last_change from gpkg_contents"))
    assert (layer, default, set(dates)) == (geopackage.LAYER, 1, {(geopackage.DATE,)})
    renderer = Xml.fromstring(style).find("renderer-v2")
    assert renderer is not None
    assert (renderer.get("type"), renderer.get("attr")) == ("categorizedSymbol", "name")
    fills = {
        symbol.get("name"): symbol.find("layer/Option/Option[@name='color']").get("value")  # type: ignore[union-attr]
        for symbol in renderer.iter("symbol")
    }
    shown = {each.get("value"): (each.get("label"), fills[each.get("symbol")]) for each in renderer.iter("category")}
    assert shown == {name: (name, f"{value % 256},7,9,255") for value, name in NAMES.items()}


def test_clusters_of_one_name_have_one_colour() -> None:
    names = {1: "water", 2: "forest", 3: "water", 4: "cluster 4"}
    entries = (LegendEntry(value, name, (value, 7, 9, 255), (value,)) for value, name in names.items())
    style = categorized_style(Legend((LegendEntry(0, "no data", CLEAR, (0,)), *entries)), "name")
    assert [each.get("value") for each in style.iter("category")] == ["water", "forest", "cluster 4"]
    colours = [each.get("value") for each in style.iter("Option") if each.get("name") == "color"]
    assert colours == ["1,7,9,255", "2,7,9,255", "4,7,9,255"]


def test_areas_of_a_class_are_those_of_its_pixels(tmp_path: Path) -> None:
    labels = mosaic()
    count = write(tmp_path, labels)
    crs, polygons, found, names, areas = read(tmp_path)
    assert crs == "EPSG:32613"
    assert len(polygons) == count
    assert names == [NAMES[label] for label in found.tolist()]
    for label in (1, 2, 3):
        assert areas[found == label].sum() == pytest.approx(100 * np.count_nonzero(labels == label), rel=1e-12)
    np.testing.assert_allclose(shapely.area(polygons), areas, rtol=1e-6)
    left, bottom, right, top = shapely.total_bounds(polygons)
    assert (left, top) == pytest.approx((TRANSFORM.c, TRANSFORM.f))
    assert (right - left, top - bottom) == pytest.approx((500, 600))
    assert files(tmp_path) == ["found.gpkg", "labels.tif"]


def test_geodesic_areas_of_a_class_are_those_of_its_pixels(tmp_path: Path) -> None:
    labels = mosaic()
    write(tmp_path, labels, **GEOGRAPHIC)
    crs, _, found, _, areas = read(tmp_path)
    assert crs == "EPSG:4326"
    geod = Geod(ellps="WGS84")
    tops = 60 - 0.01 * np.arange(60)
    rows = [geod.polygon_area_perimeter([0, 0.01, 0.01, 0], [y - 0.01, y - 0.01, y, y])[0] for y in tops]
    for label in (1, 2, 3):
        assert areas[found == label].sum() == pytest.approx((labels == label).sum(axis=1) @ rows, rel=1e-6)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("place", [NOWHERE, {"crs": None}], ids=["nowhere", "no CRS"])
def test_without_a_coordinate_system_areas_are_null(tmp_path: Path, place: dict[str, Any]) -> None:
    write(tmp_path, mosaic(), **place)
    _, polygons, _, _, areas = read(tmp_path)
    assert np.isnan(areas).all()
    where = (0, 0, 50, 60) if place == NOWHERE else (TRANSFORM.c, TRANSFORM.f - 600, TRANSFORM.c + 500, TRANSFORM.f)
    assert shapely.total_bounds(polygons).tolist() == pytest.approx(where)


def test_a_turned_raster(tmp_path: Path) -> None:
    turned = Affine(8, 6, 500000, 6, -8, 4000000)
    write(tmp_path, mosaic(), transform=turned)
    _, polygons, labels, _, areas = read(tmp_path)
    np.testing.assert_allclose(shapely.area(polygons), areas, rtol=1e-6)
    columns, rows = np.array([shapely.point_on_surface(polygon).coords[0] for polygon in polygons]).T
    back = ~turned
    x, y = back.a * columns + back.b * rows + back.c, back.d * columns + back.e * rows + back.f
    assert mosaic()[y.astype(int), x.astype(int)].tolist() == labels.tolist()


def test_two_bytes_and_any_name(tmp_path: Path) -> None:
    write(tmp_path, np.where(mosaic() == 1, 300, 0).astype(np.uint16))
    _, _, labels, names, _ = read(tmp_path)
    assert set(labels.tolist()) == {300}
    assert set(names) == {"森"}


def test_no_data_alone_is_an_empty_layer(tmp_path: Path) -> None:
    assert write(tmp_path, np.zeros((20, 30), np.uint8)) == 0
    crs, polygons, *_ = read(tmp_path)
    assert (crs, len(polygons)) == ("EPSG:32613", 0)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize(("place", "min_area"), [({}, 700.0), (NOWHERE, 7.0)])
def test_small_regions_are_merged(tmp_path: Path, place: dict[str, Any], min_area: float) -> None:
    labels = np.ones((10, 10), np.uint8)
    labels[1:3, 1:4] = 2
    labels[5, 1:8] = 3
    labels[8:, 8:] = 0
    assert write(tmp_path, labels, min_area, **place) == 2
    _, polygons, found, _, _ = read(tmp_path)
    scale = 1 if place else 100
    assert dict(zip(found.tolist(), shapely.area(polygons).tolist(), strict=True)) == pytest.approx(
        {1: 89 * scale, 3: 7 * scale}, rel=1e-6
    )


@pytest.mark.parametrize(
    ("pixel", "area", "pixels"),
    [
        (100.0, 0.0, 0),
        (100.0, 1.0, 1),
        (100.0, 700.0, 7),
        (100.0, 701.0, 8),
        (0.1, 0.3, 3),
        (0.1, 0.7, 7),
        (None, 2.5, 3),
    ],
)
def test_pixels_that_cover_an_area(pixel: float | None, area: float, pixels: int) -> None:
    assert area_in_pixels(area, pixel) == pixels


def test_simplified_polygons_cover_the_same_pixels_without_gaps_or_overlaps(tmp_path: Path) -> None:
    labels = mosaic()
    count = write(tmp_path, labels, 700.0)
    _, exact, exact_classes, *_ = read(tmp_path)
    (tmp_path / "found.gpkg").unlink()
    assert write(tmp_path, labels, 700.0, simplify=15.0) == count
    _, polygons, found, _, areas = read(tmp_path)
    assert shapely.is_valid(polygons).all()
    assert shapely.coverage_is_valid(polygons)
    assert shapely.symmetric_difference(*(shapely.union_all(each) for each in (polygons, exact))).area < 1e-3
    assert areas.sum() == pytest.approx(100 * np.count_nonzero(labels), rel=1e-9)
    np.testing.assert_allclose(shapely.area(polygons), areas, rtol=1e-6)
    assert sorted(found.tolist()) == sorted(exact_classes.tolist())
    assert shapely.get_num_coordinates(polygons).sum() < shapely.get_num_coordinates(exact).sum()


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_the_tolerance_is_in_metres_or_in_pixels_without_a_place(tmp_path: Path) -> None:
    counts = {}
    for name, tolerance, place in (("metres", 15.0, {}), ("pixels", 1.5, NOWHERE), ("degrees", 1170.0, GEOGRAPHIC)):
        folder = tmp_path / name
        folder.mkdir()
        write(folder, mosaic(), 0.0, simplify=tolerance, **place)
        counts[name] = shapely.get_num_coordinates(read(folder)[1]).sum()
    assert counts["metres"] == counts["pixels"] == counts["degrees"]


def test_geodesic_areas_of_simplified_polygons_add_up(tmp_path: Path) -> None:
    write(tmp_path, mosaic(), **GEOGRAPHIC)
    exact = read(tmp_path)[-1].sum()
    (tmp_path / "found.gpkg").unlink()
    write(tmp_path, mosaic(), simplify=2000.0, **GEOGRAPHIC)
    assert read(tmp_path)[-1].sum() == pytest.approx(exact, rel=1e-9)


def test_batches_and_strips_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    once = write(tmp_path, mosaic(), 400.0)
    _, whole, *_ = read(tmp_path)
    (tmp_path / "found.gpkg").unlink()
    monkeypatch.setattr(geopackage, "BATCH", 7)
    monkeypatch.setattr(uncompressed, "STRIP_PIXELS", 200)
    assert write(tmp_path, mosaic(), 400.0) == once
    _, parts, *_ = read(tmp_path)
    assert set(shapely.normalize(parts)) == set(shapely.normalize(whole))


def test_memory_does_not_grow_with_the_height(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geopackage, "BATCH", 100)
    monkeypatch.setattr(uncompressed, "STRIP_PIXELS", 5000)
    peaks = []
    for times in (4, 24):
        labels = source(tmp_path, np.tile(mosaic(), (times, 1)), tiled=True, blockxsize=16, blockysize=16)
        write = partial(write_polygons, labels, tmp_path / f"{times}.gpkg", LEGEND, PolygonOptions(300.0, 100000))
        peaks.append(peak_bytes(write, times=1))
    assert peaks[1] < 1.5 * peaks[0]


def test_too_many_are_refused_and_nothing_is_left(tmp_path: Path) -> None:
    count = write(tmp_path, mosaic())
    assert write(tmp_path, mosaic(), most=count) == count
    with pytest.raises(LatentclustError, match=rf"would contain {count}.*is {count - 1}\..*--min-area.*--max-polygons"):
        write(tmp_path, mosaic(), most=count - 1)
    assert files(tmp_path) == ["labels.tif"]


def test_a_stop_leaves_nothing(tmp_path: Path) -> None:
    asked = iter([False, False, True])
    labels = source(tmp_path, mosaic())
    with pytest.raises(InterruptedRunError):
        write_polygons(labels, tmp_path / "found.gpkg", LEGEND, PolygonOptions(0.0, 10000), lambda: next(asked))
    assert files(tmp_path) == ["labels.tif"]


@pytest.mark.parametrize("limit", [1000, 20000, 150000], ids=["uncompressed", "table", "GeoPackage"])
def test_a_disk_that_is_full_leaves_nothing(tmp_path: Path, limit: int) -> None:
    labels = source(tmp_path, np.random.default_rng(0).integers(1, 4, (90, 90), np.uint8))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(LatentclustError, match=r"cannot be written.*Free some space"):
            write_polygons(labels, tmp_path / "found.gpkg", LEGEND, PolygonOptions(300.0, 10000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files(tmp_path) == ["labels.tif"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    labels = source(tmp_path, mosaic())
    with pytest.raises(LatentclustError, match="cannot be written"):
        write_polygons(labels, tmp_path / "none" / "found.gpkg", LEGEND, PolygonOptions(0.0, 10000))


@pytest.mark.parametrize(("area", "most"), [(-1.0, 1), (float("nan"), 1), (float("inf"), 1), (1.0, 0)])
def test_numbers_that_will_not_do(area: float, most: int) -> None:
    with pytest.raises(LatentclustError, match="--max-polygons" if most == 0 else "--min-area"):
        check_polygon_options(PolygonOptions(area, most))


def test_a_damaged_raster(tmp_path: Path) -> None:
    labels = source(tmp_path, np.random.default_rng(0).integers(1, 4, (300, 300), np.uint8))
    labels.write_bytes(labels.read_bytes()[:9000])
    with rasterio.Env(), pytest.raises(LatentclustError, match=r"labels\.tif: cannot be read"):
        write_polygons(labels, tmp_path / "found.gpkg", LEGEND, PolygonOptions(0.0, 10000))
    assert files(tmp_path) == ["labels.tif"]
