"""Tests of the arguments of the command: what is shown, and what is refused."""

import json
from pathlib import Path

import pytest

from latentclust.errors import LatentclustError
from latentclust.viewer.label_folder import scene_of
from latentclust.viewer.open_session import open_session
from tests.viewer.labelled import label_folder, write_scene


def test_a_folder_of_labels_shows_its_scenes(folder: Path) -> None:
    session = open_session([str(folder)])
    assert (session.title, session.labels, session.model) == ("labels", folder, None)
    assert [scene.title for scene in session.scenes] == ["scene"]
    assert list(session.scenes[0].rasters) == ["labels", "confidence", "probabilities"]
    scenes = [open_session([str(folder)], untrusted).scenes[0].scene for untrusted in (False, True)]
    assert [scene and scene.untrusted for scene in scenes] == [False, True]


def test_dates_come_from_items_and_order_the_scenes(folder: Path) -> None:
    label_folder(folder.parent, "later")
    log = json.loads((folder / "labelling.json").read_text())
    first = {**log["scenes"][0], "input": str(folder.parent / "scene.tif"), "output": "scene.tif"}
    (folder / "labelling.json").write_text(json.dumps({**log, "scenes": [*log["scenes"], first]}))
    for name, year in (("later", 2021), ("scene", 2020)):
        item = {"properties": {"datetime": f"{year}-06-01T00:00:00Z"}}
        (folder / f"{name}.stac.json").write_text(json.dumps(item))
    assert [(scene.title, scene.moment[:4]) for scene in open_session([str(folder)]).scenes] == [
        ("scene", "2020"),
        ("later", "2021"),
    ]


def test_outputs_outside_the_folder_are_not_shown(folder: Path) -> None:
    log = (folder / "labelling.json").read_text()
    (folder / "labelling.json").write_text(log.replace('"output":"scene.tif"', '"output":"../scene.tif"'))
    changed = json.loads(log)
    changed["scenes"][0]["output"] = "../scene.tif"
    (folder / "labelling.json").write_text(json.dumps(changed))
    with pytest.raises(LatentclustError, match="lies outside the folder"):
        open_session([str(folder)])


def test_another_model_gives_no_names(folder: Path) -> None:
    log = json.loads((folder / "labelling.json").read_text())
    (folder / "labelling.json").write_text(json.dumps({**log, "model_path": str(folder / "gone.safetensors")}))
    session = open_session([str(folder)])
    assert session.model is None
    assert "gone.safetensors: the model file does not exist" in session.notes[0]


def test_joined_band_files_are_found_again(tmp_path: Path) -> None:
    for band in ("B02", "B03"):
        write_scene(tmp_path / f"a_{band}.tif")
    found = scene_of(f"{tmp_path}/a_{{B02,B03}}.tif", {"bands": ["B02", "B03"]})
    assert [part.band for part in found.parts] == ["B02", "B03"]


def test_secrets_of_an_address_are_not_kept() -> None:
    with pytest.raises(LatentclustError) as caught:
        open_session(["https://user:pass@host/a.tif?token=secret"])
    assert "secret" not in str(caught.value)
    assert "pass" not in str(caught.value).replace("Pass", "")


@pytest.mark.parametrize(
    ("name", "message"),
    [("absent", "does not exist"), ("empty", "contains neither labelling.json nor model.safetensors")],
)
def test_other_folders_are_refused(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(LatentclustError, match=message):
        open_session([str(tmp_path / name)])


def test_a_folder_of_seeds_asks_for_one(tmp_path: Path) -> None:
    (tmp_path / "seeds.json").write_text("{}")
    with pytest.raises(LatentclustError, match="seed-0"):
        open_session([str(tmp_path)])
