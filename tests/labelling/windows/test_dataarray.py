"""`predict_dataarray`: what `label` writes, counted from 0, and lazy where the scene is."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rioxarray
from dask.callbacks import Callback
from xarray import DataArray

import latentclust
from latentclust.errors import LatentclustError
from latentclust.model.model import ClusteringModel
from tests.labelling.planted import noise_scene, planted_model, read_band, write_scene

# rioxarray with affine 3, and with newer versions of xarray
pytestmark = [
    pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Supplying chunks as dimension-order tuples:FutureWarning"),
]


@pytest.fixture(scope="module")
def scene_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """150x170 pixels, a corner and a strip of it without data."""
    values = noise_scene(150, 170)
    values[:, :40, :50] = 0
    values[1, 100:104] = 0
    return write_scene(tmp_path_factory.mktemp("scene") / "scene.tif", values, nodata=0)


@pytest.fixture(scope="module")
def expected(planted: ClusteringModel, scene_file: Path) -> Any:
    """What `label` writes, counted from 0."""
    report = latentclust.label(planted, scene_file, scene_file.parent / "out")
    assert report.failed == ()
    return read_band(scene_file.parent / "out" / "scene.tif").astype(int) - 1


def opened(path: Path, **options: Any) -> DataArray:
    found = rioxarray.open_rasterio(path, **options)
    assert isinstance(found, DataArray)
    return found


def test_it_is_the_label_raster_counted_from_0(planted: ClusteringModel, scene_file: Path, expected: Any) -> None:
    scene = opened(scene_file)
    found = latentclust.predict_dataarray(planted, scene)
    assert found.dims == ("y", "x")
    assert found.dtype == np.int16
    np.testing.assert_array_equal(found, expected)
    assert (found == -1).sum() == 40 * 50 + 4 * 170
    assert found.rio.nodata == -1
    assert found.rio.crs == scene.rio.crs
    assert found.rio.transform() == scene.rio.transform()
    assert found.chunks is None


@pytest.mark.parametrize("chunks", [{"x": 512, "y": 512}, {"x": 64, "y": 41}, {"band": 1, "x": 7, "y": 90}], ids=str)
def test_chunks_of_any_size_change_no_label(
    planted: ClusteringModel, scene_file: Path, expected: Any, chunks: dict[str, int]
) -> None:
    scene = opened(scene_file).chunk(chunks)
    found = latentclust.predict_dataarray(planted, scene)
    assert scene.chunks is not None
    assert found.chunks == scene.chunks[1:]
    np.testing.assert_array_equal(found.compute(scheduler="synchronous"), expected)


def test_nothing_is_computed_before_it_is_asked_for(planted: ClusteringModel, scene_file: Path) -> None:
    computed = []
    scene = opened(scene_file, chunks={"x": 32, "y": 32})
    with Callback(pretask=lambda key, *_: computed.append(key)):
        found = latentclust.predict_dataarray(planted, scene)
        assert computed == []
        corner = found[:32, :32].compute(scheduler="synchronous")
    assert corner.shape == (32, 32)
    assert {key[2:] for key in computed if isinstance(key, tuple) and key[0].startswith("open_rasterio")} <= {
        (row, column) for row in range(3) for column in range(3)
    }, "a chunk reads what is near it"


def test_threads_compute_the_same(planted: ClusteringModel, scene_file: Path, expected: Any) -> None:
    found = latentclust.predict_dataarray(planted, opened(scene_file, chunks={"x": 60, "y": 60}))
    np.testing.assert_array_equal(found.compute(scheduler="threads", num_workers=4), expected)


def test_dimensions_may_stand_in_any_order_and_have_other_names(
    planted: ClusteringModel, scene_file: Path, expected: Any
) -> None:
    scene = opened(scene_file)
    np.testing.assert_array_equal(latentclust.predict_dataarray(planted, scene.transpose("x", "band", "y")), expected)
    renamed = scene.rename(band="channel", y="north", x="east").rio.set_spatial_dims("east", "north")
    found = latentclust.predict_dataarray(planted, renamed)
    assert found.dims == ("north", "east")
    np.testing.assert_array_equal(found, expected)


def test_what_rioxarray_masked_is_read_as_it_was(planted: ClusteringModel, scene_file: Path, expected: Any) -> None:
    scene = opened(scene_file, masked=True)
    assert scene.dtype == np.float32
    np.testing.assert_array_equal(latentclust.predict_dataarray(planted, scene), expected)


def test_values_are_stretched_as_those_of_the_training_rasters(
    with_bands: Callable[..., ClusteringModel], tmp_path: Path
) -> None:
    model = with_bands(bands=(4, 2, 1), ranges=((0.0, 1e3), (100.0, 2e3), (0.0, 9e3)), counts=(4,), types=("float32",))
    values = np.random.default_rng(0).uniform(0, 3000, (4, 80, 90)).astype(np.float32)
    values[3, :5], values[0, :, :3], values[2, 50] = np.nan, np.inf, np.nan  # the last in a band that is not read
    path = write_scene(tmp_path / "scene.tif", values)
    latentclust.label(model, path, tmp_path / "out")
    found = latentclust.predict_dataarray(model, opened(path))
    np.testing.assert_array_equal(found, read_band(tmp_path / "out" / "scene.tif").astype(int) - 1)
    assert (found == -1).sum() == 5 * 90 + 75 * 3


def test_a_stride_keeps_its_phase_in_every_chunk(tmp_path: Path) -> None:
    model = planted_model(strides=(2, 2), tile=32)
    path = write_scene(tmp_path / "scene.tif", noise_scene(101, 87))
    latentclust.label(model, path, tmp_path / "out")
    found = latentclust.predict_dataarray(model, opened(path).chunk({"x": 33, "y": 29}))
    np.testing.assert_array_equal(found.compute(), read_band(tmp_path / "out" / "scene.tif").astype(int) - 1)


def test_without_a_coordinate_system_there_is_none(planted: ClusteringModel) -> None:
    found = latentclust.predict_dataarray(planted, DataArray(noise_scene(20, 30), dims=("band", "y", "x")))
    assert found.rio.crs is None
    expected = planted.predict(noise_scene(20, 30)[None]).labels[0]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("scene", "said"),
    [
        (DataArray(noise_scene(9, 9)[:2], dims=("band", "y", "x")), "has 2 band(s), and the model was trained on 3"),
        (DataArray(noise_scene(9, 9).astype(float), dims=("band", "y", "x")), "holds values of type float64"),
        (DataArray(noise_scene(9, 9), dims=("band", "row", "column")), "its dimensions are band, row, column"),
        (DataArray(noise_scene(9, 9)[0], dims=("y", "x")), "its dimensions are y, x"),
        (noise_scene(9, 9), "must be an xarray.DataArray, got ndarray"),
    ],
)
def test_what_does_not_suit_is_refused(planted: ClusteringModel, scene: Any, said: str) -> None:
    with pytest.raises(LatentclustError, match=r"^DataArray: ") as caught:
        latentclust.predict_dataarray(planted, scene)
    assert said in str(caught.value)


@pytest.mark.parametrize("where", ["long_name", "band"])
def test_bands_are_read_by_name_and_declared_nodata_is_none(planted: ClusteringModel, where: str) -> None:
    values = noise_scene(20, 30)
    values[:, :, :9] = 0
    assert planted.bands is not None
    named = replace(planted, bands=replace(planted.bands, names=("B04", "B03", "B02"), nodata=0.0))
    plain, other = (DataArray(each, dims=("band", "y", "x")) for each in (values, values[[1, 2, 0, 1]]))
    names = ("green", "blue", "red", "nir")
    turned = other.assign_attrs(long_name=names) if where == "long_name" else other.assign_coords(band=list(names))
    expected = latentclust.predict_dataarray(named, plain)
    np.testing.assert_array_equal(latentclust.predict_dataarray(named, turned), expected)
    np.testing.assert_array_equal(expected == -1, np.arange(30) * np.ones((20, 1)) < 9)


def test_scaled_values_are_refused(planted: ClusteringModel, scene_file: Path) -> None:
    scene = opened(scene_file, masked=True)
    scene.encoding["scale_factor"] = 0.5
    with pytest.raises(LatentclustError, match="unscaled"):
        latentclust.predict_dataarray(planted, scene)


def test_a_missing_extra_is_named(planted: ClusteringModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rioxarray", None)
    with pytest.raises(LatentclustError, match=r"pip install 'latentclust\[xarray\]'"):
        latentclust.predict_dataarray(planted, DataArray(noise_scene(9, 9), dims=("band", "y", "x")))
