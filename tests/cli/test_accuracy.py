"""`latentclust accuracy`."""

import json

import numpy as np
import pyogrio
import shapely

import latentclust
from latentclust.labelling.area.crs_transform import apply_affine
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
