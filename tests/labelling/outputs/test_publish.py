"""Outputs that are kept, foreign files, and files of earlier runs that are removed."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import Any

import pytest

import latentclust
from latentclust.errors import LatentclustError
from latentclust.labelling.outputs.publish import input_state, publish_outputs
from latentclust.model.model import ClusteringModel
from latentclust.specs.scenes import Scene
from tests.labelling.planted import TRANSFORM, noise_scene, write_scene

EAST = (TRANSFORM.c + 1e5, TRANSFORM.f - 2e5, TRANSFORM.c + 2e5, TRANSFORM.f - 1e5)
"""A box far from every scene."""

BANDS = ("B1", "B2", "B3")


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    return write_scene(tmp_path / "in" / "s.tif", noise_scene(60, 80))


def names(folder: Path) -> set[str]:
    """Return the files in a folder except temporary ones."""
    return {path.name for path in folder.iterdir() if path.name != ".partial"}


def test_every_file_of_a_scene_counts_in_its_stamp(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"

    def changed(*facts: tuple[int, int]) -> tuple[int, int]:
        for path, (size, time) in zip((first, second), facts, strict=True):
            path.write_bytes(bytes(size))
            os.utime(path, ns=(time, time))
        return input_state(Scene("", "x", PurePath("x.tif"), (first, second)))

    before = changed((5, 1000), (7, 2000))
    assert before[0] == 12
    assert before == changed((5, 1000), (7, 2000))
    for other in ([(5, 999), (7, 2000)], [(6, 1000), (6, 2000)], [(5, 2000), (7, 1000)]):
        assert changed(*other) != before
    assert input_state(Scene("", "x", PurePath("x.tif"), (first,))) == (5, 2000)
    second.unlink()
    assert input_state(Scene("", "x", PurePath("x.tif"), (first, second))) == (-1, 0)
    assert input_state(Scene("https://h.org/x.tif", "x", PurePath("x.tif"))) == (-1, 0)


def test_a_band_file_that_is_exchanged_for_an_older_one_is_noticed(planted: ClusteringModel, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    for number, name in enumerate(BANDS):
        path = write_scene(folder / f"s_{name}.tif", noise_scene(40, 50)[number : number + 1])
        os.utime(path, ns=(10**18, 10**18))
    other = write_scene(tmp_path / "other.tif", noise_scene(40, 50, seed=5)[:1])
    os.utime(other, ns=(10**17, 10**17))
    assert other.stat().st_size == (folder / "s_B3.tif").stat().st_size
    latentclust.label(planted, folder, tmp_path / "out", bands=BANDS)
    shutil.copy2(other, folder / "s_B3.tif")
    with pytest.raises(LatentclustError, match="has changed since it was labelled"):
        latentclust.label(planted, folder, tmp_path / "out", bands=BANDS)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("s.qml", {}),
        ("s-areas.csv", {}),
        ("s.tif.aux.xml", {}),
        ("s-classes.qml", {"classes": True}),
        ("s-classes.tif.aux.xml", {"classes": True}),
    ],
)
def test_legends_of_others_are_never_replaced(
    planted: ClusteringModel, scene: Path, tmp_path: Path, name: str, options: Mapping[str, Any]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_text("mine")
    with pytest.raises(LatentclustError, match=rf"{name}: already exists, and was not written by a run in this folder"):
        latentclust.label(planted, scene, out, **options)
    assert names(out) == {name}
    assert (out / name).read_text() == "mine"


def test_what_lies_outside_now_leaves_nothing_of_before(planted: ClusteringModel, scene: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    latentclust.label(planted, scene, out, confidence=True)
    (out / "mine.txt").touch()
    report = latentclust.label(planted, scene, out, bbox=EAST, overwrite=True)
    assert [each.status for each in report.scenes] == ["outside"]
    assert names(out) == {"labelling.json", "mine.txt"}
    assert json.loads((out / "labelling.json").read_text())["replaced"] == []
    assert latentclust.label(planted, scene, out, bbox=EAST).kept == {"s.tif"}


def test_what_lies_outside_never_takes_files_of_others(planted: ClusteringModel, scene: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "s.tif").write_text("mine")
    latentclust.label(planted, scene, tmp_path / "out", bbox=EAST, overwrite=True)
    assert (tmp_path / "out" / "s.tif").read_text() == "mine"


@pytest.mark.parametrize("changed", [{"batch": 1}, {}])
def test_a_failure_keeps_what_an_earlier_run_made_and_says_so(
    planted: ClusteringModel, scene: Path, tmp_path: Path, changed: Mapping[str, Any]
) -> None:
    out = tmp_path / "out"
    latentclust.label(planted, scene, out, confidence=True)
    before = {path.name: path.read_bytes() for path in out.glob("s*")}
    good = scene.read_bytes()
    scene.write_bytes(good[:100])
    report = latentclust.label(planted, scene, out, confidence=True, overwrite=True, **changed)
    said = "outputs of an earlier run still exist: s-confidence.tif, s.tif"
    assert report.failed[0].reason.endswith(said)
    told = json.loads((out / "labelling.json").read_text())
    assert [(row["status"], row["files"]) for row in told["scenes"]] == [("failed", None)]
    assert told["scenes"][0]["reason"].endswith(said)
    assert {path.name: path.read_bytes() for path in out.glob("s*")} == before
    scene.write_bytes(good)
    assert latentclust.label(planted, scene, out, overwrite=True).failed == ()
    assert names(out) == {"s.tif", "s.tif.aux.xml", "s.qml", "s-areas.csv", "labelling.json"}


def test_an_output_stays_where_the_new_one_cannot_be_brought_to_the_disk(tmp_path: Path) -> None:
    from latentclust.labelling.label_report import SceneResult

    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "s.tif").mkdir()  # what cannot be opened
    (tmp_path / "s.tif").write_text("old")
    with pytest.raises(LatentclustError, match="cannot be written"):
        publish_outputs(
            tmp_path, PurePath("s.tif"), tmp_path / "made", SceneResult("i", "s.tif", "done", files={"s.tif": 3})
        )
    assert (tmp_path / "s.tif").read_text() == "old"


class Killed(BaseException):
    """Raised in place of a kill of the process."""


@pytest.fixture
def killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Label until a scene is published, and leave the run log as it was on the disk then."""

    def label(*arguments: Any, **options: Any) -> None:
        told = {}

        def publish_and_die(folder: Path, *rest: Any) -> None:
            publish_outputs(folder, *rest)
            told["then"] = (folder / "labelling.json").read_bytes()
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr("latentclust.labelling.scheduler.publish_outputs", publish_and_die)
            with pytest.raises(Killed):
                latentclust.label(*arguments, **options)
        (tmp_path / "out" / "labelling.json").write_bytes(told["then"])

    return label


def test_what_a_killed_run_published_is_known(
    planted: ClusteringModel, scene: Path, tmp_path: Path, killed: Callable[..., None]
) -> None:
    out = tmp_path / "out"
    killed(planted, scene, out, confidence=True)
    assert {"s.tif", "s-confidence.tif"} <= names(out)
    row = json.loads((out / "labelling.json").read_text())["scenes"][0]
    assert (row["status"], row["files"]) == ("started", {"s.tif": -1, "s-confidence.tif": -1})
    assert latentclust.label(planted, scene, out, confidence=True).kept == frozenset()
    assert names(out) == {"s.tif", "s.tif.aux.xml", "s.qml", "s-areas.csv", "s-confidence.tif", "labelling.json"}


def test_overwriting_leaves_nothing_of_a_killed_run(
    planted: ClusteringModel, scene: Path, tmp_path: Path, killed: Callable[..., None]
) -> None:
    out = tmp_path / "out"
    latentclust.label(planted, scene, out, probabilities=True)
    killed(planted, scene, out, confidence=True, overwrite=True)
    latentclust.label(planted, scene, out, overwrite=True)
    assert names(out) == {"s.tif", "s.tif.aux.xml", "s.qml", "s-areas.csv", "labelling.json"}


def test_a_file_of_others_where_an_earlier_run_failed_is_refused(planted: ClusteringModel, tmp_path: Path) -> None:
    scene = tmp_path / "in" / "s.tif"
    scene.parent.mkdir()
    scene.write_text("no raster")
    assert latentclust.label(planted, scene, tmp_path / "out").failed
    (tmp_path / "out" / "s.tif").write_text("precious")
    write_scene(scene, noise_scene(60, 80))
    with pytest.raises(LatentclustError, match=r"s\.tif: already exists, and was not written by a run in this folder"):
        latentclust.label(planted, scene, tmp_path / "out")
    assert (tmp_path / "out" / "s.tif").read_text() == "precious"


def test_what_a_failed_run_published_is_known(
    planted: ClusteringModel, scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = Path.replace

    def full(path: Path, target: Path) -> Path:
        if Path(target).name == "s.tif":
            raise OSError(28, "No space left on device")
        return move(path, target)

    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        (failed,) = latentclust.label(planted, scene, out, confidence=True).failed
    assert failed.files == {"s-confidence.tif": -1}
    assert failed.reason.endswith("some of its outputs may exist already")
    assert latentclust.label(planted, scene, out, overwrite=True).failed == ()
    assert names(out) == {"labelling.json", "s.tif", "s.tif.aux.xml", "s.qml", "s-areas.csv"}


def test_names_that_a_driver_would_cut_overwrite_nothing(planted: ClusteringModel, tmp_path: Path) -> None:
    """GDAL cuts a path at `;`: the polygons of `x.tif;1.tif` were written over `x.tif`."""
    pytest.importorskip("pyogrio")
    write_scene(tmp_path / "in" / "x.tif", noise_scene(60, 80))
    for name in ("x.tif;1.tif", "notes.txt;2.tif", "a'b.tif"):
        shutil.copy(tmp_path / "in" / "x.tif", tmp_path / "in" / name)
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("precious")
    report = latentclust.label(planted, tmp_path / "in", out, vector=True, min_area=0.0)
    assert [scene.status for scene in report.scenes] == ["done"] * 4
    assert (out / "notes.txt").read_text() == "precious"
    made = {"x", "x.tif_1", "notes.txt_2", "a_b"}
    assert {path.name for path in out.glob("*.gpkg")} == {f"{name}.gpkg" for name in made}
    assert all((out / f"{name}.tif").read_bytes()[:2] == b"II" for name in made)


def test_a_file_that_no_output_is_named_after_is_not_published(tmp_path: Path) -> None:
    made, out = tmp_path / "made", tmp_path / "out"
    made.mkdir()
    out.mkdir()
    for name in ("x.tif", "notes.txt"):
        (made / name).write_text("new")
    (out / "notes.txt").write_text("precious")
    with pytest.raises(LatentclustError, match=r"x\.tif: a driver wrote 'notes\.txt', which"):
        publish_outputs(out, PurePath("x.tif"), made, None)
    assert {path.name for path in out.iterdir()} == {"notes.txt"}
    assert (out / "notes.txt").read_text() == "precious"
