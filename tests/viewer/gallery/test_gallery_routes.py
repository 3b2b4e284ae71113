"""The gallery, naming and applying by HTTP."""

import csv
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image
from starlette.testclient import TestClient

from latentclust.errors import LatentclustError
from latentclust.labelling.clusters.cluster_names import name_clusters
from latentclust.model.model_file import load
from latentclust.phases import Phase, Phases
from latentclust.viewer.app import make_app
from latentclust.viewer.open_session import ImageOptions, open_session
from latentclust.viewer.session import Session
from tests.labelling.planted import read_band

HOST = "http://127.0.0.1:8000"


def client_of(session: Session) -> TestClient:
    return TestClient(make_app(session), HOST, root_path="", raise_server_exceptions=True)


def run_session(folder: Path, **changes: Any) -> Session:
    return Session("run", model=folder / "model.safetensors", clusters=3, run=folder, token="t", **changes)


@pytest.fixture(scope="module")
def gallery(image_run: Path) -> TestClient:
    return client_of(run_session(image_run))


@pytest.fixture
def own_run(image_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(image_run, tmp_path / "run"))


def wait(get: Callable[[], Any]) -> dict[str, Any]:
    while (found := get().json())["state"] == "running":
        time.sleep(0.02)
    return dict(found)


def test_every_image_is_found_by_its_cluster_and_index(gallery: TestClient) -> None:
    overview = gallery.get("/t/api/gallery").json()
    assert (overview["problem"], overview["total"]) == ("", 140)
    found = []
    for card in overview["clusters"]:
        first, second = (
            gallery.get(f"/t/api/gallery/clusters/{card['cluster']}?page={number}").json() for number in (0, 1)
        )
        items = first["items"] + second["items"]
        assert len(items) == first["total"] == card["size"]
        assert items[:10] == card["surest"]
        assert [item["confidence"] for item in items] == sorted((item["confidence"] for item in items), reverse=True)
        indices = gallery.get(f"/t/api/gallery/clusters/{card['cluster']}/indices?order=index").json()
        assert indices == sorted(item["index"] for item in items)
        found += indices
    assert sorted(found) == list(range(140))


def test_pictures_are_served_by_index_alone(gallery: TestClient) -> None:
    answer = gallery.get("/t/images/17/small.png")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert np.unique(np.asarray(Image.open(BytesIO(answer.content), formats=["PNG"]))).tolist() == [17]
    again = gallery.get("/t/images/17/small.png", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    for path, status in (("140/small.png", 400), ("17/huge.png", 404), ("x/small.png", 404), ("-1/small.png", 404)):
        assert gallery.get(f"/t/images/{path}").status_code == status


def test_similar_images_and_second_clusters_follow_a_read_out(own_run: Path) -> None:
    client = client_of(run_session(own_run, read_only=True))
    assert client.get("/t/api/gallery/images/3").json()["known"] is False
    assert client.get("/t/api/gallery/images/3/similar").status_code == 409
    assert client.post("/t/api/gallery/reading/start").status_code == 202
    done = wait(lambda: client.get("/t/api/gallery/reading"))
    assert (done["state"], done["done"], done["total"]) == ("done", 140, 140)
    facts = client.get("/t/api/gallery/images/3").json()
    assert facts["second"]["cluster"] != facts["cluster"]
    assert facts["second"]["confidence"] <= facts["confidence"]
    similar = client.get("/t/api/gallery/images/3/similar").json()["items"]
    assert len(similar) == 60
    assert 3 not in [item["index"] for item in similar]
    model = load(own_run)
    found = model.predict(np.arange(140, dtype=np.uint8)[:, None, None].repeat(8, 1).repeat(8, 2))
    logs, style = found.probabilities.log().numpy(), found.style.numpy()
    code = np.hstack([part / np.sqrt(part.var(axis=0).sum()) for part in (logs, style)])
    distance = np.linalg.norm(code - code[3], axis=1)
    assert similar[0]["index"] == np.argsort(distance)[1]


def test_a_selection_is_downloaded_without_formulas(own_run: Path) -> None:
    client = client_of(run_session(own_run))
    name_clusters(own_run, ["1=@one", "2=two", "3=three"])
    answer = client.post("/t/api/gallery/export", json={"indices": [2, 0, 2]})
    assert answer.headers["content-disposition"] == 'attachment; filename="selection.csv"'
    rows = list(csv.DictReader(StringIO(answer.text)))
    assert [row["index"] for row in rows] == ["2", "0"]
    shown = client.get("/t/api/gallery/images/2").json()
    assert rows[0]["path"] == ("'" * shown["path"].startswith("=")) + shown["path"]
    assert rows[0]["name"] == {1: "'@one", 2: "two", 3: "three"}[shown["cluster"]]
    assert any(row["path"].startswith("'=1+1") for row in _all_rows(client))
    for indices, status in (([140], 400), ([], 400), ("all", 400)):
        assert client.post("/t/api/gallery/export", json={"indices": indices}).status_code == status


def _all_rows(client: TestClient, images: int = 140) -> list[dict[str, str]]:
    text = client.post("/t/api/gallery/export", json={"indices": list(range(images))}).text
    return list(csv.DictReader(StringIO(text)))


def test_a_model_labels_images_that_no_run_has(own_run: Path, photographs: Path) -> None:
    """The clusters are those that the run has for the same files; damaged files are left out and told."""
    folder = own_run.parent / "photographs"
    folder.mkdir()
    for path in sorted(photographs.iterdir())[5:25]:
        shutil.copy(path, folder)
    (folder / "zz.png").write_bytes(b"no image")
    with pytest.raises(LatentclustError, match=r"zz\.png"):
        open_session([str(own_run), str(folder)])
    with pytest.raises(LatentclustError, match="--skip-bad: is for images"):
        open_session([str(own_run)], images=ImageOptions(skip_bad=True))
    with pytest.raises(LatentclustError, match="--range: is for images"):
        open_session([str(own_run)], images=ImageOptions(range=(0.0, 255.0)))
    with pytest.raises(LatentclustError, match="or pass --range 0 255"):
        open_session([str(own_run), str(folder)], images=ImageOptions(range=(0.0, 1.0), skip_bad=True))
    for arguments in ([str(own_run), str(folder)], [str(own_run)]):
        with pytest.raises(LatentclustError, match="--untrusted: is for scenes"):
            open_session(arguments, untrusted=True)
        with pytest.raises(LatentclustError, match="--base-map: is for scenes"):
            open_session(arguments, base_map=True)
    told: list[Phase] = []
    images = ImageOptions(skip_bad=True, range=(0.0, 255.0))
    session = open_session([str(own_run), str(folder)], False, images, Phases(told.append))
    assert "Files left out: 1, the first: " in session.notes[-1]
    assert (told[-1].name, told[-1].done, told[-1].total) == ("reading out", 20, 20)
    client = client_of(replace(session, token="t"))
    runs = _all_rows(client_of(run_session(own_run)))[5:25]
    found = _all_rows(client, 20)
    assert [Path(row["path"]).name for row in found] == [row["path"] for row in runs]
    assert [row["cluster"] for row in found] == [row["cluster"] for row in runs]
    assert client.get("/t/api/gallery/images/0").json()["known"]
    assert len(client.get("/t/api/gallery/images/3/similar").json()["items"]) == 19
    shown = Image.open(BytesIO(client.get("/t/images/4/large.png").content))
    assert (shown.size, shown.getpixel((0, 0))) == ((8, 8), (9, 9, 9))
    version = client.get("/t/api/names").json()["version"]
    assert client.post("/t/api/names/save", json={"version": version, "clusters": {"1": {"name": "a"}}}).is_success
    assert load(own_run).names == {1: "a"}


def test_data_that_moved_are_named_and_the_clusters_stay(own_run: Path) -> None:
    recipe = load(own_run).resolved.dataset
    moved = Path(recipe.model_dump()["path"])
    away = moved.rename(moved.with_name("away"))
    try:
        client = client_of(run_session(own_run))
    finally:
        away.rename(moved)
    overview = client.get("/t/api/gallery").json()
    assert "LATENTCLUST_DATA" in overview["problem"]
    assert sum(card["size"] for card in overview["clusters"]) == 140
    assert client.get("/t/images/0/small.png").status_code == 400
    assert wait_failed(client)


def wait_failed(client: TestClient) -> bool:
    client.post("/t/api/gallery/reading/start")
    return wait(lambda: client.get("/t/api/gallery/reading"))["state"] == "failed"


def test_names_are_saved_undone_and_refused_after_another_writer(own_run: Path) -> None:
    client = client_of(run_session(own_run))
    first = client.get("/t/api/names").json()
    body = {"version": first["version"], "clusters": {"2": {"name": "<b>", "colour": "#00ff00"}}}
    saved = client.post("/t/api/names/save", json=body)
    assert saved.status_code == 200
    assert (load(own_run).names, load(own_run).colours) == ({2: "<b>"}, {"<b>": "#00ff00"})
    name_clusters(own_run, ["1=elsewhere"])
    for path in ("save", "undo"):
        late = client.post(
            f"/t/api/names/{path}", json={**(body if path == "save" else {}), "version": saved.json()["version"]}
        )
        assert late.status_code == 409
        assert late.json()["changes"] == ["'cluster 1' is now 'elsewhere'"]
        assert [row["name"] for row in late.json()["names"]["clusters"]] == ["elsewhere", "<b>", ""]
    assert load(own_run).names == {1: "elsewhere", 2: "<b>"}
    now = client.get("/t/api/names").json()["version"]
    for wrong in (
        {"version": now},
        {"version": now, "clusters": {"2": {"size": 1}}},
        {"version": now, "clusters": {"9": {"name": "a"}}},
    ):
        assert client.post("/t/api/names/save", json=wrong).status_code == 400
    assert client.post("/t/api/names/save", content=b"x" * (2**24 + 1)).status_code == 413
    (own_run / "model.safetensors").unlink()
    gone = client.get("/t/api/names")
    assert gone.status_code == 400
    assert "the model file does not exist" in gone.json()["error"]


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {"host": "evil.example"}])
def test_foreign_writes_are_refused(own_run: Path, headers: dict[str, str]) -> None:
    client = client_of(run_session(own_run))
    version = client.get("/t/api/names").json()["version"]
    body = {"version": version, "clusters": {"1": {"name": "a"}}}
    assert client.post("/t/api/names/save", json=body, headers=headers).status_code == 403
    assert client.post("/wrong/api/names/save", json=body).status_code == 403
    assert load(own_run).names == {}


def test_nothing_is_written_where_it_is_read_only(image_run: Path, labels: Session) -> None:
    client = client_of(run_session(image_run, read_only=True))
    assert client.get("/t/api/names").status_code == 200
    for path in ("names/save", "names/undo", "names/redo", "apply/start", "apply/stop"):
        assert client.post(f"/t/api/{path}", json={"version": ""}).status_code == 404
    assert client.post("/t/api/names", json={}).status_code == 405
    assert 'id="legend-editor"' not in client.get("/t/").text
    assert client_of(replace(labels, read_only=True)).get("/t/api/apply").status_code == 404


def test_names_are_written_into_the_rasters(labels: Session, tmp_path: Path) -> None:
    client = client_of(labels)
    before = read_band(tmp_path / "out" / "scene.tif")
    version = client.get("/t/api/names").json()["version"]
    clusters = {"1": {"name": "water", "colour": "#0a0bff"}, "3": {"name": "water"}}
    client.post("/t/api/names/save", json={"version": version, "clusters": clusters})
    assert client.get("/t/api/apply").json()["state"] == "idle"
    assert client.post("/t/api/apply/start").status_code == 202
    done = wait(lambda: client.get("/t/api/apply"))
    assert (done["state"], done["result"]) == ("done", {"rasters": 2, "classes": 3})
    with rasterio.open(tmp_path / "out" / "scene.tif") as file:
        assert file.colormap(1)[1] == file.colormap(1)[3] == (10, 11, 255, 255)
        np.testing.assert_array_equal(file.read(1), before)
    assert "<Category>water</Category>" in (tmp_path / "out" / "scene.tif.aux.xml").read_text()
    (tmp_path / "out" / "scene.tif").unlink()
    client.post("/t/api/apply/start")
    failed = wait(lambda: client.get("/t/api/apply"))
    assert failed["state"] == "failed"
    assert "scene.tif: is missing" in failed["text"]
