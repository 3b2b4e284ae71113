"""`latentclust label`."""

import json
from io import StringIO
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from rasterio.transform import Affine
from rich.progress import MofNCompleteColumn, Progress

from latentclust.cli import label_progress
from latentclust.cli.label_progress import LabelBarProgress
from latentclust.cli.terminal import SafeConsole
from latentclust.labelling.area.crs_transform import apply_affine
from latentclust.labelling.label_options import LabelOptions
from latentclust.labelling.label_report import SceneResult
from latentclust.model.model_file import save_model
from latentclust.phases import phases_of
from tests.labelling.planted import TRANSFORM, noise_scene, planted_model, read_band, write_scene


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("planted") / "model.safetensors"
    save_model(path, planted_model())
    return path


def test_scenes_become_label_rasters_and_a_line_each(cli, model_file, tmp_path):
    scenes = [write_scene(tmp_path / f"scene {name}.tif", noise_scene(80, 90, name)) for name in range(2)]
    done = cli("label", model_file, *scenes, "--out", tmp_path / "out", "--device", "cpu")
    assert done.code == 0
    assert "labelled 2 of 2 scenes" in done.out
    assert "14,400 pixels" in done.out
    assert "scene 2/2  scene 1.tif  7,200 pixels" in done.err
    expected = planted_model().predict(noise_scene(80, 90, 1)[None]).labels[0].numpy() + 1
    assert np.mean(read_band(tmp_path / "out" / "scene 1.tif") == expected) > 0.9995

    again = cli("label", model_file, *scenes, "--out", tmp_path / "out", "--device", "cpu")
    assert again.code == 0
    assert "labelled 0 of 2 scenes, 2 already done" in again.out
    assert "megapixels" not in again.out


def test_lines_within_a_long_scene_are_printed_now_and_then(monkeypatch):
    seconds = iter(range(0, 1000, 10))
    monkeypatch.setattr(label_progress.time, "monotonic", lambda: float(next(seconds)))
    console = SafeConsole(file=StringIO(), width=200)
    lines = label_progress.LabelLineProgress(console)  # at 0 s
    lines.on_start(1, 0)  # at 10 s
    lines.on_scene_start("a.tif", 40_000)
    for _ in range(6):  # at 20, 30, 40, 60, 70 and 80 s
        lines.on_windows(1000, 2_000_000)
    assert console.file.getvalue().splitlines() == [
        "1 scene to label",
        "3,000/40,000 windows (7.5%)  0.15 megapixels/s",
        "6,000/40,000 windows (15.0%)  0.15 megapixels/s",
    ]


def test_failures_are_listed_at_the_end_and_the_others_are_labelled(cli, model_file, tmp_path):
    good = write_scene(tmp_path / "good.tif", noise_scene(70, 70))
    done = cli("label", model_file, tmp_path / "gone.tif", good, "--out", tmp_path / "out", "--device", "cpu", "--json")
    assert done.code == 1
    told = json.loads(done.out)
    assert [(scene["output"], scene["status"]) for scene in told["scenes"]] == [
        ("gone.tif", "failed"),
        ("good.tif", "done"),
    ]
    assert told["pixels"] == 4900
    assert "gone.tif: cannot be read" in done.err.splitlines()[-1]


def test_options_reach_the_run(cli, model_file, tmp_path):
    scene = write_scene(tmp_path / "scene.tif", noise_scene(80, 90))
    words = ["--tile", 32, "--overlap", 8, "--blend", "crop", "--batch", 3, "--seed", 5, "--confidence"]
    assert cli("label", model_file, scene, "--out", tmp_path / "out", "--device", "cpu", *words).code == 0
    told = json.loads((tmp_path / "out" / "labelling.json").read_text())
    assert told["options"] == {
        "tile": [32, 32],
        "overlap": [8, 8],
        "blend": "crop",
        "batch": 3,
        "precision": "fp32",
        "seed": 5,
        "rasters": ["labels", "confidence"],
        "device": "cpu",
        "area": None,
        "classes": False,
        "vector": None,
        "stac": None,
        "bands": [],
    }
    refused = cli("label", model_file, scene, "--out", tmp_path / "out", "--device", "cpu")
    assert refused.code == 2
    assert "--overwrite" in refused.err
    assert cli("label", model_file, scene, "--out", tmp_path / "out", "--device", "cpu", "--overwrite").code == 0


def test_the_help_describes_each_option_as_python_does(cli):
    page = " ".join(cli("label", "--help").out.replace("│", " ").split())
    for name, field in LabelOptions.model_fields.items():
        assert f"--{name.replace('_', '-')} " in page
        assert " ".join((field.description or "").split()) in page


def test_strict_ends_at_the_first_failure(cli, model_file, tmp_path):
    good = write_scene(tmp_path / "good.tif", noise_scene(70, 70))
    words = [tmp_path / "gone.tif", good, "--out", tmp_path / "out", "--device", "cpu", "--strict"]
    assert cli("label", model_file, *words).code == 1
    assert not (tmp_path / "out" / "good.tif").exists()


def test_a_mosaic_is_printed_with_the_agreement_of_its_scenes(cli, model_file, tmp_path):
    image = noise_scene(100, 130)
    left, right = image[:, :, :80], image[:, :, 50:]
    scenes = [write_scene(tmp_path / "a.tif", left), tmp_path / "b.tif"]
    write_scene(scenes[1], right, transform=TRANSFORM @ Affine.translation(50, 0))
    words = [*scenes, "--out", tmp_path / "out", "--device", "cpu", "--mosaic"]
    done = cli("label", model_file, *words)
    assert done.code == 0
    assert "mosaic.tif: 13,000 pixels of 2 scenes, which agree on " in done.out
    assert "% of the 3,000 pixels where they overlap" in done.out
    told = json.loads(cli("label", model_file, *words, "--json").out)
    assert told["mosaic"]["seams"]["overlap"] == 3000
    assert sum(area["pixels"] for area in told["areas"]) == 13000
    other = write_scene(tmp_path / "c.tif", image, crs=None)
    failed = cli("label", model_file, *scenes, other, "--out", tmp_path / "new", "--device", "cpu", "--mosaic")
    assert failed.code == 1
    assert "mosaic: c.tif: has another grid than the first scene" in failed.err
    assert (tmp_path / "new" / "c.tif").exists()


def test_a_model_of_whole_images_labels_no_scene(cli, trained, tmp_path):
    done = cli("label", trained, tmp_path / "scene.tif", "--out", tmp_path / "out", "--device", "cpu")
    assert done.code == 2
    assert "latentclust predict" in done.err
    assert not (tmp_path / "out").exists()


def test_a_terminal_gets_a_bar_of_scenes_and_one_of_windows():
    console = SafeConsole(file=StringIO(), force_terminal=True, width=120)
    columns = ("{task.description}", MofNCompleteColumn(), "{task.fields[speed]}")
    bars = LabelBarProgress(Progress(*columns, console=console))
    phases_of(bars).begin("finding scenes")
    assert bars.bar.tasks[1].description == "finding scenes"
    bars.on_start(3, 1)
    bars.on_scene_start("a [bold] b.tif", 10)
    bars.on_windows(4, 1000)
    bars.on_scene_end(SceneResult("a [bold] b.tif", "a.tif", "failed", reason="no"))
    console.print(bars.bar)
    drawn = console.file.getvalue()
    assert "1/3" in drawn
    assert "1 failed" in drawn
    assert "a [bold] b.tif" in drawn
    assert "4/10" in drawn


def test_areas_of_clusters_and_zones_are_shown(cli, model_file, tmp_path):
    zones = [((1, 1), (61, 61), "field"), ((500, 500), (501, 501), "far")]
    shapes = [
        shapely.transform(shapely.box(*low, *high), lambda p: apply_affine(p, TRANSFORM)) for low, high, _ in zones
    ]
    names = np.array([name for _, _, name in zones], object)
    pyogrio.raw.write(
        tmp_path / "z.geojson", shapely.to_wkb(shapes), [names], ["name"], geometry_type="Polygon", crs="EPSG:32613"
    )
    scene = write_scene(tmp_path / "scene.tif", noise_scene(80, 90))
    words = [
        "label",
        model_file,
        scene,
        "--out",
        tmp_path / "out",
        "--device",
        "cpu",
        "--zones",
        tmp_path / "z.geojson",
    ]
    done = cli(*words, "--zone-field", "name")
    assert done.code == 0
    assert "1 of 2 zones (far) is outside the scene" in done.out
    assert "zones in scene-zones.csv" in done.out
    field = next(line for line in done.out.splitlines() if "field" in line and "cluster" in line)
    assert "36.00" in field  # hectares
    told = json.loads(cli(*words, "--zone-field", "name", "--json").out)
    counts = np.bincount(read_band(tmp_path / "out" / "scene.tif").ravel(), minlength=5)[1:]
    assert [row["area_m2"] for row in told["areas"]] == pytest.approx(100.0 * counts)
    joined = cli(*words, "--zone-field", "name", "--mosaic")
    assert "zones in mosaic-zones.csv" in joined.out
    assert "scene-zones.csv" not in joined.out
    assert cli(*words, "--zone-field", "nom", "--overwrite").code == 2
