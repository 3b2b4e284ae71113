"""DeepClusterer: what it accepts and returns, and that it trains as a run does."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from latentclust import DeepClusterer
from latentclust.data.array_reading import _MappedSource
from latentclust.errors import InvalidArgumentError, LatentclustError, RunFailedError
from latentclust.estimator.recipe_choice import Choice
from latentclust.estimator.samples import checked_samples
from latentclust.estimator.system_recipe import system_for
from latentclust.evaluate.label_free import silhouette
from latentclust.runs.given_samples import given_samples
from tests.estimator.conftest import QUICK

Make = Callable[..., DeepClusterer]
Array = NDArray[Any]

GROUPS = np.repeat([0, 1, 2], 10)


def test_three_blobs_are_three_clusters(fitted: DeepClusterer, blobs: Array) -> None:
    assert adjusted_rand_score(GROUPS, fitted.labels_) == 1
    assert fitted.labels_.dtype == np.int64
    assert fitted.n_iter_ == 3
    np.testing.assert_array_equal(fitted.predict(blobs), fitted.labels_)
    np.testing.assert_array_equal(fitted.predict(blobs[::-1]), fitted.labels_[::-1])


def test_codes_are_probabilities_and_then_styles(fitted: DeepClusterer, blobs: Array) -> None:
    code, names = fitted.transform(blobs), fitted.get_feature_names_out()
    np.testing.assert_array_equal(code, fitted.embedding_)
    np.testing.assert_array_equal(code[:, :3], fitted.predict_proba(blobs))
    np.testing.assert_allclose(code[:, :3].sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(code[:, :3].argmax(axis=1), fitted.labels_)
    assert len(names) == code.shape[1] == 13
    assert list(names[:4]) == ["cluster0", "cluster1", "cluster2", "style0"]


def test_the_score_is_the_silhouette_of_the_scaled_samples(fitted: DeepClusterer, blobs: Array) -> None:
    expected = silhouette(blobs.astype(np.float32), fitted.labels_)  # a scale of all values changes no silhouette
    assert fitted.score(blobs) == pytest.approx(expected, abs=1e-5)
    assert fitted.score(blobs[:1]) == -1


def test_equal_fits_are_equal_and_seeds_differ(quick: Make, fitted: DeepClusterer, blobs: Array) -> None:
    np.testing.assert_array_equal(quick().fit(blobs).embedding_, fitted.embedding_)
    np.testing.assert_array_equal(quick(random_state=None).fit(blobs).embedding_, fitted.embedding_)  # the seed is 0
    drawn = [quick(random_state=np.random.RandomState(7)).fit(blobs) for _ in range(2)]
    np.testing.assert_array_equal(drawn[0].embedding_, drawn[1].embedding_)
    assert not np.array_equal(drawn[0].embedding_, fitted.embedding_)
    assert drawn[0].model_.resolved.recipe.seed == np.random.RandomState(7).randint(2**31 - 1)


@pytest.mark.parametrize(
    "convert",
    [
        np.asfortranarray,
        torch.from_numpy,
        lambda values: pd.DataFrame(values, columns=list("abcd")),
        lambda values: values.tolist(),
        lambda values: np.repeat(values, 2, axis=0)[::2],
    ],
    ids=["fortran", "torch", "pandas", "list", "strided"],
)
def test_every_form_of_the_same_vectors_is_read_alike(
    quick: Make, fitted: DeepClusterer, blobs: Array, convert: Callable[[Array], Any]
) -> None:
    np.testing.assert_array_equal(quick().fit(convert(blobs)).embedding_, fitted.embedding_)


def test_read_only_memory_maps_are_read_alike(quick: Make, fitted: DeepClusterer, blobs: Array, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", blobs)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    again = quick().fit(mapped)
    np.testing.assert_array_equal(again.embedding_, fitted.embedding_)
    assert checked_samples(again, mapped, "first", reset=True) is mapped
    assert again.n_features_in_ == 4
    assert isinstance(again._read(mapped), _MappedSource)  # converted when it is read, a few rows at a time
    assert not isinstance(again._read(blobs), _MappedSource)


def test_every_value_of_a_memory_map_is_checked(
    quick: Make, blobs: Array, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latentclust.data.scaling.VALUES_AT_ONCE", 8)
    mapped = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", blobs.dtype, blobs.shape)
    mapped[:] = blobs
    assert checked_samples(quick(), mapped, "first", reset=True) is mapped
    mapped[29, 3] = np.nan
    for samples in (mapped, mapped.reshape(30, 2, 2)):
        with pytest.raises(ValueError, match="Input X contains NaN"):
            checked_samples(quick(), samples, "first", reset=True)
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        checked_samples(quick(), mapped[:1], "first", reset=True)


def test_tensors_of_types_that_numpy_lacks(quick: Make, blobs: Array) -> None:
    half = torch.from_numpy(blobs).bfloat16()
    found = checked_samples(quick(), half, "first", reset=True)
    np.testing.assert_array_equal(found, half.float().numpy())
    with pytest.raises(InvalidArgumentError, match=r"X: is a tensor of torch\.sparse_coo"):
        quick().fit(half.to_sparse())


def test_the_position_of_the_channels_may_change_after_a_fit(quick: Make, pictures: Array, tmp_path: Path) -> None:
    last = quick(channels="last").fit(pictures)
    last.save(tmp_path / "model.safetensors")
    loaded = DeepClusterer.load(tmp_path / "model.safetensors", device="cpu")
    assert loaded.channels == "last"
    np.testing.assert_array_equal(loaded.transform(pictures), last.embedding_)
    turned = loaded.set_params(channels="first").transform(pictures.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(turned, last.embedding_)
    for other in (pictures.transpose(0, 3, 1, 2)[:, :2], pictures[:, 0, :, 0]):  # two channels, and vectors
        with pytest.raises(ValueError, match="shape"):
            loaded.predict(other)


def test_a_fit_to_images_forgets_the_names_of_columns(quick: Make, blobs: Array) -> None:
    once = quick().fit(pd.DataFrame(blobs, columns=list("abcd")))
    assert list(once.feature_names_in_) == list("abcd")
    checked_samples(once, np.zeros((2, 3, 3)), "first", reset=True)
    assert not hasattr(once, "feature_names_in_")
    assert once.n_features_in_ == 9


def test_layouts_and_types_of_images_are_read_alike(quick: Make, pictures: Array) -> None:
    last = quick(channels="last").fit(pictures)
    first = quick().fit(pictures.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(first.embedding_, last.embedding_)
    assert last.n_features_in_ == 16 * 16 * 3
    assert last.model_.raw_shape == (3, 16, 16)
    # A model of bytes reads the same values as other types alike.
    for kind in (np.uint16, np.float64):
        np.testing.assert_array_equal(last.transform(pictures.astype(kind)), last.embedding_)
    unit = quick(channels="last").fit(pictures / 255)
    np.testing.assert_array_equal(unit.embedding_, last.embedding_)


def test_a_model_of_unit_values_reads_every_type_alike(quick: Make, pictures: Array) -> None:
    bits = (pictures > 100).astype(np.float64)
    model = quick(channels="last").fit(bits)
    assert model.model_.resolved.recipe.data.options["range"] == [0, 1]
    for kind in (np.uint8, np.bool_, np.int64, np.float32):
        np.testing.assert_array_equal(model.transform(bits.astype(kind)), model.embedding_)


def test_what_is_remarkable_is_a_warning(quick: Make, blobs: Array) -> None:
    former = {"use": "array", "path": "x.npy", "range": [0, 5]}
    with pytest.warns(UserWarning, match="is ignored") as caught:
        quick(recipe=system_for("dccs", (4,), 30) | {"data": former}).fit(blobs)
    assert [str(one.message) for one in caught] == [
        'data.path: `path = "x.npy"` is ignored, because `images` replaces the data set',
        "data.range: `range = [0, 5]` is ignored, because `images` replaces the data set",
    ]


def test_grey_images_have_no_axis_of_channels(quick: Make, pictures: Array) -> None:
    grey = quick().fit(pictures[..., 0])
    np.testing.assert_array_equal(grey.embedding_, quick().fit(pictures[:, None, ..., 0]).embedding_)


def test_values_beyond_those_of_the_training(quick: Make, fitted: DeepClusterer, blobs: Array, pictures: Array) -> None:
    """Vectors leave 0 to 1, and images are clipped."""
    low, high = blobs.min(), blobs.max()
    source = fitted._read(np.full((1, 4), 2 * high - low))
    np.testing.assert_allclose(source.read(np.arange(1)), 2, rtol=1e-6)
    dim = quick(channels="last").fit(np.minimum(pictures, 100).astype(np.uint16))
    np.testing.assert_array_equal(
        dim.predict_proba(pictures.astype(np.uint16)), dim.predict_proba(np.minimum(pictures, 100).astype(np.uint16))
    )


@pytest.mark.parametrize(("recipe", "clusters"), [("auto", 10), ("dccs", 10), ("mine", 4)])
def test_the_default_number_of_clusters_is_that_of_the_recipe(blobs: Array, recipe: str, clusters: int) -> None:
    assert DeepClusterer().n_clusters is None
    source = {"schema": 1, "extends": "dccs@1", "prior": {"clusters": clusters}} if recipe == "mine" else recipe
    given = given_samples(blobs)
    assert given is not None
    assert Choice(source, None, None, None).resolve(given, (4,), {}).prior.clusters == clusters
    with pytest.raises(InvalidArgumentError, match=f"n_samples=3 is less than n_clusters={clusters}"):
        DeepClusterer(source).fit(blobs[:3])


def test_n_clusters_none_is_that_of_the_recipe(quick: Make, blobs: Array) -> None:
    overrides = ["prior.clusters=4", "train.rounds=1", "train.starts=1"]
    assert quick(n_clusters=None, overrides=overrides).fit(blobs).predict_proba(blobs).shape == (30, 4)


def test_systems_and_tables_are_recipes(quick: Make, blobs: Array) -> None:
    rounds = {"train.rounds": 1}
    gan = quick(recipe="clustergan", overrides=rounds).fit(blobs)
    assert set(gan.model_.networks) == {"encoder", "generator", "critic"}
    again = quick(recipe=gan.model_.resolved.loaded.layered.tree, overrides=None, random_state=None).fit(blobs)
    np.testing.assert_array_equal(again.embedding_, gan.embedding_)


def test_it_works_in_pipelines_searches_and_as_a_clone(quick: Make, blobs: Array) -> None:
    pipeline = make_pipeline(StandardScaler(), quick()).set_output(transform="pandas")
    assert pipeline.fit_transform(blobs).columns[3] == "style0"
    assert adjusted_rand_score(GROUPS, pipeline.predict(blobs)) == 1
    shuffled = blobs[np.random.default_rng(0).permutation(30)]
    search = GridSearchCV(clone(quick()), {"n_clusters": [2, 3]}, cv=2).fit(shuffled)
    assert search.best_params_ == {"n_clusters": 3}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x[:, 0], "Expected 2D array, got 1D array"),
        (lambda x: x[:2], "X: n_samples=2 is less than n_clusters=3"),
        (lambda x: x[:0], "Found array with 0 sample"),
        (lambda x: np.where(x == x[3, 1], np.nan, x), "contains NaN"),
        (lambda x: np.full(x.shape, {}, object), "argument must be a string or a real number"),
        (lambda x: x * 1j, "Complex data not supported"),
        (lambda x: pd.DataFrame(x, columns=list("abcd")).assign(name="x"), "could not convert string to float"),
        (np.ones_like, "images: every value is 1|identical"),
        (lambda x: x.reshape(30, 1, 2, 2, 1), r"X: has the shape \(30, 1, 2, 2, 1\)"),
    ],
)
def test_unsuitable_samples_are_refused(
    quick: Make, blobs: Array, change: Callable[[Array], Any], message: str
) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        quick().fit(change(blobs))


def test_the_other_layout_is_noticed(quick: Make, pictures: Array) -> None:
    with pytest.raises(InvalidArgumentError, match=r"16 channels with channels='first'. Pass channels='last'"):
        quick().fit(pictures)
    with pytest.raises(InvalidArgumentError, match=r"Pass channels='first'"):
        quick(channels="last").fit(pictures.transpose(0, 3, 1, 2))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_clusters": 1}, "n_clusters: invalid value 1"),
        ({"channels": "middle"}, "channels: unknown value 'middle'"),
        ({"random_state": -1}, "random_state: invalid value -1"),
        ({"device": "tpu"}, "unknown device 'tpu'"),
        ({"recipe": "nothing"}, "nothing"),
        ({"overrides": {"prior.clusters": 4}}, r"overrides: set prior\.clusters = 4, but n_clusters sets it to 3"),
        ({"overrides": {"seed": 4}}, "overrides: set seed = 4, but random_state sets it to 0"),
        ({"overrides": {"train.round": 4}}, r"train\.round"),
        (
            {"overrides": {"train.devices": 2, "train.starts": 1}},
            r"train\.devices: is 2, but a training",
        ),
    ],
)
def test_invalid_parameters_are_refused(quick: Make, blobs: Array, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message) as caught:
        quick(**parameters).fit(blobs)
    assert isinstance(caught.value, LatentclustError)


def test_other_samples_than_those_of_the_training_are_refused(
    quick: Make, fitted: DeepClusterer, blobs: Array, pictures: Array
) -> None:
    with pytest.raises(ValueError, match="X has 3 features, but DeepClusterer is expecting 4 features"):
        fitted.predict(blobs[:, :3])
    with pytest.raises(InvalidArgumentError, match=r"samples of shape \(3, 16, 16\), but DeepClusterer was fitted"):
        fitted.predict(pictures.transpose(0, 3, 1, 2))
    with pytest.raises(NotFittedError, match="DeepClusterer instance is not fitted yet"):
        quick().predict(blobs)
    with pytest.raises(AttributeError, match="has no model_"):
        _ = quick().model_


def test_overrides_that_contradict_channels_are_refused(quick: Make, pictures: Array) -> None:
    with pytest.raises(InvalidArgumentError, match=r"data\.layout_of_images = 'chw', but channels sets it to 'hwc'"):
        quick(channels="last", overrides={**QUICK, "data.layout_of_images": "chw"}).fit(pictures)


@contextmanager
def stopped(notify: Any = None) -> Iterator[Callable[[], bool]]:
    """Request a stop at once, as Ctrl-C does."""
    yield lambda: True


def test_a_stop_is_a_keyboard_interrupt_and_leaves_nothing(
    quick: Make, blobs: Array, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("latentclust.runs.train_opened.stop_on_signals", stopped)
    with pytest.raises(KeyboardInterrupt, match=r"stopped after round 1 of 3$"):
        quick().fit(blobs)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_training_names_no_folder_that_is_gone(
    quick: Make, blobs: Array, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    overrides = {
        "train.rounds": 30,
        "train.starts": 1,
        "players.encoder.optimizer.lr": 1e30,
        "train.checkpoint_every": 1,
    }
    with pytest.raises(RunFailedError) as caught:
        quick(overrides=overrides).fit(blobs)
    assert str(tmp_path) not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_progress_is_shown_on_request(quick: Make, blobs: Array, capsys: pytest.CaptureFixture[str]) -> None:
    quick().fit(blobs)
    assert capsys.readouterr().err == ""
    quick(verbose=True).fit(blobs)
    assert "round 3/3" in capsys.readouterr().err
