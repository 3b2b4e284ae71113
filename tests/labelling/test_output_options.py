"""What scenes become beside label rasters: legends, classes, polygons, items."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import rasterio
from rasterio.transform import Affine

import latentclust
from latentclust.errors import LatentclustError
from latentclust.labelling.clusters.cluster_names import name_clusters
from latentclust.labelling.clusters.restyle import restyle
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import save_model
from tests.labelling.planted import noise_scene, read_band, write_scene

EVERYTHING: dict[str, Any] = {"confidence": True, "probabilities": True, "classes": True, "stac": True}
VECTOR: dict[str, Any] = {"vector": True, "min_area": 0.0}
WHEN = "2020-06-01T12:00:00Z"
FILES = {
    "a.tif", "a.tif.aux.xml", "a.qml", "a-classes.tif", "a-classes.tif.aux.xml", "a-classes.qml", "a-confidence.tif",
    "a-probabilities.tif", "a.gpkg", "a.stac.json", "labelling.json", "a-areas.csv", "a-classes-areas.csv",
}  # fmt: skip


@pytest.fixture(scope="module")
def named(planted: ClusteringModel) -> ClusteringModel:
    return replace(planted, names={1: "water", 3: "water", 2: "forest"}, colours={"water": "#0000ff"})


@pytest.fixture(scope="module")
def labelled(named: ClusteringModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs of a scene with all options; do not change them."""
    tmp_path, image = tmp_path_factory.mktemp("labelled"), noise_scene(610, 700)
    image[:, 100:150, 30:60] = 0
    scene = write_scene(tmp_path / "in" / "a.tif", image, nodata=0)
    report = latentclust.label(named, scene, tmp_path / "out", **EVERYTHING, **VECTOR, datetime=WHEN)
    assert report.failed == ()
    return tmp_path / "out"


def test_every_file_is_there_and_nothing_else(labelled: Path) -> None:
    assert {path.name for path in labelled.rglob("*")} == FILES
    told = json.loads((labelled / "labelling.json").read_text())["scenes"][0]["files"]
    assert told.keys() == {
        name for name in FILES if not name.endswith((".aux.xml", ".qml", "-areas.csv", "labelling.json"))
    }


def test_every_raster_is_a_valid_cog(labelled: Path) -> None:
    cogeo = pytest.importorskip("rio_cogeo")
    for path in labelled.glob("*.tif"):
        valid, errors, warnings = cogeo.cog_validate(path, strict=True)
        assert valid, (path, errors, warnings)


def gdalinfo(path: Path) -> str:
    return subprocess.run(["gdalinfo", path], capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(shutil.which("gdalinfo") is None, reason="gdalinfo is not installed")
def test_gdal_shows_colours_categories_and_attributes(labelled: Path) -> None:
    words = gdalinfo(labelled / "a.tif")
    for said in ("Color Table (RGB with", "<GDALRasterAttributeTable", "LAYOUT=COG", "2: forest", "4: cluster 4"):
        assert said in words
    classes = gdalinfo(labelled / "a-classes.tif")
    assert "1: water" in classes
    assert "3: cluster 4" in classes
    assert "1: 0,0,255,255" in classes


def test_classes_are_clusters_of_one_name(labelled: Path) -> None:
    labels, classes = read_band(labelled / "a.tif"), read_band(labelled / "a-classes.tif")
    np.testing.assert_array_equal(classes, np.array([0, 1, 2, 1, 3], np.uint8)[labels])


def test_areas_of_polygons_add_up_to_pixels(labelled: Path) -> None:
    facts, _, _, (values, names, areas) = pyogrio.raw.read(
        labelled / "a.gpkg", "clusters", columns=["class", "name", "area_m2"]
    )
    assert facts["crs"] == "EPSG:32613"
    counts = np.bincount(read_band(labelled / "a.tif").ravel(), minlength=5)
    for value in range(1, 5):
        assert areas[values == value].sum() == pytest.approx(100 * counts[value], rel=1e-6)
    assert set(names[values == 3]) == {"water"}


@pytest.mark.parametrize("crs", ["EPSG:4326", None])
def test_areas_in_degrees_are_geodesic_and_none_without_a_place(
    named: ClusteringModel, tmp_path: Path, crs: Any
) -> None:
    degrees = Affine(0.0005, 0.0, -105.7, 0.0, -0.0005, 40.4)
    scene = write_scene(tmp_path / "a.tif", noise_scene(60, 80), crs=crs, transform=degrees)
    latentclust.label(named, scene, tmp_path / "out", **VECTOR)
    _, _, _, (values, areas) = pyogrio.raw.read(tmp_path / "out" / "a.gpkg", "clusters", columns=["class", "area_m2"])
    if crs is None:
        assert np.isnan(areas).all()
        return
    from pyproj import Geod

    pixels = [abs(Geod(ellps="WGS84").polygon_area_perimeter(*_pixel(degrees, row))[0]) for row in range(60)]
    labels = read_band(tmp_path / "out" / "a.tif")
    for value in range(1, 5):
        expected = ((labels == value).sum(axis=1) * pixels).sum()
        assert areas[values == value].sum() == pytest.approx(expected, rel=1e-3)


def _pixel(transform: Any, row: int) -> tuple[list[float], list[float]]:
    west, step, top = transform.c, transform.a, transform.f - row * transform.a
    return [west, west + step, west + step, west], [top, top, top - step, top - step]


def test_an_item_names_the_model_the_classes_and_the_files(labelled: Path) -> None:
    item = json.loads((labelled / "a.stac.json").read_text())
    assert item["properties"]["datetime"] == WHEN
    assert item["properties"]["latentclust:model"] == json.loads((labelled / "labelling.json").read_text())["model"]
    assert {asset["href"] for asset in item["assets"].values()} >= {"./a.tif", "./a-confidence.tif", "./a.gpkg"}
    classes = item["assets"]["labels"]["classification:classes"]
    assert [each["title" if "title" in each else "description"] for each in classes][1:] == [
        "water", "forest", "water", "cluster 4",
    ]  # fmt: skip


def test_a_scene_whose_time_is_not_known_gets_no_item_and_that_is_said(named: ClusteringModel, tmp_path: Path) -> None:
    scene = write_scene(tmp_path / "a.tif", noise_scene(60, 80))
    report = latentclust.label(named, scene, tmp_path / "out", stac=True)
    assert report.failed == ()
    assert report.scenes[0].warnings == ("no STAC item: the acquisition time is unknown; give --datetime",)
    assert not (tmp_path / "out" / "a.stac.json").exists()


def test_too_many_polygons_fail_the_scene_alone(named: ClusteringModel, tmp_path: Path) -> None:
    write_scene(tmp_path / "in" / "large.tif", noise_scene(300, 300))
    write_scene(tmp_path / "in" / "small.tif", noise_scene(12, 12))
    report = latentclust.label(named, tmp_path / "in", tmp_path / "out", vector=True, min_area=0.0, max_polygons=150)
    assert [scene.output for scene in report.failed] == ["large.tif"]
    assert "--max-polygons" in report.failed[0].reason
    assert {path.name for path in (tmp_path / "out").iterdir() if path.name != ".partial"} == {
        "small.tif", "small.tif.aux.xml", "small.qml", "small-areas.csv", "small.gpkg", "labelling.json",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"vector": True}, "--vector: requires --min-area"),
        ({"min_area": 3.0}, "--min-area: 3.0 requires --vector"),
        ({"vector": True, "min_area": -1.0}, "--min-area"),
        ({"stac": True, "datetime": "soon"}, "--datetime: 'soon'"),
        ({"max_polygons": 9}, "--max-polygons: 9 requires --vector"),
        ({"workers": 2, "scheduler": "tcp://a:1"}, "exclude each other"),
        ({"datetime": WHEN}, "--datetime: .* requires --stac"),
    ],
)
def test_what_will_not_do_stops_the_run_before_it_starts(
    named: ClusteringModel, tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    scene = write_scene(tmp_path / "a.tif", noise_scene(60, 80))
    with pytest.raises(LatentclustError, match=words):
        latentclust.label(named, scene, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_new_names_reach_every_file_without_inference(named: ClusteringModel, tmp_path: Path) -> None:
    model = tmp_path / "model.safetensors"
    save_model(model, named)
    scene = write_scene(tmp_path / "a.tif", noise_scene(200, 220))
    latentclust.label(model, scene, tmp_path / "out", **EVERYTHING, **VECTOR, datetime=WHEN)
    before = read_band(tmp_path / "out" / "a.tif")
    name_clusters(model, ["4=rock", "3=snow"])
    restyle(tmp_path / "out")
    np.testing.assert_array_equal(read_band(tmp_path / "out" / "a.tif"), before)
    classes = read_band(tmp_path / "out" / "a-classes.tif")
    np.testing.assert_array_equal(classes, before)  # every cluster is a class of its own now
    _, _, _, (values, names) = pyogrio.raw.read(tmp_path / "out" / "a.gpkg", "clusters", columns=["class", "name"])
    assert dict(zip(values.tolist(), names.tolist(), strict=True)) == {1: "water", 2: "forest", 3: "snow", 4: "rock"}
    assert "snow" in (tmp_path / "out" / "a.stac.json").read_text()
    assert "snow" in (tmp_path / "out" / "a.qml").read_text()
    _, _, _, (styles,) = pyogrio.raw.read(tmp_path / "out" / "a.gpkg", "layer_styles", columns=["styleQML"])
    assert 'label="snow"' in styles[0]
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    again = latentclust.label(model, scene, tmp_path / "out", **EVERYTHING, **VECTOR, datetime=WHEN)
    assert again.kept == {"a.tif"}


def test_overwriting_leaves_no_file_of_before(named: ClusteringModel, tmp_path: Path) -> None:
    scene = write_scene(tmp_path / "a.tif", noise_scene(60, 80))
    latentclust.label(named, scene, tmp_path / "out", **EVERYTHING, **VECTOR, datetime=WHEN)
    latentclust.label(named, scene, tmp_path / "out", overwrite=True)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "a.tif", "a.tif.aux.xml", "a.qml", "a-areas.csv", "labelling.json",
    }  # fmt: skip


def test_rational_polynomials_are_kept(named: ClusteringModel, tmp_path: Path) -> None:
    from rasterio.rpc import RPC

    numbers = [float(n) / 7 for n in range(20)]
    rpcs = RPC(
        err_bias=0.5, err_rand=0.25, height_off=1000.5, height_scale=500.0, lat_off=40.25, lat_scale=0.1,
        line_den_coeff=numbers, line_num_coeff=numbers, line_off=30.0, line_scale=30.0, long_off=-105.5,
        long_scale=0.2, samp_den_coeff=numbers, samp_num_coeff=numbers, samp_off=40.0, samp_scale=40.0,
    )  # fmt: skip
    scene = write_scene(tmp_path / "a.tif", noise_scene(60, 80), crs=None, transform=None, rpcs=rpcs)
    report = latentclust.label(named, scene, tmp_path / "out")
    assert [each.reason for each in report.failed] == []
    with rasterio.open(scene) as before, rasterio.open(tmp_path / "out" / "a.tif") as after:
        assert after.rpcs.to_dict() == before.rpcs.to_dict()
