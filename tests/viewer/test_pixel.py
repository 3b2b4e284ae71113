"""Tests of what a click tells, and of the facts and legends of scenes."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from latentclust.data.scenes.discover import find_scenes
from latentclust.labelling.clusters.cluster_names import name_clusters
from latentclust.model.model_file import save_model
from latentclust.viewer.open_session import open_session
from latentclust.viewer.serve import bind
from latentclust.viewer.session import Session, ViewedScene
from tests.labelling.planted import planted_model
from tests.viewer.conftest import Client
from tests.viewer.labelled import HOSTILE, NORTH, WEST, centre, write_labels, write_scene

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # of rasterio


def _pixel(client: Client, row: int, column: int) -> dict[str, object]:
    longitude, latitude = centre(row, column)
    found: dict[str, object] = client.json(f"api/scenes/0/pixel?lon={longitude}&lat={latitude}")
    return found


def test_a_click_tells_cluster_confidence_and_values(client: Client) -> None:
    found = _pixel(client, 30, 20)
    assert found["labels"] == {"value": 2, "name": HOSTILE, "colour": "#c81e1e"}
    assert found["bands"] == [
        {"name": "red", "value": 30},
        {"name": "green", "value": 20},
        {"name": "nir", "value": 200},
    ]
    assert found["confidence"] == pytest.approx(1 / 3 + 2 / 3 * 0.5, abs=1e-4)
    assert found["probabilities"] == [0.0, 1.0, 0.0]
    assert (found["row"], found["column"]) == (31, 21)
    assert found["coordinates"] == [WEST + 205, NORTH - 305]
    assert found["problems"] == []


def test_nodata_and_places_outside_have_no_cluster(client: Client) -> None:
    found = _pixel(client, 1, 20)
    assert found["labels"] is None
    assert found["confidence"] is None
    assert {band["value"] for band in found["bands"]} == {None}  # type: ignore[attr-defined]
    assert _pixel(client, -3, 20) == {"problems": []}


@pytest.mark.parametrize("query", ["", "lon=1", "lon=x&lat=1", "lon=nan&lat=1", "lon=inf&lat=1"])
def test_a_click_needs_a_place(client: Client, query: str) -> None:
    assert client.get(f"api/scenes/0/pixel?{query}").status_code == 400


def test_the_facts_of_a_scene(client: Client) -> None:
    found = client.json("api/scenes/0")
    assert list(found["layers"]) == ["scene", "labels", "confidence", "probabilities"]
    assert found["shown"] == [3, 1, 2]
    assert [band["name"] for band in found["bands"]] == ["red", "green", "nir"]
    assert (found["bands"][0]["low"], found["bands"][0]["high"]) == (4, 47)
    layer = found["layers"]["labels"]
    assert (layer["width"], layer["height"], layer["crs"], layer["onEarth"]) == (64, 48, "EPSG:32613", True)
    assert client.get("api/scenes/1").status_code == 404


def test_legends_have_the_areas_of_the_table_or_of_the_pixels(client: Client, folder: Path) -> None:
    rows = client.json("api/scenes/0/legends")["labels"]["rows"]
    assert [row["area_m2"] for row in rows] == [70_400, 70_400, 140_800]
    assert [row["share"] for row in rows] == pytest.approx([0.25, 0.25, 0.5])
    (folder / "scene-areas.csv").unlink()
    counted = client.json("api/scenes/0/legends")["labels"]
    assert counted["exact"]
    assert [row["pixels"] for row in counted["rows"]] == [704, 704, 1408]


def test_links_out_of_the_folder_are_no_sidecars(client: Client, folder: Path, tmp_path: Path) -> None:
    for name in ("scene-areas.csv", "scene.tif.aux.xml"):
        (folder / name).rename(tmp_path / name)
        (folder / name).symlink_to(tmp_path / name)
    (tmp_path / "scene-areas.csv").write_text("value,name,pixels,area_m2,share\n1,water,9,9,1\n")
    (folder / "scene.stac.json").symlink_to(tmp_path / "item.json")
    (tmp_path / "item.json").write_text('{"properties": {"datetime": "2020-06-01T00:00:00Z"}}')
    found = client.json("api/scenes/0/legends")
    assert list(found) == ["problems"]
    assert "scene.tif: has no legend: scene.tif.aux.xml is missing, or is a link" in found["problems"][0]
    assert open_session([str(folder)]).scenes[0].moment == ""
    (folder / "scene.tif.aux.xml").unlink()
    (tmp_path / "scene.tif.aux.xml").rename(folder / "scene.tif.aux.xml")
    found = client.json("api/scenes/0/legends")
    assert [row["pixels"] for row in found["labels"]["rows"]] == [704, 704, 1408]


def test_names_of_another_model_are_not_shown(folder: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.safetensors"
    save_model(model, planted_model())
    name_clusters(model, ["1=own"])
    client = Client(replace(open_session([str(folder)]), model=model, clusters=4))
    assert client.json("api/scenes/0/legends")["labels"]["rows"][0]["name"] == "own"
    save_model(model, planted_model((2, 1)))
    name_clusters(model, ["1=other"])
    legend = client.json("api/scenes/0/legends")["labels"]
    assert (legend["rows"][0]["name"], legend["from_model"]) == ("water", False)


def test_a_scene_is_asked_for_again_after_its_network_failed(tmp_path: Path) -> None:
    write_scene(tmp_path / "scene.tif")
    with bind("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}/scene.tif"
    client = Client(Session("t", (ViewedScene("scene", find_scenes([address])[0]),)))
    for _ in range(2):
        found = client.json("api/scenes/0")
        assert found["layers"] == {}
        assert "does not exist" not in found["problems"][0]
    # A thread would wait for the lock of the interpreter, which GDAL holds while it waits for the answer.
    command = [sys.executable, "-u", "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", tmp_path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            assert "Serving" in server.stdout.readline()
            assert client.json("api/scenes/0")["layers"]["scene"]["width"] == 64
        finally:
            server.terminate()


def test_a_missing_scene_leaves_its_labels(client: Client, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "scene.tif").unlink()
    assert list(client.json("api/scenes/0")["layers"]) == ["labels", "confidence", "probabilities"]
    assert "bands" not in _pixel(client, 30, 20)
    again = open_session([str(folder)])
    assert again.scenes[0].scene is None
    assert "does not exist any more" in again.scenes[0].problem


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_scenes_without_a_place_are_read_by_row_and_column(tmp_path: Path, folder: Path) -> None:
    write_scene(tmp_path / "scene.tif", crs=None)
    write_labels(folder / "scene.tif", crs=None)
    client = Client(open_session([str(folder)]))
    west, south, east, north = client.json("api/scenes/0")["layers"]["labels"]["bounds"]
    longitude, latitude = west + (east - west) * 20.5 / 64, north - (north - south) * 30.5 / 48
    found = client.json(f"api/scenes/0/pixel?lon={longitude}&lat={latitude}")
    assert [band["value"] for band in found["bands"]] == [30, 20, 200]
    assert (found["row"], found["column"]) == (31, 21)
    assert "coordinates" not in found
