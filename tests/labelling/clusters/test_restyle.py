"""Names and colours brought to finished outputs."""

import fcntl
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

import latentclust
from latentclust.errors import InterruptedRunError, LatentclustError
from latentclust.labelling.clusters.recolour import classes_raster, merge_classes
from latentclust.labelling.clusters.restyle import restyle
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.outputs.sidecars import sidecar_paths
from latentclust.labelling.run_log import model_fingerprint, open_run_log, read_run_log
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import save_model
from tests.labelling.planted import noise_scene, planted_model, read_band, write_scene

NAMES, COLOURS = {1: "wet", 3: "wet"}, {"wet": "#0a0bff"}


@pytest.fixture
def named(planted: ClusteringModel) -> ClusteringModel:
    return replace(planted, names=NAMES, colours=COLOURS)


@pytest.fixture
def labelled(planted: ClusteringModel, tmp_path: Path) -> Path:
    """A folder of two scenes, one of them in a folder of its own and with classes."""
    write_scene(tmp_path / "in" / "one.tif", noise_scene(90, 100))
    write_scene(tmp_path / "in" / "deep" / "two.tif", noise_scene(600, 530, seed=1))
    out = tmp_path / "out"
    latentclust.label(planted, tmp_path / "in", out, confidence=True)
    raster = out / "deep" / "two.tif"
    merge_classes(raster, out / "draft.tif", classes_raster(raster), Legend.from_classes(planted))
    (out / "draft.tif").unlink()
    manifest = read_run_log(out)
    scene = manifest.scenes["deep/two.tif"]
    size = classes_raster(raster).stat().st_size
    manifest.add_and_save(replace(scene, files={**(scene.files or {}), "deep/two-classes.tif": size}))
    return out


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def colours(path: Path, values: int) -> list[Any]:
    with rasterio.open(path) as file:
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        return [file.colormap(1)[value] for value in range(values)]


def test_outputs_get_the_present_names_and_colours_and_keep_their_pixels(
    labelled: Path, named: ClusteringModel
) -> None:
    before = {name: read_band(labelled / name) for name in ("one.tif", "deep/two.tif")}
    confidence = (labelled / "one-confidence.tif").read_bytes()
    done = restyle(labelled, named)
    assert set(done.rasters) == {"deep/two-classes.tif", "deep/two.tif", "one.tif"}
    clusters, classes = Legend.from_clusters(named), Legend.from_classes(named)
    for name, labels in before.items():
        np.testing.assert_array_equal(read_band(labelled / name), labels)
        assert colours(labelled / name, 5) == [entry.colour for entry in clusters.entries]
    merged = labelled / "deep" / "two-classes.tif"
    np.testing.assert_array_equal(read_band(merged), np.array([0, 1, 2, 1, 3])[before["deep/two.tif"]])
    assert colours(merged, 4) == [entry.colour for entry in classes.entries]
    assert (labelled / "one-confidence.tif").read_bytes() == confidence
    assert not (labelled / "one-classes.tif").exists()
    for raster in (labelled / "one.tif", labelled / "deep" / "two.tif", merged):
        auxiliary, style, _ = (path.read_text(encoding="utf-8") for path in sidecar_paths(raster))
        assert "<Category>wet</Category>" in auxiliary
        assert 'label="wet"' in style
    counted = [f"<F>{count}</F>" for count in np.bincount(before["one.tif"].ravel(), minlength=5)]
    assert all(cell in (labelled / "one.tif.aux.xml").read_text() for cell in counted)


def test_a_run_that_is_repeated_finds_its_outputs_whole(
    labelled: Path, planted: ClusteringModel, named: ClusteringModel
) -> None:
    told = json.loads((labelled / "labelling.json").read_text())
    restyle(labelled, named)
    after = json.loads((labelled / "labelling.json").read_text())
    for row, old in zip(after["scenes"], told["scenes"], strict=True):
        assert row["files"] == {name: (labelled / name).stat().st_size for name in old["files"]}
        assert {**row, "files": 0} == {**old, "files": 0}
    assert {**after, "scenes": 0} == {**told, "scenes": 0}
    again = latentclust.label(planted, labelled.parent / "in", labelled, confidence=True)
    assert again.kept == {"one.tif", "deep/two.tif"}


def test_twice_is_once_and_back_is_back(labelled: Path, planted: ClusteringModel, named: ClusteringModel) -> None:
    rasters = {name: data for name, data in content(labelled).items() if name.endswith(".tif")}
    restyle(labelled, named)
    first = content(labelled)
    restyle(labelled, named)
    assert content(labelled) == first
    restyle(labelled, planted)
    assert {name: data for name, data in content(labelled).items() if name.endswith(".tif")} == rasters


def test_the_model_is_found_where_the_account_says(labelled: Path, named: ClusteringModel, tmp_path: Path) -> None:
    with pytest.raises(LatentclustError, match=r"does not contain the path of the model\. Pass the model with --model"):
        restyle(labelled)
    file = tmp_path / "model.safetensors"
    save_model(file, named)
    before = read_run_log(labelled)
    manifest = open_run_log(labelled, before.model, before.options, False, str(file))
    manifest.add_and_save(next(iter(manifest.scenes.values())))
    assert open_run_log(labelled, before.model, before.options, False).model_path == str(file)
    assert [entry.name for entry in restyle(labelled).classes.entries][1] == "wet"
    file.unlink()
    with pytest.raises(LatentclustError, match="the model file does not exist"):
        restyle(labelled)


def test_another_model_is_refused_and_nothing_changed(labelled: Path) -> None:
    before = content(labelled)
    with pytest.raises(LatentclustError, match="labelled by another model"):
        restyle(labelled, planted_model((2, 1)))
    assert content(labelled) == before


def test_missing_and_changed_outputs_are_reported(labelled: Path, named: ClusteringModel) -> None:
    whole = (labelled / "one.tif").read_bytes()
    (labelled / "one.tif").unlink()
    before = content(labelled)
    with pytest.raises(LatentclustError, match=r"one\.tif: is missing"):
        restyle(labelled, named)
    assert content(labelled) == before
    (labelled / "one.tif").write_bytes(whole)
    with rasterio.open(labelled / "one.tif", "r+", IGNORE_COG_LAYOUT_BREAK="YES") as file:
        file.write(np.zeros((3, 3), np.uint8), 1, window=((0, 3), (0, 3)))
    with pytest.raises(LatentclustError, match=r"contains 8,991 valid pixels, but labelling\.json records 9,000"):
        restyle(labelled, named)


def test_a_folder_without_an_account_is_refused_and_not_made(named: ClusteringModel, tmp_path: Path) -> None:
    with pytest.raises(LatentclustError, match=r"contains no labelling\.json"):
        restyle(tmp_path / "none", named)
    assert not (tmp_path / "none").exists()
    (tmp_path / "labelling.json").write_text("{}")
    with pytest.raises(LatentclustError, match="cannot be read"):
        restyle(tmp_path, named)


def test_failed_scenes_are_left_out_and_a_run_at_work_keeps_it_out(
    planted: ClusteringModel, named: ClusteringModel, tmp_path: Path
) -> None:
    scene = write_scene(tmp_path / "scene.tif", noise_scene(70, 70))
    out = tmp_path / "out"
    latentclust.label(planted, [scene, tmp_path / "missing.tif"], out)
    with (out / ".labelling.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(LatentclustError, match="another run"):
            restyle(out, named)
    assert restyle(out, named).rasters == ("scene.tif",)
    assert {row["status"] for row in json.loads((out / "labelling.json").read_text())["scenes"]} == {"done", "failed"}


def test_names_are_no_part_of_the_identity(planted: ClusteringModel, named: ClusteringModel) -> None:
    assert model_fingerprint(named) == model_fingerprint(planted)


def test_progress_is_told_and_a_stop_between_scenes_changes_no_further_one(
    labelled: Path, named: ClusteringModel
) -> None:
    told: list[tuple[int, int, str]] = []
    restyle(labelled, named, lambda *event: told.append(event))
    assert told == [(0, 2, "deep/two.tif"), (1, 2, "one.tif"), (2, 2, "")]
    before = content(labelled)
    other, told = replace(named, colours={"wet": "#ff0000"}), []
    with pytest.raises(InterruptedRunError, match=r"stopped before one\.tif"):
        restyle(labelled, other, lambda *event: told.append(event), lambda: len(told) > 1)
    changed = {name for name, data in content(labelled).items() if before[name] != data}
    assert "deep/two.tif" in changed
    assert not {name for name in changed if "one" in name}
    with pytest.raises(InterruptedRunError, match="stopped while it was read"):
        restyle(labelled, named, should_stop=iter([False, True]).__next__)
    assert not (labelled / ".partial").exists()
    assert restyle(labelled, other).rasters
