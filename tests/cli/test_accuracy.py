"""`latentclust accuracy`."""

import json

import numpy as np
import pyogrio
import shapely

import latentclust
from latentclust.few_labels.name_from_labels import name_from_labels
from latentclust.labelling.area.crs_transform import apply_affine
from latentclust.model.model_file import save_model
from tests.labelling.planted import TRANSFORM, noise_scene, planted_model, read_band, write_scene


def test_a_reference_of_the_labels_themselves_is_right_throughout(cli, tmp_path):
    write_scene(tmp_path / "in" / "a.tif", noise_scene(70, 80))
    latentclust.label(planted_model(), tmp_path / "in", tmp_path / "out")
    labels = read_band(tmp_path / "out" / "a.tif")
    places = np.random.default_rng(0).uniform((0, 0), (80, 70), (200, 2))
    names = np.array([f"cluster {labels[int(row), int(column)]}" for column, row in places], object)
    points = shapely.to_wkb(shapely.points(apply_affine(places, TRANSFORM)))
    pyogrio.raw.write(tmp_path / "s.gpkg", points, [names], ["cover"], geometry_type="Point", crs="EPSG:32613")
    words = ["accuracy", tmp_path / "out" / "a.tif", tmp_path / "s.gpkg", "--class-field", "cover"]
    done = cli(*words, "--out", tmp_path / "accuracy")
    assert done.code == 0
    assert "Overall accuracy: 100.0% ± 0.0%" in done.out
    assert "proportions of area" in done.out
    told = json.loads(cli(*words, "--out", tmp_path / "again", "--json").out)
    assert told["overall"] == 1
    assert sum(row["share"] for row in told["classes"]) == 1
    assert cli(*words, "--out", tmp_path / "accuracy").code == 2


def test_samples_that_named_the_clusters_are_told(cli, tmp_path):
    model, scene = tmp_path / "model.safetensors", write_scene(tmp_path / "in" / "a.tif", noise_scene(70, 80))
    save_model(model, planted_model())
    places = np.random.default_rng(0).uniform((0, 0), (80, 70), (60, 2))
    points = shapely.to_wkb(shapely.points(apply_affine(places, TRANSFORM)))
    classes = np.array(["wood", "rock", "wood"] * 20, object)
    for name, part in (("a.gpkg", slice(40)), ("b.gpkg", slice(20, 60))):
        pyogrio.raw.write(
            tmp_path / name, points[part], [classes[part]], ["cover"], geometry_type="Point", crs="EPSG:32613"
        )
    named = name_from_labels(model, tmp_path / "a.gpkg", field="cover", scenes=[scene])
    assert named.given
    latentclust.label(model, scene, tmp_path / "out")

    def told(name, *more):
        words = ["accuracy", tmp_path / "out" / "a.tif", tmp_path / name, "--class-field", "cover", "--overwrite"]
        return cli(*words, "--out", tmp_path / "accuracy", *more)

    assert "are from these same samples, so the accuracies are too high" in told("a.gpkg").out
    (other,) = json.loads(told("b.gpkg", "--json").out)["naming"]
    assert "are from a.gpkg: samples of it that are in the reference, too, make" in other
    assert json.loads(told("a.gpkg", "--match", "--json").out)["naming"] == []
    folder = tmp_path / "samples.d"
    folder.mkdir()
    shapes = pyogrio.raw.read(tmp_path / "a.gpkg")
    pyogrio.raw.write(
        folder / "a.shp",
        shapes[2],
        shapes[3],
        ["cover"],
        geometry_type="Point",
        crs="EPSG:32613",
        driver="ESRI Shapefile",
    )
    (unknown,) = json.loads(told("samples.d", "--json").out)["naming"]
    assert "from a.gpkg. Whether its samples are in the reference is unknown" in unknown
    log = tmp_path / "out" / "labelling.json"
    text = log.read_text()
    log.write_text(text.replace('"a.tif"', '"other.tif"'))
    assert json.loads(told("a.gpkg", "--json").out)["naming"] == []
    log.write_text(text)
    model.unlink()
    (unknown,) = json.loads(told("b.gpkg", "--json").out)["naming"]
    assert unknown.startswith("Whether these samples named the clusters is unknown")
