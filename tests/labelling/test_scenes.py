"""Scenes labelled whole: seams, nodata, odd rasters, memory."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.transform import Affine

import latentclust
from latentclust.model.model import ClusteringModel
from tests.labelling.planted import noise_scene, planted_model, read_band, write_scene
from tests.memory import peak_bytes

WithBands = Callable[..., ClusteringModel]
CORNERS = [(0, 0, 10.1, 50.2), (0, 70, 10.3, 50.2), (40, 0, 10.1, 50.0), (40, 70, 10.35, 50.05)]
GCPS = [GroundControlPoint(row, column, x, y, 3.25) for row, column, x, y in CORNERS]


def labels_of(model: ClusteringModel, scene: Path, out: Path, **options: Any) -> Any:
    report = latentclust.label(model, scene, out, **options)
    assert report.failed == ()
    return read_band(out / f"{scene.stem}.tif")


@pytest.mark.parametrize("strides", [(1, 1), (2, 1)])
@pytest.mark.parametrize("blend", ["hann", "crop"])
def test_windows_of_any_size_give_the_labels_of_the_whole(tmp_path: Path, strides: Any, blend: Any) -> None:
    model = planted_model(strides)
    image = noise_scene(301, 407)
    scene = write_scene(tmp_path / "scene.tif", image)
    whole = model.predict(image[None]).labels[0].numpy() + 1
    assert np.bincount(whole.ravel(), minlength=5)[1:].min() > 0.02 * whole.size
    for tile in (64, 128, 256):
        found = labels_of(model, scene, tmp_path / f"out-{tile}", tile=tile, overlap=32, blend=blend)
        assert np.mean(found == whole) >= 0.9995


def test_the_default_windows_leave_no_seam(planted: ClusteringModel, tmp_path: Path) -> None:
    image = noise_scene(200, 330)
    scene = write_scene(tmp_path / "scene.tif", image)
    found = labels_of(planted, scene, tmp_path / "out")
    wrong = found != planted.predict(image[None]).labels[0].numpy() + 1
    assert wrong.mean() <= 0.0005


def test_nodata_is_zero_in_the_output_and_never_seen_by_the_model(planted: ClusteringModel, tmp_path: Path) -> None:
    image = noise_scene(150, 170)
    image[:, :, :100] = 0
    image[0, 120:, 140] = 0  # no data in one band is none
    one = write_scene(tmp_path / "one.tif", image, nodata=0)
    labels = labels_of(planted, one, tmp_path / "out", confidence=True)
    nothing = (image == 0).any(axis=0)
    np.testing.assert_array_equal(labels == 0, nothing)
    np.testing.assert_array_equal(read_band(tmp_path / "out" / "one-confidence.tif") == 0, nothing)
    painted = np.where(image == 0, 255, image).astype(np.uint8)
    with rasterio.open(tmp_path / "masked.tif", "w", **rasterio.open(one).profile | {"nodata": None}) as file:
        file.write(painted)
        file.write_mask(~nothing)
    np.testing.assert_array_equal(labels_of(planted, tmp_path / "masked.tif", tmp_path / "out-2"), labels)
    alpha = np.concatenate((painted, np.where(nothing, 0, 255).astype(np.uint8)[None]))
    four = write_scene(tmp_path / "alpha.tif", alpha, photometric="RGB", alpha="YES")
    np.testing.assert_array_equal(labels_of(planted, four, tmp_path / "out-3"), labels)


def test_nan_and_infinities_are_no_data(with_bands: WithBands, tmp_path: Path) -> None:
    model = with_bands(ranges=((0.0, 255.0),) * 3, types=("float32",))
    image = noise_scene(90, 80)
    values = image.astype(np.float32)
    values[0, 10:20, 10:20], values[1, 50, 60], values[2, 51, 60] = np.nan, np.inf, -np.inf
    labels = labels_of(model, write_scene(tmp_path / "scene.tif", values), tmp_path / "out")
    np.testing.assert_array_equal(labels == 0, ~np.isfinite(values).all(axis=0))
    far = np.s_[25:45, 25:45]
    np.testing.assert_array_equal(labels[far], model.predict(image[None]).labels[0].numpy()[far] + 1)


@pytest.mark.parametrize(
    "place",
    [
        pytest.param({}, id="north-up"),
        pytest.param({"transform": Affine(30.1, 0.2, 7e5 + 1 / 3, 0.3, -30.7, 4e6 + 1 / 7)}, id="rotated"),
        pytest.param({"transform": Affine(10.0, 0.0, 1 / 3, 0.0, 10.0, 1 / 7)}, id="south-up"),
        pytest.param({"crs": "EPSG:4326", "transform": None, "gcps": GCPS}, id="gcps"),
        pytest.param({"crs": None}, id="no-crs"),
        pytest.param({"crs": None, "transform": None}, id="no-place"),
        pytest.param({"crs": "+proj=laea +lat_0=51.3 +lon_0=9.7 +ellps=GRS80 +units=m +no_defs"}, id="custom-crs"),
    ],
)
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_the_place_of_a_scene_is_kept_bit_for_bit(planted: ClusteringModel, tmp_path: Path, place: Any) -> None:
    scene = write_scene(tmp_path / "scene.tif", noise_scene(40, 70), **place)
    report = latentclust.label(planted, scene, tmp_path / "out", confidence=True)
    assert report.scenes[0].warnings == (("has no coordinate reference system",) if place.get("crs", 1) is None else ())
    for name in ("scene.tif", "scene-confidence.tif"):
        with rasterio.open(scene) as before, rasterio.open(tmp_path / "out" / name) as after:
            assert after.transform == before.transform
            assert after.crs == before.crs
            assert after.gcps[1] == before.gcps[1]
            assert [p.asdict() | {"id": ""} for p in after.gcps[0]] == [p.asdict() | {"id": ""} for p in before.gcps[0]]


def test_a_single_pixel_and_a_scene_without_data(planted: ClusteringModel, tmp_path: Path) -> None:
    write_scene(tmp_path / "in" / "pixel.tif", noise_scene(1, 1))
    write_scene(tmp_path / "in" / "nothing.tif", np.full((3, 100, 90), 7, np.uint8), nodata=7)
    report = latentclust.label(planted, tmp_path / "in", tmp_path / "out")
    nothing, pixel = report.scenes
    assert (nothing.status, nothing.pixels, nothing.nodata) == ("done", 0, 9000)
    assert nothing.warnings == ("contains no valid pixels",)
    assert (pixel.status, pixel.pixels, pixel.nodata) == ("done", 1, 0)
    assert report.windows == 1
    assert not read_band(tmp_path / "out" / "nothing.tif").any()


def test_an_output_is_a_tiled_cloud_optimized_geotiff_with_colours(planted: ClusteringModel, tmp_path: Path) -> None:
    scene = write_scene(tmp_path / "scene.tif", noise_scene(700, 1100))
    latentclust.label(planted, scene, tmp_path / "out", confidence=True)
    with rasterio.open(tmp_path / "out" / "scene.tif") as file:
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert (file.dtypes, file.nodata, file.compression.name) == (("uint8",), 0, "deflate")
        assert file.overviews(1) == [2, 4]
        colours = file.colormap(1)
        assert colours[0] == (0, 0, 0, 0)
        assert len({colours[number] for number in range(1, 5)}) == 4
        coarse = file.read(1, out_shape=(350, 550))
    assert set(np.unique(coarse)) <= {1, 2, 3, 4}  # a label, never a mean of labels
    with rasterio.open(tmp_path / "out" / "scene-confidence.tif") as file:
        assert (file.dtypes, file.nodata) == (("uint8",), 0)
        assert file.read(1).min() >= 1


def test_more_than_255_clusters_take_two_bytes(tmp_path: Path) -> None:
    model = planted_model(clusters=300)
    image = noise_scene(80, 80)
    labels = labels_of(model, write_scene(tmp_path / "scene.tif", image), tmp_path / "out")
    assert labels.dtype == np.uint16
    assert np.mean(labels == model.predict(image[None]).labels[0].numpy() + 1) >= 0.999
    assert labels.max() > 255


def test_bands_are_chosen_and_scaled_as_the_model_was_trained(with_bands: WithBands, tmp_path: Path) -> None:
    image = noise_scene(70, 70)
    plain = labels_of(with_bands(), write_scene(tmp_path / "plain.tif", image), tmp_path / "out")
    wide = np.stack((image[2] * 10.0, image[0] * 0.0, image[1] * 10.0, image[0] * 10.0)).astype(np.uint16) + 100
    ranges = ((100.0, 2650.0),) * 3
    model = with_bands(bands=(4, 3, 1), ranges=ranges, counts=(4,), types=("uint16",))
    found = labels_of(model, write_scene(tmp_path / "wide.tif", wide), tmp_path / "out-2")
    np.testing.assert_array_equal(found, plain)


def test_memory_is_that_of_a_strip_of_windows(planted: ClusteringModel, tmp_path: Path) -> None:
    height, width = 3000, 1500
    scene = tmp_path / "scene.tif"
    write_scene(scene, noise_scene(height, width), tiled=True, compress="deflate")
    model = replace(planted)
    labels_of(model, scene, tmp_path / "warm", tile=128, batch=8)
    peak = peak_bytes(lambda: labels_of(model, scene, tmp_path / "out", tile=128, batch=8, overwrite=True), times=1)
    assert peak < 20e6 < 0.3 * 4 * 4 * height * width  # all probabilities would take 72 MB
