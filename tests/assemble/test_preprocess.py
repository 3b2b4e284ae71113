"""Preprocessing steps that are fitted to the training images."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from latentclust.assemble.experiment import assemble
from latentclust.assemble.preprocess import bind, fit_steps
from latentclust.assemble.resolve import Resolved
from latentclust.data.sources import ArraySource
from latentclust.errors import Issue, LatentclustError
from latentclust.model.model_file import load, save_model
from latentclust.runs.fitted_model import trained_model
from latentclust.specs.data import ImageSet
from latentclust.specs.views import FittedViewSpec
from latentclust.tensors import Images, Mask, Shape

Tables = dict[str, Any]

STEPS = [{"use": "standardise"}, {"use": "pca", "components": 3, "whiten": True}]


@pytest.fixture
def fitted(tables: Tables) -> Tables:
    tables["data"] |= {"preprocess": STEPS}
    return tables


def test_each_step_is_fitted_to_the_output_of_those_before_it(
    fitted: Tables, resolved: Callable[..., Resolved]
) -> None:
    experiment = assemble(resolved(fitted), ())
    assert experiment.shape == (3,)
    points = torch.from_numpy(experiment.data.source.read(np.arange(40)))
    found = experiment.preprocess(points, torch.Generator())
    torch.testing.assert_close(found.mean(dim=0), torch.zeros(3), rtol=0, atol=1e-5)
    torch.testing.assert_close(found.T.cov(correction=0), torch.eye(3), rtol=1e-4, atol=1e-4)


def test_a_model_file_contains_what_was_fitted(
    fitted: Tables, resolved: Callable[..., Resolved], tmp_path: Path
) -> None:
    model = trained_model(assemble(resolved(fitted), ()), torch.device("cpu"))
    save_model(tmp_path / "model.safetensors", model)
    points = model.resolved.dataset.open(()).source.read(np.arange(40))
    found = load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(found.predict(points).probabilities, model.predict(points).probabilities)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda tensors: tensors.pop("preprocess/1.axes"), "do not match the recipe .*axes"),
        (lambda tensors: tensors.update({"preprocess/1.axes": torch.zeros(2, 7)}), "do not match the recipe"),
        (lambda tensors: tensors.update({"preprocess/5.axes": torch.zeros(2)}), "preprocess/5.axes is unknown"),
    ],
)
def test_a_file_with_other_tensors_is_refused(
    fitted: Tables,
    resolved: Callable[..., Resolved],
    tmp_path: Path,
    change: Callable[[dict[str, torch.Tensor]], None],
    words: str,
) -> None:
    file = tmp_path / "model.safetensors"
    save_model(file, trained_model(assemble(resolved(fitted), ()), torch.device("cpu")))
    with safe_open(file, framework="pt") as opened:
        header = opened.metadata()
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a mapping
    change(tensors)
    save_file(tensors, file, header)
    with pytest.raises(LatentclustError, match=words):
        load(file)


def test_images_beyond_the_sample_are_not_read(
    fitted: Tables, resolved: Callable[..., Resolved], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = resolved(fitted)
    data: ImageSet = recipe.dataset.open(())
    whole = fit_steps(recipe.preprocess, data)
    monkeypatch.setattr("latentclust.assemble.preprocess.SAMPLE", 10)
    part = fit_steps(recipe.preprocess, data)
    assert not torch.equal(whole[0]["centre"], part[0]["centre"])
    chosen = torch.from_numpy(data.source.read(np.linspace(0, 39, 10).round().astype(np.int64)))
    torch.testing.assert_close(part[0]["centre"], chosen.mean(dim=0), rtol=1e-5, atol=1e-6)
    assert [type(step).__name__ for step in bind(recipe.preprocess, part)] == ["FittedStep", "FittedStep"]


class Tripled(FittedViewSpec):
    """Returns three times as many channels, and counts the images of the batches that it is fitted to."""

    def fit(self, batches: Iterable[tuple[Images, Mask]]) -> Mapping[str, Tensor]:
        return {"sizes": torch.tensor([len(images) for images, _ in batches])}

    def apply(self, images: Images, fitted: Mapping[str, Tensor]) -> Images:
        return Images(images.repeat(1, 3, 1, 1))

    def output_shape(self, shape: Shape) -> Shape:
        return (3 * shape[0], *shape[1:])


def test_steps_of_many_channels_read_few_images_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six channels of 4x4 pixels are 96 values; the second step returns 288."""
    monkeypatch.setattr("latentclust.assemble.preprocess.VALUES_AT_ONCE", 300)
    found = fit_steps([Tripled(), Tripled()], ImageSet(ArraySource(np.zeros((6, 2, 4, 4), np.uint8)), None))
    assert [step["sizes"].tolist() for step in found.values()] == [[3, 3], [1] * 6]


def test_a_fitted_step_in_a_view_is_an_issue(tables: Tables, issues: Callable[..., tuple[Issue, ...]]) -> None:
    tables["views"] = {"view": {"use": "pca"}}
    assert any("fitted to the training images cannot be part of a view" in issue.what for issue in issues(tables))


def test_a_step_on_the_workers_is_an_issue_of_the_preprocessing(
    tables: Tables, issues: Callable[..., tuple[Issue, ...]]
) -> None:
    tables["data"] |= {"preprocess": [{"use": "albumentations", "transforms": [{"name": "HorizontalFlip"}]}]}
    found = [issue.what for issue in issues(tables) if issue.where.startswith("data.preprocess.0")]
    assert found
