"""Memory, precision, dry runs, and strips that outlive a stop."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

import latentclust
from latentclust.data.scenes.inputs import scene_from_file
from latentclust.errors import InterruptedRunError, LatentclustError
from latentclust.labelling.label_options import parse_size
from latentclust.labelling.label_settings import make_settings
from latentclust.labelling.scene_task import prepare_scene
from latentclust.labelling.windows import strip_labeller
from latentclust.labelling.windows.memory import scene_bytes, strip_bytes
from latentclust.model.model import ClusteringModel
from tests.labelling.planted import TRANSFORM, noise_scene, planted_model, read_band, write_scene
from tests.labelling.test_label_scenes import Stopper, files
from tests.memory import peak_bytes


@pytest.mark.parametrize(
    ("size", "count"), [("2GB", 2e9), ("512 MB", 512e6), ("1.5g", 1.5e9), ("3000", 3000), ("7KiB", 7000)]
)
def test_sizes_are_read(size: str, count: float) -> None:
    assert parse_size(size) == count


@pytest.mark.parametrize("size", ["", "-2GB", "2 parsecs", "0", "GB", "nan"])
def test_an_invalid_size_is_refused(size: str) -> None:
    with pytest.raises(LatentclustError, match=r"--max-memory: .* is not a size"):
        parse_size(size)


def test_a_limit_on_memory_makes_batches_smaller_and_changes_no_label(planted: ClusteringModel, tmp_path: Path) -> None:
    scene = write_scene(tmp_path / "scene.tif", noise_scene(400, 500))
    free = latentclust.label(planted, scene, tmp_path / "free", tile=64)
    held = latentclust.label(planted, scene, tmp_path / "held", tile=64, max_memory=2_000_000)
    assert held.windows == free.windows
    np.testing.assert_array_equal(read_band(tmp_path / "held/scene.tif"), read_band(tmp_path / "free/scene.tif"))
    batches = [
        json.loads((tmp_path / name / "labelling.json").read_text())["options"]["batch"] for name in ("held", "free")
    ]
    assert 1 <= batches[0] < 5 < batches[1]
    wide = write_scene(tmp_path / "wide.tif", noise_scene(70, 9000))
    report = latentclust.label(planted, wide, tmp_path / "wide", tile=64, max_memory=2_000_000)
    assert "its strips take" in report.failed[0].reason
    with pytest.raises(LatentclustError, match="--max-memory: 0 MB, and one window takes"):
        latentclust.label(planted, scene, tmp_path / "none", max_memory=1000)
    assert not (tmp_path / "none").exists()


def sparse_scene(path: Path, side: int) -> Path:
    """A raster without data, in a file of kilobytes."""
    shape: dict[str, Any] = {"height": side, "width": side, "count": 3, "dtype": "uint8", "nodata": 0}
    layout: dict[str, Any] = {"tiled": True, "blockxsize": 16384, "blockysize": 16384, "SPARSE_OK": True}
    with rasterio.open(path, "w", driver="GTiff", BIGTIFF="YES", transform=TRANSFORM, **shape, **layout):
        return path


def test_the_plan_of_a_scene_grows_with_its_side_and_not_with_its_windows(
    planted: ClusteringModel, tmp_path: Path
) -> None:
    assert planted.bands is not None
    settings, peaks = make_settings(planted, planted.bands, tile=64), []
    for side in (30_000, 300_000):
        scene = scene_from_file(sparse_scene(tmp_path / f"{side}.tif", side))
        prepare = partial(prepare_scene, settings, scene, tmp_path / "partial", None)
        task = prepare()
        assert task is not None
        assert task.windows > (side / 64) ** 2
        peaks.append(peak_bytes(prepare, times=1))
        assert peaks[-1] < scene_bytes(settings, (side, side), side) - strip_bytes(settings, side)
    assert peaks[1] < 11 * peaks[0]


def test_a_scene_that_is_too_large_for_the_memory_is_told_before_it_is_planned(
    planted: ClusteringModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = sparse_scene(tmp_path / "million.tif", 1_000_000)
    held = latentclust.label(planted, scene, tmp_path / "out", tile=64, max_memory="300MB", dry_run=True)
    assert "its strips take" in held.failed[0].reason
    assert "--max-memory leaves" in held.failed[0].reason
    monkeypatch.setattr("latentclust.labelling.windows.memory.physical_memory", lambda: 10**8)
    free = latentclust.label(planted, scene, tmp_path / "out", tile=64, dry_run=True)
    assert "this machine has 100. Use a smaller --tile" in free.failed[0].reason


def test_half_precision_gives_nearly_the_same_labels(planted: ClusteringModel, tmp_path: Path) -> None:
    scene = write_scene(tmp_path / "scene.tif", noise_scene(200, 300))
    latentclust.label(planted, scene, tmp_path / "full")
    latentclust.label(planted, scene, tmp_path / "half", precision="bf16")
    same = read_band(tmp_path / "half/scene.tif") == read_band(tmp_path / "full/scene.tif")
    assert 0.95 < same.mean() < 1
    with pytest.raises(LatentclustError, match="--precision: must be 'auto', 'fp32', 'bf16' or 'fp16', got 'fp8'"):
        latentclust.label(planted, scene, tmp_path / "other", precision="fp8")


def test_a_dry_run_counts_and_writes_nothing(planted: ClusteringModel, tmp_path: Path) -> None:
    write_scene(tmp_path / "in" / "one.tif", noise_scene(400, 500))
    (tmp_path / "in" / "text.tif").write_text("no raster")
    would = latentclust.label(planted, tmp_path / "in", tmp_path / "out", dry_run=True)
    assert not (tmp_path / "out").exists()
    assert [scene.status for scene in would.scenes] == ["planned", "failed"]
    did = latentclust.label(planted, tmp_path / "in", tmp_path / "out")
    assert would.windows == did.windows
    assert would.scenes[0].pixels == did.scenes[0].pixels == 200_000
    assert "80x80 that share 20" in would.note
    assert "receptive-field radius of 2 pixels" in would.note
    after = latentclust.label(planted, tmp_path / "in", tmp_path / "out", dry_run=True)
    assert (after.kept, after.windows) == ({"one.tif"}, 0)


def test_the_probabilities_of_a_pixel_sum_to_one(planted: ClusteringModel, tmp_path: Path) -> None:
    image = noise_scene(100, 110)
    image[:, 40:50] = 0
    scene = write_scene(tmp_path / "scene.tif", image, nodata=0)
    latentclust.label(planted, scene, tmp_path / "out", probabilities=True, confidence=True)
    with rasterio.open(tmp_path / "out" / "scene-probabilities.tif") as file:
        every = file.read()
        assert (file.count, file.nodata, file.descriptions[2]) == (4, 0, "cluster 3")
    labels, confidence = (read_band(tmp_path / "out" / f"scene{end}.tif") for end in ("", "-confidence"))
    known = labels > 0
    assert not every[:, ~known].any()
    shares = (every[:, known] - 1) / 254
    np.testing.assert_allclose(shares.sum(axis=0), 1, atol=4 / 254)
    best = np.take_along_axis(shares, labels[known][np.newaxis].astype(int) - 1, axis=0)[0]
    np.testing.assert_allclose(0.25 + 0.75 * (confidence[known] - 1) / 254, best, atol=1.5 / 254)


def test_strips_that_are_whole_are_not_labelled_again(
    planted: ClusteringModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latentclust.labelling.windows.strips.WINDOWS", 4)
    scene = write_scene(tmp_path / "scene.tif", noise_scene(500, 130))
    stopper = Stopper()
    with pytest.raises(InterruptedRunError):
        latentclust.label(planted, scene, tmp_path / "out", batch=1, listener=stopper)
    strips = list((tmp_path / "out" / ".partial").glob("*/strip-*"))
    assert strips
    assert not [strip for strip in strips if strip.suffix]  # no half of one
    labelled = []
    begin = strip_labeller._FileStrip.__init__
    monkeypatch.setattr(
        strip_labeller._FileStrip,
        "__init__",
        lambda self, settings, job: (labelled.append(job.number), begin(self, settings, job))[1],
    )
    latentclust.label(planted, scene, tmp_path / "out", batch=1)
    assert set(labelled).isdisjoint(int(strip.name[-5:]) for strip in strips)
    latentclust.label(planted, scene, tmp_path / "whole", batch=1)
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    assert not (tmp_path / "out" / ".partial").exists()


def test_how_a_scene_is_cut_into_strips_changes_no_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = planted_model((2, 1))
    scene = write_scene(tmp_path / "scene.tif", noise_scene(700, 330))
    latentclust.label(model, scene, tmp_path / "one", confidence=True)
    monkeypatch.setattr("latentclust.labelling.windows.strips.WINDOWS", 2)
    latentclust.label(model, scene, tmp_path / "many", confidence=True)
    for name in ("scene.tif", "scene-confidence.tif"):
        one, many = read_band(tmp_path / "one" / name), read_band(tmp_path / "many" / name)
        assert np.mean(one == many) > 0.9995  # batches differ, and with them the last bits
