"""`latentclust clusters`."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from latentclust.model.model_file import load, save_model
from tests.labelling.planted import noise_scene, planted_model, write_scene


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("planted") / "model.safetensors"
    save_model(path, planted_model())
    return path


@pytest.fixture
def model_file(fresh: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(fresh, tmp_path / "model.safetensors"))


def test_from_a_preview_to_a_named_map(cli, model_file, tmp_path):
    scene = write_scene(tmp_path / "scene.tif", noise_scene(150, 160))
    labelled = cli("label", model_file, scene, "--out", tmp_path / "out", "--device", "cpu")
    assert labelled.code == 0

    seen = cli("clusters", "preview", model_file, scene, "--out", tmp_path / "sheet.png", "--device", "cpu")
    assert seen.code == 0
    assert "sheet.png" in seen.out
    assert "latentclust clusters name" in seen.out
    with Image.open(tmp_path / "sheet.png", formats=["PNG"]) as image:
        assert image.height > 4 * 190

    named = cli("clusters", "name", model_file, "3=water", "1=water", "4=[b]Wälder", "--colour", "water=#0A0BFF")
    assert named.code == 0
    lines = [line.split("│")[1:5] for line in named.out.splitlines() if line.startswith("│")]
    assert [[cell.strip() for cell in line] for line in lines] == [
        ["1", "1", "water", "#0a0bff"],
        ["2", "2", "cluster 2", "#ffa90e"],
        ["3", "1", "water", "#0a0bff"],
        ["4", "3", "[b]Wälder", "#94a4a2"],
    ]
    assert cli("clusters", "name", model_file).out == named.out

    applied = cli("clusters", "apply", tmp_path / "out", "--model", model_file)
    assert applied.code == 0
    assert applied.out.startswith("updated 1 raster in ")
    assert "3 classes" in applied.out
    with rasterio.open(tmp_path / "out" / "scene.tif") as file:
        assert file.colormap(1)[1] == file.colormap(1)[3] == (10, 11, 255, 255)
    assert "Wälder" in (tmp_path / "out" / "scene.qml").read_text(encoding="utf-8")
    again = cli("label", model_file, scene, "--out", tmp_path / "out", "--device", "cpu")
    assert "1 already done" in again.out


def test_json_holds_clusters_and_classes(cli, model_file, tmp_path):
    told = json.loads(cli("clusters", "name", model_file, "2=ice", "4=ice", "--json").out)
    assert [(row["value"], row["name"]) for row in told["clusters"]] == [
        (1, "cluster 1"), (2, "ice"), (3, "cluster 3"), (4, "ice"),
    ]  # fmt: skip
    assert [(row["value"], row["name"], row["clusters"]) for row in told["classes"]] == [
        (1, "cluster 1", [1]), (2, "ice", [2, 4]), (3, "cluster 3", [3]),
    ]  # fmt: skip
    scene = write_scene(tmp_path / "scene.tif", noise_scene(70, 70))
    cli("label", model_file, scene, "--out", tmp_path / "out", "--device", "cpu")
    applied = json.loads(cli("clusters", "apply", tmp_path / "out", "--model", model_file, "--json").out)
    assert applied["rasters"] == ["scene.tif"]
    assert applied["classes"] == told["classes"]


def test_a_name_is_taken_away(cli, model_file):
    cli("clusters", "name", model_file, "3=water")
    assert cli("clusters", "name", model_file, "3=").code == 0
    assert load(model_file).names == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["0=water"], "error: 0=water: unknown cluster 0. Use a number from 1 to 4.\n"),
        (["5=water"], "error: 5=water: unknown cluster 5. Use a number from 1 to 4.\n"),
        (["water"], "error: water: is not a NUMBER=NAME pair. Write NUMBER=NAME, such as 3=water.\n"),
        (["1=a", "1=b"], "error: 1=b: cluster 1 is named twice. Give it one name.\n"),
        (
            ["1=a\nb"],
            "error: '1=a\\nb': the name contains a control or unassigned character. Use letters, digits and spaces.\n",
        ),
        (["1=a", "--colour", "a=red"], "error: --colour a=red: 'red' is not a colour. Write NAME=#rrggbb, such as "),
        (["--colour", "a=#000000"], "error: --colour a=#000000: no cluster is named 'a'. Use one of: cluster 1, "),
    ],
)
def test_mistakes_in_names_are_one_message_and_leave_the_file(cli, model_file, words, said):
    before = model_file.read_bytes()
    outcome = cli("clusters", "name", model_file, *words)
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith(said)
    assert len(outcome.err.splitlines()) == 1
    assert model_file.read_bytes() == before


@pytest.mark.parametrize("file", ["sheet.jpg", "sheet"])
def test_a_preview_is_a_png(cli, model_file, tmp_path, file):
    outcome = cli("clusters", "preview", model_file, tmp_path / "scene.tif", "--out", tmp_path / file)
    assert outcome.code == 2
    assert "End the name in .png" in outcome.err


def test_a_preview_is_the_same_whenever_it_is_drawn_and_another_with_other_options(cli, model_file, tmp_path):
    for name in ("2020", "2021"):  # of one name, which matters to outputs only
        write_scene(tmp_path / name / "scene.tif", noise_scene(200, 190, int(name)))
    scenes = [tmp_path / "2020" / "scene.tif", tmp_path / "2021" / "scene.tif"]
    sheets = {}
    for name, words in {"a": [], "b": [], "few": ["--patches", 2], "small": ["--size", 16]}.items():
        out = tmp_path / "2020" / f"{name}.png"  # beside a scene
        done = cli("clusters", "preview", model_file, *scenes, "--out", out, "--device", "cpu", *words)
        assert done.code == 0, done.err
        sheets[name] = out.read_bytes()
    assert sheets["a"] == sheets["b"]
    assert len(set(sheets.values())) == 3


def test_a_preview_goes_on_without_the_scenes_that_do_not_suit(cli, model_file, tmp_path):
    good, bad = tmp_path / "in" / "good.tif", tmp_path / "in" / "bad.tif"
    write_scene(good, noise_scene(90, 80))
    write_scene(bad, noise_scene(90, 80)[:1])
    seen = cli("clusters", "preview", model_file, good.parent, "--out", tmp_path / "sheet.png", "--device", "cpu")
    assert seen.code == 0
    assert f"left out: {bad}: has 1 band(s), and the model was trained on 3" in seen.err
    assert (tmp_path / "sheet.png").exists()
    alone = cli("clusters", "preview", model_file, bad, "--out", tmp_path / "none.png", "--device", "cpu")
    assert (alone.code, (tmp_path / "none.png").exists()) == (2, False)


def test_a_model_of_whole_images_has_names_and_no_preview(cli, trained, tmp_path):
    outcome = cli("clusters", "preview", trained, tmp_path / "scene.tif", "--out", tmp_path / "sheet.png")
    assert outcome.code == 2
    assert "pixel by pixel" in outcome.err
    assert cli("clusters", "name", trained).code == 0


def test_no_outputs_to_be_named(cli, tmp_path):
    outcome = cli("clusters", "apply", tmp_path / "none")
    assert outcome.code == 2
    assert (
        outcome.err
        == f"error: {tmp_path / 'none'}: contains no labelling.json. Pass a folder that latentclust label wrote.\n"
    )


def test_few_labels_name_clusters_and_others_score_the_names(cli, trained, images, tmp_path):
    x, model = np.load(images)["x"], Path(shutil.copy(trained / "model.safetensors", tmp_path / "m.safetensors"))
    np.save(tmp_path / "images.npy", x)
    clusters = load(model).predict(x).labels.numpy() + 1
    rows = [f"images.npy,{at},name{cluster}\n" for at, cluster in enumerate(clusters)]
    for name, part in {"few": rows[::2], "held-out": rows}.items():
        (tmp_path / f"{name}.csv").write_text("path,index,class\n" + "".join(part))
    before = model.read_bytes()
    shown = cli("clusters", "name", model, "--from", tmp_path / "few.csv", "--dry-run", "--device", "cpu")
    assert (shown.code, model.read_bytes()) == (0, before)
    assert "nothing was written" in shown.out
    named = cli("clusters", "name", model, "--from", tmp_path / "few.csv", "--json", "--device", "cpu")
    told = json.loads(named.out)
    assert (told["labels"], told["purity"], told["written"]) == (18, 1.0, True)
    found = {row["cluster"]: row["class"] for row in told["clusters"] if row["labels"]}
    assert found == {int(cluster): f"name{cluster}" for cluster in set(clusters[::2].tolist())}
    listed = cli("clusters", "name", model)
    assert "from 18 labels of images (few.csv, majority," in listed.out
    assert json.loads(cli("clusters", "name", model, "--json").out)["named_from"][0]["clusters"] == list(found)

    scored = cli("evaluate", model, "--from", tmp_path / "held-out.csv", "--json", "--device", "cpu")
    scores = json.loads(scored.out)
    assert (scores["labels"], scores["also_named_clusters"]) == (18, 18)
    assert scores["accuracy"] == np.isin(clusters[1::2], list(found)).mean()
    assert "Not held out: 18 images" in cli("evaluate", model, "--from", tmp_path / "held-out.csv").out
    again = cli("evaluate", model, "--from", tmp_path / "few.csv", "--device", "cpu")
    assert (again.code, again.out) == (2, "")
    assert "all of its 18 images named the clusters" in again.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["clusters", "name", "{m}", "1=a", "--from", "labels.csv"], "1=a: cannot be combined with --from"),
        (["clusters", "name", "{m}", "--one-to-one"], "--one-to-one: has no effect without --from"),
        (["clusters", "name", "{m}", "--scenes", "a.tif"], "--scenes: has no effect without --from"),
        (["clusters", "name", "{m}", "--from", "none.csv"], "none.csv: is not a file"),
        (["evaluate", "{m}", "--field", "class"], "--field: has no effect without --from"),
        (["evaluate", "{m}", "--from", "a.csv", "--reference-nodata", "0"], "--reference-nodata: has no effect with"),
        (["evaluate", "{m}", "--from", "a.gpkg"], "--from: a.gpkg is no table of images"),
    ],
)
def test_options_of_few_labels_that_do_not_go_together(cli, model_file, words, said):
    outcome = cli(*(word.format(m=model_file) for word in words))
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err
    assert len(outcome.err.splitlines()) == 1
