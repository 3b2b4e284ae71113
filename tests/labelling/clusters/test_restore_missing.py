"""Finished scenes rewritten when their legends are missing, and what a stop or a kill leaves."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import latentclust
from latentclust.errors import InterruptedRunError, LatentclustError
from latentclust.labelling.clusters import restyle as restyling
from latentclust.labelling.clusters.restore import _same_row, restore_missing
from latentclust.labelling.clusters.restyle import restyle
from latentclust.labelling.outputs.sidecars import sidecar_paths
from latentclust.labelling.run_log import DRAFT_FOLDER, lock_folder, read_run_log
from latentclust.model.model import ClusteringModel
from tests.labelling.planted import noise_scene, read_band, write_scene

EVERYTHING: dict[str, Any] = {
    "confidence": True, "classes": True, "vector": True, "min_area": 0.0, "stac": True,
    "datetime": "2020-06-01T12:00:00Z",
}  # fmt: skip


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    return write_scene(tmp_path / "in" / "s.tif", noise_scene(90, 100))


@pytest.fixture
def named(planted: ClusteringModel) -> ClusteringModel:
    return replace(planted, names={1: "wet", 3: "wet"}, colours={"wet": "#0a0bff"})


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("options", [{}, EVERYTHING])
def test_missing_legends_are_written_without_labelling(
    planted: ClusteringModel, scene: Path, tmp_path: Path, options: Mapping[str, Any]
) -> None:
    out = tmp_path / "out"
    latentclust.label(planted, scene, out, **options)
    before = content(out)
    missing = [path for raster in ("s.tif", "s-classes.tif") for path in sidecar_paths(out / raster) if path.exists()]
    for path in missing:
        path.unlink()
        again = latentclust.label(planted, scene, out, **options)
        assert (again.kept, again.windows) == ({"s.tif"}, 0)
        after = content(out)
        assert after.keys() == before.keys()
        for name in before.keys() - {"labelling.json"}:
            assert after[name] == before[name], name
    assert len(missing) == (6 if options else 3)
    assert not (out / ".partial").exists()


def test_a_legend_that_is_written_late_agrees_with_its_rasters(
    planted: ClusteringModel, named: ClusteringModel, scene: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    latentclust.label(planted, scene, out, classes=True)
    (out / "s-classes.qml").unlink()
    latentclust.label(named, scene, out, classes=True)
    assert 'label="wet"' in (out / "s-classes.qml").read_text()
    assert 'label="wet"' in (out / "s.qml").read_text()
    assert read_band(out / "s-classes.tif").max() == 3


def test_a_legend_whose_raster_is_damaged_leads_to_a_new_raster(
    planted: ClusteringModel, scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("not now")

    out = tmp_path / "out"
    latentclust.label(planted, scene, out)
    before = content(out)
    (out / "s.qml").unlink()
    (out / "s.tif").write_bytes(bytes((out / "s.tif").stat().st_size))
    with monkeypatch.context() as patch:
        patch.setattr("latentclust.labelling.scheduler.prepare_scene", fail)
        (failed,) = latentclust.label(planted, scene, out).failed
        assert failed.reason.endswith("outputs of an earlier run still exist: s.tif")
    again = latentclust.label(planted, scene, out)
    assert (again.kept, again.failed) == (frozenset(), ())
    assert {name: data for name, data in content(out).items() if name != "labelling.json"} == {
        name: data for name, data in before.items() if name != "labelling.json"
    }


def test_a_stop_before_legends_are_written_ends_the_run(
    planted: ClusteringModel, scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    latentclust.label(planted, scene, tmp_path / "out")
    (tmp_path / "out" / "s.qml").unlink()

    def stopped(*rest: Any) -> frozenset[str]:
        return restore_missing(*rest[:-1], lambda: True)

    monkeypatch.setattr("latentclust.labelling.label_scenes.restore_missing", stopped)
    with pytest.raises(InterruptedRunError, match="stopped before its legend was written"):
        latentclust.label(planted, scene, tmp_path / "out")


def test_a_stop_reaches_the_polygons_and_changes_nothing(
    planted: ClusteringModel, named: ClusteringModel, scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    latentclust.label(planted, scene, out, **EVERYTHING)
    before = content(out)
    write = restyling.write_polygons

    def stopped(*rest: Any) -> int:
        assert rest[-1]() is False
        return write(*rest[:-1], lambda: True)

    monkeypatch.setattr(restyling, "write_polygons", stopped)
    with pytest.raises(InterruptedRunError):
        restyle(out, named)
    assert content(out) == before
    assert not (out / ".partial").exists()


class Killed(BaseException):
    """The process was killed."""


def test_a_kill_between_the_files_and_the_account_makes_no_scene_be_labelled_again(
    planted: ClusteringModel, named: ClusteringModel, scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    latentclust.label(planted, scene, out, **EVERYTHING)
    sizes = read_run_log(out).scenes["s.tif"].files or {}
    publish_outputs = restyling.publish_outputs

    def publish_and_die(*rest: Any) -> None:
        publish_outputs(*rest)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(restyling, "publish_outputs", publish_and_die)
        with pytest.raises(Killed):
            restyle(out, named)
    assert {name for name in sizes if (out / name).stat().st_size != sizes[name]}
    assert latentclust.label(named, scene, out, **EVERYTHING).kept == {"s.tif"}
    restyle(out, named)
    found = read_run_log(out).scenes["s.tif"].files or {}
    assert found == {name: (out / name).stat().st_size for name in sizes}


def test_what_a_killed_run_was_drawing_is_removed(planted: ClusteringModel, scene: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    latentclust.label(planted, [scene, tmp_path / "missing.tif"], out)
    left = out / ".partial" / DRAFT_FOLDER / "made"
    left.mkdir(parents=True)
    (left / "s.tif").touch()
    with lock_folder(out):
        assert not left.exists()
    assert not (out / ".partial").exists()


@pytest.mark.parametrize("item", ["{}", "[]", "{", '{"type": "Feature", "stac_version": "1.1.0"}'])
def test_a_damaged_item_is_reported_before_any_raster_is_changed(
    planted: ClusteringModel, named: ClusteringModel, scene: Path, tmp_path: Path, item: str
) -> None:
    write_scene(scene.with_name("a.tif"), noise_scene(40, 50))
    out = tmp_path / "out"
    latentclust.label(planted, scene.parent, out, **EVERYTHING)
    (out / "s.stac.json").write_text(item)
    before = content(out)
    with pytest.raises(LatentclustError, match=r"s\.stac\.json: cannot be read .*\. Remove it and run the label"):
        restyle(out, named)
    assert content(out) == before
    (out / "s.stac.json").unlink()
    assert latentclust.label(planted, scene.parent, out, **EVERYTHING).kept == {"a.tif"}


def test_an_account_without_the_polygon_options_is_reported(
    planted: ClusteringModel, scene: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    latentclust.label(planted, scene, out, **EVERYTHING)
    manifest = read_run_log(out)
    manifest.options = {**manifest.options, "vector": {"min_area": []}}
    manifest.add_and_save(manifest.scenes["s.tif"])
    with pytest.raises(LatentclustError, match="has invalid polygon options"):
        restyle(out, planted)


@pytest.mark.parametrize(
    ("found", "alike"),
    [
        ("north,1,water,100.000,0.333334,1.000000", True),
        ("north,1,water,100.001,0.333333,1.000000", True),
        ("north,1,water,101.000,0.333333,1.000000", False),
        ("north,1,lake,100.000,0.333333,1.000000", False),
        ("north,2,water,100.000,0.333333,1.000000", False),
        ("north,1,water,100.000,0.333333,1.000000,note", False),
    ],
)
def test_rounding_is_no_edit_of_a_row(found: str, alike: bool) -> None:
    assert _same_row(found, "north,1,water,100.000,0.333333,1.000000") is alike
