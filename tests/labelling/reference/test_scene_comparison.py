"""Labels of a scene against a reference raster."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import torch
from rasterio.transform import Affine
from rasterio.warp import calculate_default_transform, reproject

import latentclust
from latentclust.bundled.map_baselines import LocalStatisticsKMeans, PixelKMeans
from latentclust.bundled.views.local_statistics import local_statistics
from latentclust.errors import LatentclustError, RunFailedError
from latentclust.evaluate.segmentation import joint_counts
from latentclust.labelling.reference import blocks
from latentclust.labelling.reference.scene_baselines import ScenePixels
from latentclust.labelling.reference.scene_comparison import SceneAgreement, compare_scene
from latentclust.model.model import ClusteringModel
from tests.labelling.planted import CLUSTERS, TRANSFORM, noise_scene, read_band, write_scene

VALUES = np.array([0, 30, 10, 20, 40], np.uint8)
"""The reference's value for no data, and for each cluster."""


@pytest.fixture
def model(planted: ClusteringModel) -> ClusteringModel:
    """The planted model, with k-means of pixels alone beside it."""
    return replace(planted, resolved=replace(planted.resolved, baselines={"pixel-kmeans": PixelKMeans(n_init=1)}))


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """90x120 pixels, those of the first 10 rows no data."""
    values = noise_scene(90, 120)
    values[:, :10] = 0
    return write_scene(tmp_path / "scene.tif", values, nodata=0)


@pytest.fixture
def labels(planted: ClusteringModel, scene: Path) -> Any:
    """What `label` writes."""
    latentclust.label(planted, scene, scene.parent / "labels")
    return read_band(scene.parent / "labels" / "scene.tif")


def place(columns: int = 0, rows: int = 0, scale: int = 1) -> Affine:
    """That of the scene, moved by some of its pixels, of larger pixels."""
    side = TRANSFORM.a
    return Affine(scale * side, 0, TRANSFORM.c + columns * side, 0, -scale * side, TRANSFORM.f - rows * side)


def reference(folder: Path, values: Any, **profile: Any) -> Path:
    return write_scene(folder / "reference.tif", values[np.newaxis], **profile)


def table(found: SceneAgreement) -> Any:
    assert found.facts.table is not None
    return found.facts.table


def test_a_reference_of_the_labels_themselves_is_matched_throughout(model, scene, labels, tmp_path) -> None:
    found = compare_scene(model, scene, reference(tmp_path, VALUES[labels], nodata=0))
    assert found.facts.metrics["accuracy"] == found.facts.metrics["miou"] == found.facts.metrics["nmi"] == 1.0
    assert found.facts.classes == ("class 10", "class 20", "class 30", "class 40")
    assert found.facts.matching.tolist() == [2, 0, 1, 3]
    assert found.alignment == "The reference lies on the scene's grid."
    assert (found.pixels.scene, found.pixels.labelled, found.pixels.compared) == (10800, 9600, 9600)
    assert found.labels is None
    counts = np.bincount(labels.ravel(), minlength=CLUSTERS + 1)[1:]
    assert found.facts.baselines["majority"]["accuracy"] == pytest.approx(counts.max() / counts.sum())
    assert 0.25 < found.facts.baselines["pixel-kmeans"]["accuracy"] < 1


def test_pixels_are_compared_where_both_are_valid(model, scene, labels, tmp_path) -> None:
    rng = np.random.default_rng(1)
    classes = rng.integers(1, 4, labels.shape, np.uint8)
    classes[:, 100:] = 9  # no data by the file
    classes[40:45] = 3  # no class by the option
    found = compare_scene(model, scene, reference(tmp_path, classes, nodata=9), nodata=3)
    truth = np.where((classes == 9) | (classes == 3), 0, classes).astype(int) - 1
    np.testing.assert_array_equal(table(found), joint_counts(labels.astype(int) - 1, truth, CLUSTERS, 2))
    assert found.facts.classes == ("class 1", "class 2")
    assert found.pixels.referenced == (truth >= 0).sum()
    assert found.pixels.compared == ((truth >= 0) & (labels > 0)).sum() == table(found).sum()
    np.testing.assert_array_equal(found.facts.occupancy, np.bincount(labels.ravel(), minlength=CLUSTERS + 1)[1:])
    said = str(found.pixels)
    assert f"{found.pixels.compared:,} of 10,800 pixels" in said
    assert f"{found.pixels.labelled - found.pixels.compared:,} with a cluster alone" in said


def test_blocks_make_no_difference(model, scene, labels, tmp_path, monkeypatch) -> None:
    classes = np.random.default_rng(1).integers(0, 3, labels.shape).astype(np.int16) - 1
    path = reference(tmp_path, classes, nodata=0)
    whole = compare_scene(model, scene, path)
    monkeypatch.setattr(blocks, "BLOCK", 32)
    monkeypatch.setattr(blocks, "MARGIN", 4)
    parts = compare_scene(model, scene, path)
    np.testing.assert_array_equal(table(parts), table(whole))
    assert parts.facts.classes == whole.facts.classes == ("class -1", "class 1")
    assert parts.facts.baselines["majority"] == whole.facts.baselines["majority"]


def test_a_block_is_seen_with_what_surrounds_it(planted, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 32)
    values = noise_scene(90, 120)
    path = write_scene(tmp_path / "scene.tif", values)
    every = blocks.split_into_blocks(90, 120)
    found = np.zeros((6, 90, 120), np.float32)
    counted = np.zeros((90, 120), int)
    with rasterio.open(path) as file:
        pixels = ScenePixels(file, planted.bands, str(path), every, torch.device("cpu"))
        for index, block in enumerate(every):
            images, valid = pixels.read(index)
            place = block.window.toslices()
            found[:, *place] = torch.cat(local_statistics(images, 9), dim=1)[0][:, *block.inside]
            counted[place] += pixels.inside(index, valid)[block.inside]
    assert (counted == 1).all()
    whole = local_statistics(torch.from_numpy(values[np.newaxis]).float() / 255, 9)
    np.testing.assert_allclose(found, torch.cat(whole, dim=1)[0], atol=1e-3)


def test_a_coarser_reference_is_resampled_and_not_the_labels(model, scene, tmp_path, labels) -> None:
    coarse = np.random.default_rng(2).integers(1, 5, (45, 60), np.uint8)
    path = reference(tmp_path, coarse, transform=place(scale=2))
    found = compare_scene(model, scene, path)
    truth = coarse.repeat(2, axis=0).repeat(2, axis=1).astype(int) - 1
    np.testing.assert_array_equal(table(found), joint_counts(labels.astype(int) - 1, truth, CLUSTERS, 4))
    assert "resampled to the scene's grid by nearest neighbour, from 60x45 pixels" in found.alignment
    assert found.alignment.endswith("to 120x90 pixels in EPSG:32613.")


@pytest.mark.parametrize("masked", [False, True])
def test_what_a_reference_does_not_cover_has_no_class_even_where_0_is_one(
    model, scene, labels, tmp_path, masked
) -> None:
    part = np.random.default_rng(3).integers(0, 2, (40, 50), np.uint8)
    path = reference(tmp_path, part, transform=place(30, 20))
    expected = np.full(labels.shape, -1)
    expected[20:60, 30:80] = part
    if masked:
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as file:
            mask = np.full(part.shape, 255, np.uint8)
            mask[:7] = 0
            file.write_mask(mask)
        expected[20:27] = -1
    found = compare_scene(model, scene, path)
    np.testing.assert_array_equal(table(found), joint_counts(labels.astype(int) - 1, expected, CLUSTERS, 2))
    assert found.pixels.referenced == (expected >= 0).sum()


@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # rasterio with affine 3
def test_a_reference_in_another_coordinate_system_is_brought_over(model, scene, labels, tmp_path) -> None:
    height, width = labels.shape
    with rasterio.open(scene) as file:
        place, wide, high = calculate_default_transform(file.crs, "EPSG:4326", width, height, *file.bounds)
        coarse = np.kron(np.random.default_rng(4).integers(1, 3, (9, 12)), np.ones((10, 10))).astype(np.uint8)
        turned = np.zeros((high, wide), np.uint8)
        reproject(coarse, turned, file.transform, src_crs=file.crs, dst_transform=place, dst_crs="EPSG:4326")
    found = compare_scene(model, scene, reference(tmp_path, turned, crs="EPSG:4326", transform=place, nodata=0))
    expected = joint_counts(labels.astype(int) - 1, coarse.astype(int) - 1, CLUSTERS, 2)
    assert np.abs(table(found) - expected).sum() < 0.05 * expected.sum(), "but for pixels at the edges of classes"
    assert "EPSG:4326" in found.alignment


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_without_a_coordinate_system_pixels_are_compared_in_their_order(model, scene, labels, tmp_path) -> None:
    found = compare_scene(model, scene, reference(tmp_path, VALUES[labels], nodata=0, crs=None, transform=None))
    assert found.facts.metrics["accuracy"] == 1.0
    assert found.alignment.startswith("Compared pixel by pixel")


@pytest.mark.parametrize(
    ("values", "profile", "said"),
    [
        (np.ones((90, 120), np.float32) / 2, {}, "contains 0.5, which is not a whole number"),
        (np.arange(10800, dtype=np.uint16).reshape(90, 120), {}, "contains more than 1,000 different values"),
        (np.ones((90, 120), np.complex64), {}, "contains values of type complex64"),
        (np.zeros((90, 120), np.uint8), {"nodata": 0}, "has no pixel with a class within the scene"),
        (np.ones((9, 9), np.uint8), {"transform": place(500)}, "has no pixel with a class"),
        (
            np.ones((9, 9), np.uint8),
            {"crs": None},
            "has 9x9 pixels without a coordinate system, but the scene has 120x90",
        ),
        (
            np.ones((9, 9), np.uint8),
            {"crs": 'LOCAL_CS["x",UNIT["metre",1]]'},
            "cannot be resampled to the scene's grid",
        ),
        (np.ones((90, 120), np.uint8), {"crs": None, "transform": Affine.scale(3)}, "their pixels cannot be matched"),
    ],
)
def test_an_invalid_reference_is_refused_before_anything_is_labelled(
    model, scene, tmp_path, monkeypatch, values, profile, said
) -> None:
    monkeypatch.setattr("latentclust.labelling.reference.scene_comparison.label", None)
    path = reference(tmp_path, values, **profile)
    with pytest.raises(LatentclustError) as caught:
        compare_scene(model, scene, path)
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_reference_of_several_bands_is_refused(model, scene, tmp_path) -> None:
    path = write_scene(tmp_path / "colours.tif", noise_scene(90, 120))
    with pytest.raises(LatentclustError, match="has 3 bands, but a reference must have one"):
        compare_scene(model, scene, path)


def test_classes_where_nothing_is_labelled_are_refused(model, scene, tmp_path) -> None:
    classes = np.zeros((90, 120), np.uint8)
    classes[:10] = 1
    with pytest.raises(LatentclustError, match="has no class at any of the 9,600 labelled pixels"):
        compare_scene(model, scene, reference(tmp_path, classes, nodata=0))


def test_a_scene_that_does_not_suit_the_model_is_refused(model, scene, tmp_path) -> None:
    less = write_scene(tmp_path / "less.tif", noise_scene(90, 120)[:2])
    with pytest.raises(LatentclustError, match="has 2 band"):
        compare_scene(model, less, scene)


def test_a_scene_that_cannot_be_labelled_is_a_failed_run(model, scene, labels, tmp_path, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise LatentclustError.at("scene", "broke", "Mend it")

    monkeypatch.setattr("latentclust.labelling.scheduler.prepare_scene", fail)
    with pytest.raises(RunFailedError, match="broke"):
        compare_scene(model, scene, reference(tmp_path, VALUES[labels], nodata=0))


def test_a_baseline_that_refuses_the_scene_is_reported(model, scene, labels, tmp_path) -> None:
    constant = write_scene(tmp_path / "two.tif", np.where(noise_scene(90, 120) > 300, 1, 7).astype(np.uint8))
    few = replace(model.resolved, baselines={"few": PixelKMeans(sample=2), "local": LocalStatisticsKMeans(n_init=1)})
    found = compare_scene(replace(model, resolved=few), constant, reference(tmp_path, VALUES[labels], nodata=0))
    assert list(found.facts.baselines) == ["local", "majority"]
    of_scene, of_baseline = found.facts.warnings
    assert of_scene.startswith("two.tif 7 alone fills a part of the border")
    assert of_baseline.startswith("The baseline few was")


def test_the_label_raster_is_kept_where_asked_for(model, scene, labels, tmp_path) -> None:
    found = compare_scene(model, scene, reference(tmp_path, VALUES[labels], nodata=0), out=tmp_path / "kept")
    assert found.labels == tmp_path / "kept" / "scene.tif"
    np.testing.assert_array_equal(read_band(found.labels), labels)
    told = found.as_json()
    assert told["labels"] == str(found.labels)
    assert told["pixels"] == {"scene": 10800, "labelled": 9600, "referenced": 9600, "compared": 9600}
    assert told["class_iou"] == dict.fromkeys(found.facts.classes, 1.0)
