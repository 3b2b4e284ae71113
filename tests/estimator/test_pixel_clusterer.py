"""PixelClusterer finds planted regions, and labels as `latentclust label` does."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray
from sklearn.base import clone
from xarray import DataArray

import latentclust
from latentclust import PixelClusterer
from latentclust.errors import InvalidArgumentError, LatentclustError

SMALL = {"data.window": 16, "data.windows": 8, "inference.n_init": 1, "inference.sample": 500}
SIDE, BORDER, REACH = 48, 24, 12  # REACH: pixels near the border may depend on the other side


def planted() -> NDArray[np.uint16]:
    """Two halves, left and right, of three bands."""
    scene = np.random.default_rng(0).normal(1000, 50, (3, SIDE, SIDE))
    scene[:, :, BORDER:] += 1000
    return scene.astype(np.uint16)


SCENE = planted()


def small(**parameters: Any) -> PixelClusterer:
    return PixelClusterer(**{"n_clusters": 2, "overrides": SMALL, "random_state": 0, "device": "cpu"} | parameters)


@pytest.fixture(scope="module")
def fitted() -> PixelClusterer:
    """Fitted to the scene; do not change it."""
    return small().fit(SCENE)


@pytest.fixture(scope="module")
def raster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scene as a file."""
    path = tmp_path_factory.mktemp("scene") / "scene.tif"
    profile = {"driver": "GTiff", "count": 3, "height": SIDE, "width": SIDE, "dtype": "uint16", "crs": "EPSG:32613"}
    with rasterio.open(path, "w", transform=Affine(30, 0, 440_000, 0, -30, 4_470_000), **profile) as file:
        file.write(SCENE)
    return path


def check_halves(labels: NDArray[np.int16]) -> None:
    left, right = np.unique(labels[..., :REACH]), np.unique(labels[..., -REACH:])
    assert sorted([*left, *right]) == [0, 1]


def test_it_finds_planted_halves_of_a_scene(fitted: PixelClusterer) -> None:
    assert (fitted.labels_.shape, fitted.labels_.dtype, fitted.n_features_in_) == ((SIDE, SIDE), np.int16, 3)
    check_halves(fitted.labels_)


@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # of rioxarray
def test_the_scene_its_raster_and_a_dataarray_give_the_same_model(fitted: PixelClusterer, raster: Path) -> None:
    of_file = small().fit(raster)
    np.testing.assert_array_equal(of_file.predict(SCENE), fitted.labels_)
    np.testing.assert_array_equal(small().fit([str(raster)]).predict(SCENE), fitted.labels_)
    place = {"y": np.arange(SIDE)[::-1] * 1.0, "x": np.arange(SIDE) * 1.0}
    array = DataArray(SCENE, place, ("band", "y", "x"))
    found = small().fit_predict(array)
    assert isinstance(found, DataArray)
    np.testing.assert_array_equal(found, fitted.labels_)
    np.testing.assert_array_equal(fitted.predict(array.transpose("y", "x", "band")), fitted.labels_)
    with pytest.raises(InvalidArgumentError, match="X: is a path, and fit_predict"):
        small().fit_predict(raster)
    with pytest.raises(AttributeError):
        of_file.labels_  # noqa: B018 (it must not be there)


def test_the_command_labels_with_the_saved_model(fitted: PixelClusterer, raster: Path, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model.safetensors")
    latentclust.label(tmp_path / "model.safetensors", raster, tmp_path / "labels", device="cpu")
    (written,) = (tmp_path / "labels").glob("*.tif")
    with rasterio.open(written) as file:
        np.testing.assert_array_equal(file.read(1).astype(int) - 1, fitted.labels_)
    loaded = PixelClusterer.load(tmp_path / "model.safetensors", device="cpu")
    np.testing.assert_array_equal(loaded.predict(SCENE), fitted.labels_)


def test_pickled_and_cloned(fitted: PixelClusterer) -> None:
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(SCENE), fitted.labels_)
    np.testing.assert_array_equal(clone(fitted).fit_predict(SCENE), fitted.labels_)


def test_a_random_state_draws_one_seed() -> None:
    images = np.stack([SCENE[:, :16], SCENE[:, 16:32]])
    for X, overrides in ((SCENE, SMALL), (images, {"inference.n_init": 1})):
        made = small(random_state=np.random.RandomState(0), overrides=overrides).fit(X)
        assert made.model_.resolved.recipe.seed == np.random.RandomState(0).randint(2**31 - 1)
        check_halves(made.labels_)


def test_overrides_set_the_nodata_value_of_a_scene() -> None:
    scene = SCENE.copy()
    scene[:, 3, 4] = 255
    assert np.argwhere(small(overrides={**SMALL, "data.nodata": 255}).fit_predict(scene) == -1).tolist() == [[3, 4]]


def test_images_of_any_size_and_their_probabilities(fitted: PixelClusterer) -> None:
    images = np.stack([SCENE[:, :16, 8:40], SCENE[:, 16:32, 8:40]])
    labels, shares = fitted.predict(images), fitted.predict_proba(images)
    assert (labels.shape, shares.shape) == ((2, 16, 32), (2, 2, 16, 32))
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(shares.argmax(axis=1), labels)
    np.testing.assert_array_equal(fitted.predict_proba(SCENE).argmax(axis=0), fitted.labels_)


def test_a_fit_to_images() -> None:
    images = np.stack([SCENE[:, start : start + 16] for start in (0, 16, 32)]).astype(np.float32)
    images[0, 1, 3, 4] = np.nan
    first = small(overrides={"inference.n_init": 1})
    labels = first.fit_predict(images).copy()
    assert (labels[0, 3, 4], np.count_nonzero(labels == -1)) == (-1, 1)
    labels[0, 3, 4] = labels[0, 3, 5]
    check_halves(labels)
    last = small(overrides={"inference.n_init": 1}, channels="last")
    protected = np.moveaxis(images, 1, -1).astype(">f4")
    protected.setflags(write=False)
    np.testing.assert_array_equal(last.fit_predict(protected), first.labels_)
    wide = small(overrides={"inference.n_init": 1, "data.range": (0, 4095), "data.nodata": -9999}).fit(images)
    assert (wide.model_.bands.ranges, wide.model_.bands.nodata) == (((0, 4095),) * 3, -9999)
    images[1, 2, 0, 0] = -9999
    assert np.argwhere(wide.predict(images) == -1).tolist() == [[0, 3, 4], [1, 0, 0]]


@pytest.mark.parametrize(
    ("parameters", "X", "said"),
    [
        ({}, np.zeros((4, 4)), r"X has the shape \(4, 4\)\. Pass a scene"),
        ({}, np.array(["a"]), "X is an array of type <U1"),
        ({}, np.full((3, 16, 16), np.nan), "no valid pixels"),
        ({}, np.zeros((2, 3, 16, 16)), "selected band 1 is constant"),
        ({}, SCENE[:, :8, :8], "window"),
        ({}, "absent.tif", "absent.tif"),
        ({"channels": "middle"}, SCENE, "channels unknown value 'middle'"),
        ({"recipe": "digits", "overrides": None}, SCENE, "'digits' assigns one cluster to each image"),
        ({"n_clusters": 1}, SCENE, "n_clusters invalid value 1"),
        ({"overrides": {"data.windw": 3}}, SCENE, "data.windw unknown key"),
        ({"overrides": {"data.window": 8}}, SCENE[None], "data.window unknown key"),
        ({"overrides": {"data.range": (5, 1)}}, SCENE[None], "data.range .* is empty"),
        ({"overrides": {**SMALL, "prior.clusters": 3}}, SCENE, "overrides set prior.clusters = 3, but n_clusters"),
    ],
)
def test_what_fit_refuses(parameters: dict[str, Any], X: Any, said: str) -> None:
    with pytest.raises(InvalidArgumentError, match=said.replace(" ", ".*", 1)):
        small(**parameters).fit(X)


def test_what_predict_refuses(fitted: PixelClusterer, tmp_path: Path) -> None:
    for wrong, said in (
        (SCENE[:2], "has 2 bands, but the model was fitted to 3"),
        (SCENE.astype(np.float64), "has values of type float64, but the model was fitted to uint16"),
        ("scene.tif", "is a path"),
    ):
        with pytest.raises(InvalidArgumentError, match=said):
            fitted.predict(wrong)
    assert fitted.predict(SCENE.astype(np.uint8)).shape == (SIDE, SIDE)  # bytes are values of uint16, too
    with pytest.raises(ValueError, match="not fitted"):
        small().predict(SCENE)
    with pytest.raises(LatentclustError, match=r"absent"):
        PixelClusterer.load(tmp_path / "absent.safetensors")
