"""A run on samples of Python is the run on a file of the same values."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

import latentclust
from latentclust.bundled.datasets.digits import Digits
from latentclust.cli.main import main
from latentclust.errors import InterruptedRunError, LatentclustError
from latentclust.model.model import ClusteringModel
from latentclust.plugins.registry import installed
from latentclust.recipe.load import load_recipe
from latentclust.runs.given_samples import given_samples, with_samples
from latentclust.runs.run import FinishedRun
from latentclust.runs.seeds import run_seeds
from latentclust.train.events import NullListener, Record

Named = Callable[[str], Path]
DIGITS = load_digits()
BRIEF = {"train.rounds": 4, "train.checkpoint_every": 1}


@pytest.fixture(scope="module")
def of_memory(recipe: Named, tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    out = tmp_path_factory.mktemp("given") / "run"
    given = {"images": DIGITS.images, "labels": DIGITS.target}
    return latentclust.run(recipe("dccs"), BRIEF, **given, out=out, device="cpu")


def weights(finished: FinishedRun) -> torch.Tensor:
    networks = latentclust.load(finished.folder).networks.values()
    return torch.cat([value.ravel() for network in networks for value in network.parameters()])


def test_it_is_bit_for_bit_the_run_on_the_published_set_and_on_a_file(
    recipe: Named, of_memory: FinishedRun, tmp_path: Path
) -> None:
    np.savez(tmp_path / "digits.npz", x=DIGITS.images, y=DIGITS.target)
    array = {"data": {"use": "array", "path": tmp_path / "digits.npz", "range": (0, 16)}}
    for changes in (BRIEF, BRIEF | array):
        other = latentclust.run(recipe("dccs"), changes, out=tmp_path / "out", overwrite=True, device="cpu")
        assert torch.equal(weights(other), weights(of_memory))
        assert other.result.metrics == of_memory.result.metrics


def test_the_model_reads_new_arrays_as_the_training_did(of_memory: FinishedRun) -> None:
    model = latentclust.load(of_memory.folder)
    data = model.resolved.recipe.data
    assert (data.use, data.options) == ("memory", {"range": [0.0, 16.0]})
    published = model.predict(Digits().open(()).source)
    for images in (DIGITS.images, torch.from_numpy(DIGITS.images), DIGITS.images.astype(np.uint16)):
        assert torch.equal(model.predict(model.read(images)).probabilities, published.probabilities)
    assert torch.equal(model.predict((DIGITS.images / 16).astype(np.float32)).labels, published.labels)
    with pytest.raises(LatentclustError, match=r"bytes, but the model .* 0 to 16 .*Pass model\.read\(images\)"):
        model.predict(DIGITS.images.astype(np.uint8))
    brighter = DIGITS.images[:3] * 2
    with pytest.raises(LatentclustError, match="not within 0 to 16"):
        model.read(brighter)
    assert model.read(brighter, beyond="keep").read(np.arange(3)).max() == 255


def exit_code(*arguments: object) -> object:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code


class Stop(NullListener):
    """Stop after the second round."""

    def on_record(self, record: Record) -> None:
        if record.round == 2:
            signal.raise_signal(signal.SIGTERM)


def test_a_stopped_run_needs_the_same_samples_again(
    recipe: Named, of_memory: FinishedRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    with pytest.raises(InterruptedRunError):
        latentclust.run(recipe("dccs"), BRIEF, images=DIGITS.images, out=out, device="cpu", listener=Stop())
    assert exit_code("run", "--resume", out) == 2
    assert "Pass them in Python" in " ".join(capsys.readouterr().err.split())
    with pytest.raises(LatentclustError, match="have other values or another order"):
        latentclust.resume(out, images=DIGITS.images[::-1], device="cpu")
    assert torch.equal(weights(latentclust.resume(out, images=DIGITS.images, device="cpu")), weights(of_memory))


def test_commands_on_such_a_model(of_memory: FinishedRun, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("evaluate", of_memory.folder) == 2
    assert "passed from Python" in " ".join(capsys.readouterr().err.split())
    assert exit_code("evaluate", of_memory.folder, "--data", "digits") in (0, None)


def test_seeds(recipe: Named, tmp_path: Path) -> None:
    given = {"images": DIGITS.images[:100], "labels": DIGITS.target[:100]}
    folder, summary, _ = run_seeds(recipe("dccs"), 2, {"train.rounds": 1}, **given, out=tmp_path / "seeds")
    assert summary.seeds == [3, 4]
    assert latentclust.load(folder / "seed-4").resolved.recipe.data.use == "memory"


def test_options_of_the_former_data_set(recipe: Named, tmp_path: Path) -> None:
    tables: dict[str, Any] = {
        "extends": str(recipe("dccs")),
        "data": {"use": "mnist", "split": "train", "size": 4, "resident": False},
        "evaluate": {"split": "test"},
    }
    finished = latentclust.run(
        tables, {"train.rounds": 1}, images=DIGITS.images[:100], out=tmp_path / "out", device="cpu"
    )
    data = latentclust.load(finished.folder).resolved.recipe.data
    assert (data.resident, data.options) == (False, {"size": 4, "range": [0.0, 16.0]})
    said = [warning for warning in finished.facts.warnings if "replaces the data set" in warning]
    assert said == [
        'data.split: `split = "train"` is ignored, because `images` replaces the data set',
        'evaluate.split: `split = "test"` is ignored, because `images` replaces the data set',
    ]


@pytest.mark.parametrize(
    ("use", "changes", "range_", "lost"),
    [
        ({"use": "array", "path": "x.npy"}, {}, [0.0, 16.0], ["range", "shape"]),
        ({"use": "array", "path": "x.npy"}, {"data.range": [0, 20]}, [0, 20], ["shape"]),
        ({"use": "memory"}, {}, [0, 255], []),
        ({}, {}, [0, 255], []),
    ],
)
def test_what_describes_other_samples_is_ignored(
    use: dict[str, Any], changes: dict[str, Any], range_: list[float], lost: list[str]
) -> None:
    data = {**use, "range": [0, 255], "shape": [1, 8, 8]}
    loaded = load_recipe({"schema": 1, "extends": "dccs@1", "name": "mine", "data": data}, installed(), changes)
    given = given_samples(DIGITS.images[:, None] if not lost else DIGITS.images)
    assert given is not None
    found = with_samples(loaded, given)
    assert list(found.layered.tree["data"]["range"]) == range_
    assert sorted(found.layered.dropped.keys() - {"data.path"}) == [f"data.{key}" for key in lost]


NAN = DIGITS.images.copy()
NAN[3, 0, 1] = np.nan


@pytest.mark.parametrize(
    ("changes", "given", "said"),
    [
        ({}, {"images": NAN}, r"^images: 1 values are NaN or infinite, the first nan at \(3, 0, 0, 1\)"),
        ({}, {"images": DIGITS.images[:9]}, "10 clusters exceed the 9 samples"),
        ({}, {"images": DIGITS.images, "labels": DIGITS.target[1:]}, r"^labels: has the shape \(1796,\)"),
        ({}, {"images": DIGITS.images, "labels": np.zeros((1797, 8, 8), int)}, "requires one label per sample"),
        ({}, {"labels": DIGITS.target}, "^labels: are passed without images"),
        ({"data.range": [0, 8]}, {"images": DIGITS.images}, "not within 0 to 8"),
        ({"data.rnage": [0, 8]}, {"images": DIGITS.images}, r"data\.rnage: unknown key.*range"),
        ({"data.split": "train"}, {"images": DIGITS.images}, r"data\.split: unknown key"),
        ({}, {"images": np.zeros((40, 8, 8, 8))}, r"^data\.layout_of_images: cannot determine"),
        ({}, {"images": np.zeros((40, 8, 8))}, "identical"),
    ],
)
def test_what_is_refused_before_anything_is_written(
    recipe: Named, changes: dict[str, Any], given: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(LatentclustError, match=said) as raised:
        latentclust.run(recipe("dccs"), changes, **given, out=tmp_path / "out", device="cpu")
    assert len(raised.value.issues) == 1
    assert not (tmp_path / "out").exists()


def test_a_run_on_a_file_takes_no_samples_to_resume(recipe: Named, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(recipe("dccs").read_text())
    with pytest.raises(LatentclustError, match=r"^data\.use: is 'digits', which reads its own samples"):
        latentclust.resume(tmp_path, images=DIGITS.images)


def test_label_maps_in_memory(recipe: Named, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images, labels = rng.random((16, 8, 8, 3)), rng.integers(0, 2, (16, 8, 8))
    out = {"out": tmp_path / "out", "device": "cpu"}
    finished = latentclust.run(recipe("iic-pixel"), {"train.rounds": 1}, images=images, labels=labels, **out)
    model: ClusteringModel = latentclust.load(finished.folder)
    assert finished.result.metrics
    assert model.resolved.recipe.data.options == {"layout_of_images": "hwc", "range": [0.0, 1.0]}
    assert model.predict(model.read(images[:2, :6, :4])).labels.shape == (2, 6, 4)
    with pytest.raises(LatentclustError, match=r"requires label maps"):
        latentclust.run(recipe("iic-pixel"), images=images, labels=labels[:, 0, 0], **out)
