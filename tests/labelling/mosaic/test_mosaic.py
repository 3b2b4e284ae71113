"""A mosaic of all scenes of a run: seams, grids, agreement, and when it is written again."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import rasterio
import rasterio.features
from numpy.typing import NDArray
from rasterio.transform import Affine
from rasterio.warp import transform

import latentclust
from latentclust.errors import InterruptedRunError, LatentclustError
from latentclust.labelling.clusters.restyle import restyle
from latentclust.labelling.label_report import SceneResult
from latentclust.labelling.mosaic import build, seams
from latentclust.labelling.mosaic.grid import MosaicGrid, plan_mosaic
from latentclust.labelling.vector.regions import count_regions
from latentclust.model.model import ClusteringModel
from tests.labelling.planted import TRANSFORM, noise_scene, planted_model, read_band, write_scene
from tests.memory import peak_bytes

WORLD = noise_scene(200, 300)
PARTS = {"a": (0, 0, 120, 160), "b": (60, 100, 190, 300), "c": (100, 20, 200, 150)}
"""Top, left, bottom and right of three scenes: a overlaps both others, and b overlaps c."""


def write_part(folder: Path, name: str, **profile: Any) -> Path:
    """A part of the world, of which noise hides some pixels and 20 columns are nodata in the scene b."""
    top, left, bottom, right = PARTS[name]
    image = WORLD[:, top:bottom, left:right].copy()
    image[:, ::7, ::5] = noise_scene(bottom - top, right - left, ord(name))[:, ::7, ::5]
    if name == "b":
        image[:, :, 40:60] = 0
    place = {"transform": TRANSFORM @ Affine.translation(left, top), "nodata": 0, **profile}
    return write_scene(folder / f"{name}.tif", image, **place)


@pytest.fixture
def scenes(tmp_path: Path) -> list[Path]:
    return [write_part(tmp_path / "in", name) for name in PARTS]


def stacked(out: Path, kind: str = "", order: Sequence[str] = tuple(PARTS)) -> NDArray[Any]:
    """The rasters of all scenes in the grid of the world `(3, 200, 300)`, 0 elsewhere."""
    layers = np.zeros((len(order), 200, 300), np.uint8)
    for layer, name in zip(layers, order, strict=True):
        top, left, bottom, right = PARTS[name]
        layer[top:bottom, left:right] = read_band(out / f"{name}{kind}.tif")
    return layers


def first_labels(layers: NDArray[Any]) -> NDArray[Any]:
    return np.take_along_axis(layers, np.argmax(layers > 0, axis=0)[np.newaxis], axis=0)[0]


def agreement(layers: NDArray[Any]) -> tuple[int, int]:
    overlap = (layers > 0).sum(axis=0) > 1
    same = np.where(layers > 0, layers, 255).min(axis=0) == layers.max(axis=0)
    return int(overlap.sum()), int((overlap & same).sum())


def mosaic_of(report: Any) -> SceneResult:
    found: SceneResult | None = report.mosaic
    assert found is not None
    assert (found.status, found.reason) == ("done", "")
    return found


def test_without_confidence_the_first_scene_gives_the_label(
    planted: ClusteringModel, scenes: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    found = mosaic_of(latentclust.label(planted, scenes, out, mosaic=True))
    layers, labels = stacked(out), read_band(out / "mosaic.tif")
    np.testing.assert_array_equal(labels, first_labels(layers))
    assert found.seams is not None
    assert (found.seams.overlap, found.seams.agreeing) == agreement(layers)
    assert 0.3 < found.seams.agreeing / found.seams.overlap < 1
    assert (found.pixels, found.nodata) == (np.count_nonzero(labels), np.count_nonzero(labels == 0))
    with rasterio.open(out / "mosaic.tif") as file, rasterio.open(out / "a.tif") as first:
        assert (file.transform, file.crs, file.nodata) == (first.transform, first.crs, 0)
        assert file.colormap(1) == first.colormap(1)
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    auxiliary = (out / "mosaic.tif.aux.xml").read_text()
    assert all(f"<F>{np.count_nonzero(labels == value)}</F>" in auxiliary for value in range(5))
    assert (out / "mosaic.qml").exists()
    backwards = latentclust.label(planted, scenes[::-1], tmp_path / "back", mosaic=True)
    assert mosaic_of(backwards).seams == found.seams
    order = tuple(PARTS)[::-1]
    np.testing.assert_array_equal(
        read_band(tmp_path / "back" / "mosaic.tif"), first_labels(stacked(tmp_path / "back", "", order))
    )


def test_with_confidence_the_most_certain_scene_gives_the_label(
    planted: ClusteringModel, scenes: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    mosaic_of(latentclust.label(planted, scenes, out, mosaic=True, confidence=True, classes=True))
    layers, certainty = stacked(out), stacked(out, "-confidence")
    best = np.argmax(certainty, axis=0)[np.newaxis]  # argmax takes the first of equal ones
    np.testing.assert_array_equal(read_band(out / "mosaic.tif"), np.take_along_axis(layers, best, axis=0)[0])
    np.testing.assert_array_equal(read_band(out / "mosaic-confidence.tif"), certainty.max(axis=0))
    np.testing.assert_array_equal(read_band(out / "mosaic-classes.tif"), read_band(out / "mosaic.tif"))


def test_rectangles_do_not_show(
    planted: ClusteringModel, scenes: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"mosaic": True, "confidence": True, "sieve": 700.0}
    whole = mosaic_of(latentclust.label(planted, scenes, tmp_path / "whole", **options))
    monkeypatch.setattr(seams, "TILE", 48)
    parts = mosaic_of(latentclust.label(planted, scenes, tmp_path / "parts", **options))
    assert (parts.seams, parts.sieved) == (whole.seams, whole.sieved)
    for name in ("mosaic.tif", "mosaic-confidence.tif"):
        np.testing.assert_array_equal(read_band(tmp_path / "parts" / name), read_band(tmp_path / "whole" / name))


def test_a_mosaic_is_sieved_and_its_polygons_are_its_regions(
    planted: ClusteringModel, scenes: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    found = mosaic_of(latentclust.label(planted, scenes, out, mosaic=True, confidence=True, vector=True, sieve=700.0))
    layers, certainty = stacked(out), stacked(out, "-confidence")
    composed = np.take_along_axis(layers, np.argmax(certainty, axis=0)[np.newaxis], axis=0)[0]
    labels, confidence = read_band(out / "mosaic.tif"), read_band(out / "mosaic-confidence.tif")
    expected = rasterio.features.sieve(composed, 7, mask=composed > 0, connectivity=4)
    np.testing.assert_array_equal(labels, expected)
    changed = labels != composed
    assert found.sieved == np.count_nonzero(changed) > 0
    assert set(confidence[changed].tolist()) == {1}
    np.testing.assert_array_equal(confidence[~changed], certainty.max(axis=0)[~changed])
    assert pyogrio.read_info(out / "mosaic.gpkg", "clusters")["features"] == count_regions([labels])


def test_another_resolution_or_system_is_resampled_by_nearest_neighbour(
    planted: ClusteringModel, tmp_path: Path
) -> None:
    fine = write_scene(tmp_path / "a.tif", noise_scene(100, 100), transform=Affine(10, 0, 500000, 0, -10, 4000000))
    coarse = write_scene(tmp_path / "b.tif", noise_scene(64, 64, 1), transform=Affine(20, 0, 500500, 0, -20, 4000000))
    out = tmp_path / "out"
    found = mosaic_of(latentclust.label(planted, [fine, coarse], out, mosaic=True))
    assert "b.tif" in found.warnings[0]
    assert "resampled to the grid of a.tif by nearest neighbour" in found.warnings[0]
    labels = read_band(out / "mosaic.tif")
    assert labels.shape == (128, 178)
    np.testing.assert_array_equal(labels[:100, :100], read_band(out / "a.tif"))
    doubled = read_band(out / "b.tif").repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(labels[:, 100:], doubled[:, 50:])


def test_another_coordinate_system_keeps_pixels_where_they_are(planted: ClusteringModel, tmp_path: Path) -> None:
    first = write_scene(tmp_path / "a.tif", noise_scene(70, 70), transform=Affine(10, 0, 500000, 0, -10, 4000000))
    degrees = Affine(0.0001, 0, -104.99, 0, -0.0001, 36.14)
    other = write_scene(tmp_path / "b.tif", noise_scene(90, 80, 1), crs="EPSG:4326", transform=degrees)
    out = tmp_path / "out"
    mosaic_of(latentclust.label(planted, [first, other], out, mosaic=True))
    labels = read_band(out / "b.tif")
    with rasterio.open(out / "mosaic.tif") as file:
        mosaic, place, crs = file.read(1), file.transform, file.crs
    rows, columns = (each.ravel() for each in np.indices(labels.shape))
    x, y = transform("EPSG:4326", crs, *(degrees @ (columns + 0.5, rows + 0.5)))
    found = np.floor(np.stack(~place @ (np.array(x), np.array(y)))).astype(int)
    # 8 by 11 metres: a pixel of 10 metres has the label of one of those around it.
    assert np.mean(mosaic[found[1], found[0]] == labels.ravel()) > 0.8


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_scenes_without_a_place_fail_the_mosaic_alone(planted: ClusteringModel, tmp_path: Path) -> None:
    scenes = [
        write_scene(tmp_path / "a.tif", noise_scene(70, 70)),
        write_scene(tmp_path / "b.tif", noise_scene(70, 70), crs=None, transform=None),
    ]
    report = latentclust.label(planted, scenes, tmp_path / "out", mosaic=True)
    assert report.failed == ()
    assert report.mosaic is not None
    assert report.mosaic.status == "failed"
    assert "b.tif: has no transform, and so no place in a mosaic" in report.mosaic.reason
    assert [scene.input for scene in report.failures] == ["mosaic"]
    assert not list((tmp_path / "out").glob("mosaic*"))


def test_grids_that_cannot_be_joined(tmp_path: Path) -> None:
    labels = np.ones((1, 20, 20), np.uint8)
    placed = write_scene(tmp_path / "a.tif", labels)
    unplaced = write_scene(tmp_path / "b.tif", labels, crs=None)
    with pytest.raises(LatentclustError, match=r"b\.tif: has another grid .* no coordinate reference system"):
        plan_mosaic([(placed, None), (unplaced, None)])
    world = write_scene(tmp_path / "w.tif", labels, crs="EPSG:4326", transform=Affine(18, 0, -180, 0, -9, 90))
    with pytest.raises(LatentclustError, match=r"w\.tif: cannot be placed in the coordinate reference system"):
        plan_mosaic([(placed, None), (world, None)])
    far = write_scene(tmp_path / "c.tif", labels, transform=TRANSFORM @ Affine.translation(20000, 20000))
    with pytest.raises(LatentclustError, match=r"--mosaic: would have 20,020 x 20,020 pixels, of which .* 0\.00%"):
        plan_mosaic([(placed, None), (far, None)])
    shifted = write_scene(tmp_path / "d.tif", labels, transform=TRANSFORM @ Affine.translation(-7.001, 30))
    grid = plan_mosaic([(placed, None), (shifted, None)])
    assert (grid.where.extent, [scene.resampled for scene in grid.scenes]) == ((50, 27), [False, False])
    assert grid.where.transform == TRANSFORM @ Affine.translation(-7, 0)
    half = write_scene(tmp_path / "e.tif", labels, transform=TRANSFORM @ Affine.translation(0.5, 0))
    grid = plan_mosaic([(placed, None), (half, None)])
    assert (grid.where.extent, [scene.resampled for scene in grid.scenes]) == ((20, 21), [False, True])


def test_it_is_kept_made_of_kept_scenes_and_written_again_if_these_change(
    planted: ClusteringModel, scenes: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    latentclust.label(planted, scenes[:2], out)
    report = latentclust.label(planted, scenes[:2], out, mosaic=True)
    assert report.windows == 0
    first = mosaic_of(report)
    time = (out / "mosaic.tif").stat().st_mtime_ns
    assert mosaic_of(latentclust.label(planted, scenes[:2], out, mosaic=True)) == first
    assert (out / "mosaic.tif").stat().st_mtime_ns == time
    (out / "mosaic.qml").unlink()
    mosaic_of(latentclust.label(planted, scenes[:2], out, mosaic=True))
    assert (out / "mosaic.qml").exists()
    found = mosaic_of(latentclust.label(planted, scenes, out, mosaic=True))
    assert found.seams is not None
    assert found.seams.scenes == 3
    np.testing.assert_array_equal(read_band(out / "mosaic.tif"), first_labels(stacked(out)))
    (out / "mosaic.tif").unlink()
    mosaic_of(latentclust.label(planted, scenes, out, mosaic=True))
    np.testing.assert_array_equal(read_band(out / "mosaic.tif"), first_labels(stacked(out)))
    other = latentclust.label(planted_model((2, 1)), scenes, out, mosaic=True, overwrite=True)
    mosaic_of(other)
    np.testing.assert_array_equal(read_band(out / "mosaic.tif"), first_labels(stacked(out)))


def test_a_scene_that_fails_is_missing_and_said_so(
    planted: ClusteringModel, scenes: list[Path], tmp_path: Path
) -> None:
    good = scenes[1].read_bytes()
    scenes[1].write_bytes(b"no raster")
    report = latentclust.label(planted, scenes, tmp_path / "out", mosaic=True)
    found = mosaic_of(report)
    assert len(report.failed) == 1
    assert found.warnings == ("1 of 3 scenes are missing, because they failed",)
    latentclust.label(planted, scenes[::2], tmp_path / "later", mosaic=True)
    later = mosaic_of(latentclust.label(planted, scenes, tmp_path / "later", mosaic=True))
    assert later.warnings == found.warnings
    strict = latentclust.label(planted, scenes, tmp_path / "strict", mosaic=True, strict=True)
    assert strict.mosaic is None
    scenes[1].write_bytes(good)
    found = mosaic_of(latentclust.label(planted, scenes, tmp_path / "out", mosaic=True))
    assert found.warnings == ()
    np.testing.assert_array_equal(read_band(tmp_path / "out" / "mosaic.tif"), first_labels(stacked(tmp_path / "out")))
    assert latentclust.label(planted, tmp_path / "gone.tif", tmp_path / "none", mosaic=True).mosaic is None


def test_names_and_colours_reach_the_mosaic(planted: ClusteringModel, scenes: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    latentclust.label(planted, scenes, out, mosaic=True)
    before = read_band(out / "mosaic.tif")
    named = replace(planted, names={1: "water"}, colours={"water": "#0000ff"})
    assert "mosaic.tif" in restyle(out, named).rasters
    np.testing.assert_array_equal(read_band(out / "mosaic.tif"), before)
    assert 'label="water"' in (out / "mosaic.qml").read_text()
    with rasterio.open(out / "mosaic.tif") as file:
        assert file.colormap(1)[1] == (0, 0, 255, 255)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_dry_run_tells_the_size_of_the_mosaic(planted: ClusteringModel, scenes: list[Path], tmp_path: Path) -> None:
    would = latentclust.label(planted, scenes, tmp_path / "out", mosaic=True, dry_run=True).mosaic
    assert would is not None
    assert not (tmp_path / "out").exists()
    first = latentclust.label(planted, scenes[:1], tmp_path / "out")
    some = latentclust.label(planted, scenes, tmp_path / "out", mosaic=True, dry_run=True)
    assert some.kept == {first.scenes[0].output}
    did = mosaic_of(latentclust.label(planted, scenes, tmp_path / "out", mosaic=True))
    assert (would.status, would.pixels, would.joined) == ("planned", did.pixels + did.nodata, did.joined)
    assert some.mosaic == would
    lost = write_scene(tmp_path / "lost.tif", noise_scene(70, 70), transform=None, crs=None)
    report = latentclust.label(planted, [*scenes, lost], tmp_path / "out", mosaic=True, dry_run=True)
    assert [each.reason.partition(",")[0] for each in report.failures] == ["lost.tif: has no transform"]


def test_files_of_others_are_never_replaced(planted: ClusteringModel, scenes: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mosaic.tif").write_text("mine")
    with pytest.raises(LatentclustError, match=r"mosaic\.tif: already exists, and was not written by a run"):
        latentclust.label(planted, scenes, out, mosaic=True)
    assert (out / "mosaic.tif").read_text() == "mine"
    named = write_scene(tmp_path / "in" / "mosaic.tif", noise_scene(70, 70))
    with pytest.raises(LatentclustError, match=r"has the output mosaic\.tif, and so has the mosaic"):
        latentclust.label(planted, named, tmp_path / "other", mosaic=True)
    assert not (tmp_path / "other" / "a.tif").exists()


def test_a_mosaic_of_fewer_scenes_does_not_replace_a_larger_one(
    planted: ClusteringModel, scenes: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert mosaic_of(latentclust.label(planted, scenes[:2], out, mosaic=True)).joined == ("a.tif", "b.tif")
    before = (out / "mosaic.tif").read_bytes()
    with pytest.raises(LatentclustError, match=r"mosaic\.tif: already joins a\.tif, which this call leaves out"):
        latentclust.label(planted, scenes[1:], out, mosaic=True)
    assert (out / "mosaic.tif").read_bytes() == before
    assert not (out / "c.tif").exists()
    found = mosaic_of(latentclust.label(planted, scenes[1:2], out, mosaic=True, overwrite=True))
    assert found.joined == ("b.tif",)
    assert mosaic_of(latentclust.label(planted, scenes, out, mosaic=True)).joined == ("a.tif", "b.tif", "c.tif")


def test_a_scene_labelled_without_the_mosaic_leaves_it_outdated_and_said_so(
    planted: ClusteringModel, scenes: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert latentclust.label(planted, scenes[:1], out, mosaic=True).warnings == ()
    assert latentclust.label(planted, scenes[:1], out).warnings == ()
    warning = "mosaic.tif is of an earlier run; pass --mosaic to renew it"
    assert latentclust.label(planted, scenes[:2], out).warnings == (warning,)
    assert latentclust.label(planted, scenes[:2], out, mosaic=True).warnings == ()


class KilledError(BaseException):
    """The process was killed."""


def test_a_kill_while_it_is_published_and_a_stop_are_made_good(
    planted: ClusteringModel, scenes: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"

    def die(*rest: Any) -> None:
        build_publish(*rest)
        raise KilledError

    build_publish = build.publish_outputs
    with monkeypatch.context() as patch:
        patch.setattr(build, "publish_outputs", die)
        with pytest.raises(KilledError):
            latentclust.label(planted, scenes, out, mosaic=True, confidence=True)
    row = json.loads((out / "labelling.json").read_text())["scenes"][-1]
    assert (row["input"], row["status"]) == ("mosaic", "started")

    def stop(*rest: Any) -> None:
        raise InterruptedRunError.at("mosaic", "stopped", "Run it again")

    with monkeypatch.context() as patch:
        patch.setattr(build, "mosaic_tiles", stop)
        with pytest.raises(InterruptedRunError):
            latentclust.label(planted, scenes, out, mosaic=True, confidence=True)
    report = latentclust.label(planted, scenes, out, mosaic=True, confidence=True)
    mosaic_of(report)
    assert report.windows == 0
    whole = latentclust.label(planted, scenes, tmp_path / "whole", mosaic=True, confidence=True)
    mosaic_of(whole)
    for name in ("mosaic.tif", "mosaic-confidence.tif"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def count_agreeing(grid: MosaicGrid) -> int:
    return sum(tile.agreeing for tile in seams.mosaic_tiles(grid, np.dtype(np.uint8)))


def test_memory_does_not_grow_with_the_mosaic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seams, "TILE", 256)
    peaks = []
    for size in (512, 2048):
        labels = np.ones((1, size, size), np.uint8)
        path = write_scene(tmp_path / f"{size}.tif", labels, tiled=True, blockxsize=256, blockysize=256)
        grid = plan_mosaic([(path, None), (path, None)])
        peaks.append(peak_bytes(partial(count_agreeing, grid)))
        assert count_agreeing(grid) == size**2
    assert peaks[1] < 1.2 * peaks[0]
