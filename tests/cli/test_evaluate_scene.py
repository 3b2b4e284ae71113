"""`latentclust evaluate --scene S --reference R`."""

import json
from pathlib import Path

import numpy as np
import pytest

from latentclust.model.model_file import save_model
from tests.labelling.planted import noise_scene, planted_model, read_band, write_scene

PIXELS_ALONE = ("--set", "evaluate.baselines=['pixel-kmeans']")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model, a scene, and a reference of two classes: its first cluster, and all others."""
    folder = tmp_path_factory.mktemp("planted")
    model = planted_model()
    save_model(folder / "model.safetensors", model)
    values = noise_scene(80, 90)
    clusters = model.predict(values[None]).labels.numpy().astype(np.uint8)
    classes = np.where(clusters == 0, 5, 8).astype(np.uint8)
    classes[:, :8] = 0
    return {
        "model": folder / "model.safetensors",
        "scene": write_scene(folder / "scene.tif", values),
        "reference": write_scene(folder / "reference.tif", classes, nodata=0),
    }


def words(files: dict[str, Path], *more: object) -> tuple[object, ...]:
    chosen = ("--scene", files["scene"], "--reference", files["reference"], "--device", "cpu")
    return ("evaluate", files["model"], *chosen, *PIXELS_ALONE, *more)


def test_a_scene_is_scored_beside_the_baselines(cli, files):
    done = cli(*words(files, "--json"))
    assert done.code == 0
    told = json.loads(done.out)
    assert told["pixels"] == {"scene": 7200, "labelled": 7200, "referenced": 72 * 90, "compared": 72 * 90}
    assert told["class_iou"]["class 5"] > 0.999
    assert set(told["baselines"]) == {"pixel-kmeans", "majority"}
    assert told["metrics"].keys() == told["baselines"]["majority"].keys() >= {"accuracy", "miou", "nmi", "ari"}
    assert "scene against reference: scene.tif (7,200 pixels), trained on raster nowhere.tif" in told["protocol"]
    assert told["alignment"] == "The reference lies on the scene's grid."
    assert "labels" not in told
    assert sorted(path.name for path in files["scene"].parent.iterdir()) == [
        "model.safetensors",
        "reference.tif",
        "scene.tif",
    ]


def test_the_tables_show_the_same(cli, files, tmp_path):
    scored = json.loads(cli(*words(files, "--json")).out)
    done = cli(*words(files, "--out", tmp_path / "kept"))
    assert done.code == 0
    assert f"{scored['metrics']['miou']:.4f}" in done.out
    assert "k-means of pixels" in done.out
    assert "the majority class" in done.out
    (row,) = [line for line in done.out.splitlines() if "class 5" in line]
    assert [cell.strip() for cell in row.split("│")[2:6:2]] == [f"{(read_band(files['reference']) == 5).sum():,}", "1"]
    assert "6,480 of 7,200 pixels are valid in both and compared; left out: 720 with a cluster alone" in done.out
    assert "The reference lies on the scene's grid." in done.out
    assert (tmp_path / "kept" / "scene.tif").exists()


def test_a_value_may_be_no_class(cli, files):
    told = json.loads(cli(*words(files, "--reference-nodata", 8, "--json")).out)
    assert list(told["class_iou"]) == ["class 5"]


def test_scenes_are_read_by_the_options_of_label(cli, files, tmp_path):
    mask = np.zeros((1, 80, 90), np.uint8)
    mask[:, 70:] = 3
    cloud = write_scene(tmp_path / "cloud.tif", mask)
    told = json.loads(cli(*words(files, "--mask", cloud, "--mask-values", 3, "--json")).out)
    assert told["pixels"] == {"scene": 7200, "labelled": 6300, "referenced": 72 * 90, "compared": 62 * 90}
    preview = ("clusters", "preview", files["model"], files["scene"], "--out", tmp_path / "a.png", "--device", "cpu")
    refused = cli(*preview, "--mask", cloud)
    assert refused.code == 2
    assert "has no values that are masked" in refused.err
    assert cli(*preview, "--mask", cloud, "--mask-bits", "0,1").code == 0


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--scene", "s.tif"], "--reference: is missing, but --scene requires it"),
        (["--reference", "r.tif"], "--scene: is missing, but --reference requires it"),
        (["--out", "labels"], "--scene: is missing, but --out requires it"),
        (["--reference-nodata", 0], "--scene: is missing, but --reference-nodata requires it"),
        (["--nodata", 0], "--scene: is missing, but --nodata requires it"),
        (["--stack", "--reference", "r.tif"], "--scene: is missing, but --reference requires it"),
        (
            ["--scene", "s.tif", "--reference", "r.tif", "--mask-values", "3,x"],
            "--mask-values: '3,x' is no list of whole numbers",
        ),
        (
            ["--scene", "s.tif", "--reference", "r.tif", "--data", "digits"],
            "--data: 'digits' cannot be combined with --scene",
        ),
        (["--scene", "s.tif", "--reference", "r.tif", "--set", "inference.use=x"], "--set inference.use=x: has no"),
        (["--scene", "s.tif", "--reference", "r.tif"], "s.tif: cannot be read"),
    ],
)
def test_what_does_not_go_together_is_refused(cli, files, more, said):
    done = cli("evaluate", files["model"], *more)
    assert done.code == 2
    assert said in done.err
    assert done.out == ""


def test_a_model_of_whole_images_is_refused(cli, files, trained):
    done = cli("evaluate", trained, *words(files)[2:-2])
    assert done.code == 2
    assert "scenes are labelled pixel by pixel" in done.err
