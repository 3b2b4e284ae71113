"""Estimators that are pickled, copied, saved and loaded."""

import copy
import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import tomli_w
from numpy.typing import NDArray
from typer.testing import CliRunner

import latentclust
from latentclust import DeepClusterer
from latentclust.api import Code, LossSpec, Scalar
from latentclust.cli.app import app
from latentclust.errors import LatentclustError
from tests.estimator.conftest import QUICK

Array = NDArray[Any]


class OnlyPlainObjects(pickle.Unpickler):
    """Refuses every global but NumPy's and the estimator's class, as none else is needed."""

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".", maxsplit=1)[0] == "numpy" or (module, name) == (
            "latentclust.estimator.deep_clusterer",
            "DeepClusterer",
        ):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name}")


def test_a_pickle_holds_the_model_as_bytes_and_no_code(fitted: DeepClusterer, blobs: Array) -> None:
    content = pickle.dumps(fitted)
    again = OnlyPlainObjects(io.BytesIO(content)).load()
    np.testing.assert_array_equal(again.transform(blobs), fitted.embedding_)
    assert again.get_params() == fitted.get_params()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(again)).labels_, fitted.labels_)


def test_an_estimator_that_was_not_used_is_pickled_again(fitted: DeepClusterer, blobs: Array) -> None:
    twice = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(fitted))))
    np.testing.assert_array_equal(twice.predict(blobs), fitted.labels_)


def test_copies_and_joblib_keep_the_model(fitted: DeepClusterer, blobs: Array, tmp_path: Path) -> None:
    joblib.dump(fitted, tmp_path / "a.joblib")
    for again in (copy.deepcopy(fitted), joblib.load(tmp_path / "a.joblib")):
        np.testing.assert_array_equal(again.predict(blobs), fitted.labels_)


def test_a_damaged_pickle_is_refused(fitted: DeepClusterer, blobs: Array) -> None:
    again = pickle.loads(pickle.dumps(fitted))
    again._stored_model = again._stored_model[:-5]
    with pytest.raises(LatentclustError, match="the pickled DeepClusterer: is not a latentclust model"):
        again.predict(blobs)


def test_the_commands_read_a_saved_model(fitted: DeepClusterer, blobs: Array, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model.safetensors")
    np.save(tmp_path / "x.npy", blobs)
    arguments = ["predict", str(tmp_path / "model.safetensors"), str(tmp_path / "x.npy"), "--out"]
    result = CliRunner().invoke(app, [*arguments, str(tmp_path / "out.csv"), "--device", "cpu"])
    assert result.exit_code == 0, result.output
    table = np.genfromtxt(tmp_path / "out.csv", delimiter=",", names=True, dtype=None, encoding=None)
    np.testing.assert_array_equal(table["cluster"] - 1, fitted.labels_)


def test_a_loaded_estimator_predicts_and_trains_again(
    fitted: DeepClusterer, quick: Callable[..., DeepClusterer], blobs: Array, tmp_path: Path
) -> None:
    fitted.save(tmp_path / "model.safetensors")
    loaded = DeepClusterer.load(tmp_path / "model.safetensors", device="cpu")
    assert list(loaded.get_feature_names_out()) == list(fitted.get_feature_names_out())
    np.testing.assert_array_equal(loaded.transform(blobs), fitted.embedding_)
    assert loaded.n_clusters == 3
    assert not hasattr(loaded, "labels_")
    np.testing.assert_array_equal(loaded.fit(blobs).embedding_, fitted.embedding_)


def test_a_missing_model_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LatentclustError, match="does not exist"):
        DeepClusterer.load(tmp_path / "absent.safetensors")


class Certainty(LossSpec):
    """Mean entropy of the cluster probabilities, in nats. Its name as a part is `certainty`."""

    def __call__(self, code_of_real: Code) -> Scalar:
        return Scalar(-(code_of_real.probabilities * code_of_real.log_probabilities).sum(dim=1).mean())


def test_a_loss_of_the_user_is_a_plugin_that_the_model_asks_for(
    fitted: DeepClusterer, quick: Callable[..., DeepClusterer], blobs: Array, tmp_path: Path
) -> None:
    own = {**QUICK, "losses.own": {"use": "certainty", "player": "encoder"}}
    estimator = quick(recipe="dccs", overrides=own, plugins=[Certainty]).fit(blobs)
    assert estimator.model_.resolved.recipe.losses["own"].use == "certainty"
    estimator.save(tmp_path / "own.safetensors")
    with pytest.raises(LatentclustError, match="Certainty"):
        DeepClusterer.load(tmp_path / "own.safetensors", device="cpu")
    without = pickle.loads(pickle.dumps(estimator)).set_params(plugins=[])
    with pytest.raises(LatentclustError, match=r"which is not given\. Pass the plugins by set_params\(plugins="):
        without.predict(blobs)
    again = [DeepClusterer.load(tmp_path / "own.safetensors", "cpu", [Certainty]), copy.deepcopy(estimator)]
    again.append(without.set_params(plugins=[Certainty]))
    for one in again:
        np.testing.assert_array_equal(one.transform(blobs), estimator.embedding_)


def test_a_pickle_names_no_file_or_module_that_predict_would_run(fitted: DeepClusterer, blobs: Array) -> None:
    named = copy.deepcopy(fitted).set_params(plugins=[Certainty, "no_such_module", Path("no.py")])
    assert copy.deepcopy(named).plugins == named.plugins
    assert copy.copy(named).plugins is named.plugins
    again = pickle.loads(pickle.dumps(named))
    assert again.plugins == [Certainty]
    np.testing.assert_array_equal(again.predict(blobs), fitted.labels_)
    for alone in ("no_such_module", Path("no.py")):
        assert pickle.loads(pickle.dumps(copy.deepcopy(named).set_params(plugins=alone))).plugins == []
    unfitted = DeepClusterer(plugins=["no_such_module"])
    assert pickle.loads(pickle.dumps(unfitted)).plugins == ["no_such_module"]


@pytest.mark.slow
def test_the_clusters_of_images_are_those_of_the_command(
    quick: Callable[..., DeepClusterer], pictures: Array, tmp_path: Path
) -> None:
    images = pictures.astype(np.float64) * 3 - 7
    estimator = quick(channels="last", overrides={**QUICK, "data.size": 20}).fit(images)
    np.save(tmp_path / "images.npy", images)
    tables = {**estimator.model_.resolved.loaded.layered.tree}
    tables["data"] = {**tables["data"], "use": "array", "path": str(tmp_path / "images.npy")}
    (tmp_path / "recipe.toml").write_text(tomli_w.dumps(tables))
    arguments = ["run", str(tmp_path / "recipe.toml"), "--out", str(tmp_path / "run"), "--device", "cpu"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    table = np.genfromtxt(tmp_path / "run" / "assignments.csv", delimiter=",", names=True, dtype=None, encoding=None)
    np.testing.assert_array_equal(table["cluster"] - 1, estimator.labels_)
    np.testing.assert_array_equal(
        latentclust.load(tmp_path / "run").embed(estimator.model_.read(images)).code.numpy(),
        estimator.model_.embed(estimator.model_.read(images)).code.numpy(),
    )


def test_the_clusters_are_those_of_a_run(fitted: DeepClusterer, blobs: Array, tmp_path: Path) -> None:
    tables = fitted.model_.resolved.loaded.layered.tree
    run = latentclust.run(tables, images=blobs, out=tmp_path / "run", device="cpu")
    table = np.genfromtxt(run.folder / "assignments.csv", delimiter=",", names=True, dtype=None, encoding=None)
    np.testing.assert_array_equal(table["cluster"] - 1, fitted.labels_)
    np.testing.assert_array_equal(DeepClusterer.load(run.folder, device="cpu").transform(blobs), fitted.embedding_)
