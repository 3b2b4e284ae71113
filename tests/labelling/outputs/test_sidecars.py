"""Sidecars of a label raster for GDAL and QGIS."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
import rasterio

from latentclust.errors import LatentclustError
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.outputs.sidecars import attribute_table, sidecar_paths, write_sidecars
from latentclust.model.model import ClusteringModel
from tests.labelling.planted import noise_scene, write_scene

NAMES = {2: 'ice & <snow> "old"', 3: "Wälder", 4: "Wälder"}
COUNTS = {0: 7, 1: 11, 2: 13, 3: 2**31}


@pytest.fixture
def legend(planted: ClusteringModel) -> Legend:
    return Legend.from_classes(replace(planted, names=NAMES, colours={"Wälder": "#0a6b0c"}))


@pytest.fixture
def raster(tmp_path: Path) -> Path:
    return write_scene(tmp_path / "a.b.tif", noise_scene(20, 30)[:1] % 4)


def rows(table: Any) -> list[list[str | None]]:
    return [[cell.text for cell in row.iterfind("F")] for row in table.iterfind("Row")]


def test_gdal_s_file_holds_names_and_a_table_by_usage(raster: Path, legend: Legend) -> None:
    assert write_sidecars(raster, legend) == (raster.with_name("a.b.tif.aux.xml"), raster.with_name("a.b.qml"))
    root: Any = Xml.parse(raster.with_name("a.b.tif.aux.xml")).getroot()
    assert root.tag == "PAMDataset"
    band = root.find("PAMRasterBand[@band='1']")
    names = ["no data", "cluster 1", NAMES[2], "Wälder"]
    assert [each.text for each in band.iterfind("CategoryNames/Category")] == names
    table = band.find("GDALRasterAttributeTable[@tableType='thematic']")
    fields = [(each.findtext("Type"), each.findtext("Usage")) for each in table.iterfind("FieldDefn")]
    # GFT_Integer 0, GFT_String 2; GFU_MinMax 5, GFU_Name 2, GFU_Red to GFU_Alpha 6 to 9.
    assert fields == [("0", "5"), ("2", "2"), ("0", "6"), ("0", "7"), ("0", "8"), ("0", "9")]
    assert rows(table) == [
        ["0", "no data", "0", "0", "0", "0"],
        ["1", "cluster 1", "63", "144", "218", "255"],
        ["2", NAMES[2], "255", "169", "14", "255"],
        ["3", "Wälder", "10", "107", "12", "255"],
    ]


@pytest.mark.parametrize(("most", "kind"), [(2**31 - 1, "0"), (2**31, "1")])
def test_pixels_are_counted_by_numbers_that_hold_them(legend: Legend, most: int, kind: str) -> None:
    table: Any = attribute_table(legend, {**COUNTS, 3: most}).find("PAMRasterBand/GDALRasterAttributeTable")
    last = table.findall("FieldDefn")[-1]
    assert [last.findtext(each) for each in ("Name", "Type", "Usage")] == ["Count", kind, "1"]
    assert [row[-1] for row in rows(table)] == ["7", "11", "13", str(most)]


def test_qgis_is_given_a_style_of_unique_values(raster: Path, legend: Legend) -> None:
    write_sidecars(raster, legend)
    root: Any = Xml.parse(raster.with_name("a.b.qml")).getroot()
    assert root.tag == "qgis"
    renderer = root.find("pipe/rasterrenderer")
    assert (renderer.get("type"), renderer.get("band")) == ("paletted", "1")
    found = [dict(entry.items()) for entry in renderer.iterfind("colorPalette/paletteEntry")]
    assert found[0] == {"value": "0", "color": "#000000", "alpha": "0", "label": "no data"}
    assert found[3] == {"value": "3", "color": "#0a6b0c", "alpha": "255", "label": "Wälder"}
    assert [entry["value"] for entry in found] == ["0", "1", "2", "3"]


def test_new_files_take_the_place_of_old_ones(raster: Path, legend: Legend, planted: ClusteringModel) -> None:
    write_sidecars(raster, legend)
    written = sidecar_paths(raster)[:2]
    first = [path.read_bytes() for path in written]
    write_sidecars(raster, Legend.from_classes(planted))
    write_sidecars(raster, legend)
    assert [path.read_bytes() for path in written] == first
    assert len(list(raster.parent.iterdir())) == 3


def test_a_path_that_is_not_a_folder_is_reported(raster: Path, legend: Legend) -> None:
    with pytest.raises(LatentclustError, match="cannot be written"):
        write_sidecars(raster / "inner.tif", legend)


def test_gdal_takes_the_names_for_the_raster_s_own(raster: Path, legend: Legend) -> None:
    write_sidecars(raster, legend)
    with rasterio.open(raster) as file:
        assert [Path(each).name for each in file.files] == ["a.b.tif", "a.b.tif.aux.xml"]


@pytest.mark.skipif(shutil.which("gdalinfo") is None, reason="gdalinfo is not installed")
def test_gdalinfo_shows_categories_and_the_attribute_table(raster: Path, legend: Legend) -> None:
    write_sidecars(raster, legend, COUNTS)
    done = subprocess.run(["gdalinfo", str(raster)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    for line in ("Categories:", "0: no data", "1: cluster 1", f"2: {NAMES[2]}", "3: Wälder"):
        assert line in [each.strip() for each in done.stdout.splitlines()]
    shown = done.stdout
    table: Any = Xml.fromstring(shown[shown.index("<GDALRasterAttributeTable") :])
    assert [row[:2] for row in rows(table)] == [
        ["0", "no data"], ["1", "cluster 1"], ["2", NAMES[2]], ["3", "Wälder"],
    ]  # fmt: skip
    assert [float(str(row[-1])) for row in rows(table)] == [7, 11, 13, 2**31]
