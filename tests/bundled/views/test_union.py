import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from latentclust.api import Images, LatentclustError, Mask
from latentclust.assemble.experiment import assemble
from latentclust.bundled.views.local_statistics import LocalStatistics
from latentclust.bundled.views.texture import Gabor
from latentclust.bundled.views.union import Union
from latentclust.model.model_file import load, save_model
from latentclust.runs.fitted_model import trained_model
from latentclust.runs.run import load_resolved_recipe

RECIPE = Path(__file__).parents[2] / "train" / "cgm-pixel.toml"
PARTS = ({"use": "local-statistics", "window": 5}, {"use": "gabor", "scales": [1, 2]})


@pytest.fixture
def images() -> Images:
    return Images(torch.rand(4, 3, 24, 32, generator=torch.Generator().manual_seed(0)))


def batches(images: Images) -> list[tuple[Images, Mask]]:
    return [(images, Mask(torch.ones(len(images), *images.shape[2:], dtype=torch.bool)))]


def test_parts_are_stacked_in_their_order(images: Images) -> None:
    spec, rng = Union(parts=PARTS, balance=False), torch.Generator()
    found = spec.apply(images, spec.fit(batches(images)))
    expected = [LocalStatistics(window=5).apply(images, rng), Gabor(scales=(1.0, 2.0)).apply(images, rng)]
    torch.testing.assert_close(found, torch.cat(expected, dim=1))
    assert spec.output_shape((3, 24, 32)) == (10, 24, 32)


def test_parts_contribute_equally_to_distances_whatever_their_units(images: Images) -> None:
    """The squared distances of random pixels, part by part, have the same mean: twice the total variance, 1."""
    spec = Union(parts=PARTS)
    values = spec.apply(images, spec.fit(batches(images))).movedim(1, -1).flatten(0, -2)
    for part in (values[:, :6], values[:, 6:]):
        assert part.var(dim=0, correction=0).sum() == pytest.approx(1, rel=1e-4)
    loud = Union(parts=({"use": "local-statistics", "window": 5, "gain": 100.0}, PARTS[1]))
    torch.testing.assert_close(
        loud.apply(images, loud.fit(batches(images))).movedim(1, -1).flatten(0, -2), values, rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"use": "flip"}, "'flip' is random, fitted to images, or runs on the data workers"),
        ({"use": "pca"}, "'pca' is random, fitted to images, or runs on the data workers"),
        ({"use": "gabbor"}, "unknown view 'gabbor'. Did you mean 'gabor'"),
        ({"use": "gabor", "scale": 3}, r"parts.1.scale: unknown key"),
        ({"scales": [1]}, r"parts.1.use: is missing"),
    ],
)
def test_parts_that_cannot_be_used_are_refused(part: dict[str, Any], words: str) -> None:
    with pytest.raises(LatentclustError, match=words):
        Union(parts=(PARTS[0], part))


def test_weights_from_elsewhere_within_a_union_need_trust(tmp_path: Path) -> None:
    """As those of a step of its own: a model file must not make its reader open other files."""
    np.save(tmp_path / "maps.npy", np.random.default_rng(0).random((8, 3, 32, 32), np.float32))
    settings = (
        f"data={{use='array', path='{tmp_path / 'maps.npy'}', layout_of_images='chw'}}",
        "data.preprocess=[{use='union', parts=[{use='gabor'}, {use='timm-features', pretrained='installed'}]}]",
    )
    resolved = load_resolved_recipe(RECIPE, settings)
    model = trained_model(assemble(resolved, ()), torch.device("cpu"))
    file = tmp_path / "model.safetensors"
    save_model(file, model)
    load(file)
    with safe_open(file, framework="pt") as opened:
        header = json.loads(opened.metadata()["latentclust"])
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a mapping
    recipe = header["recipe"].replace('"installed"', '"elsewhere.safetensors"')
    assert recipe != header["recipe"]
    header |= {"recipe": recipe, "recipe_sha256": hashlib.sha256(recipe.encode()).hexdigest()}
    save_file(tensors, file, {"latentclust": json.dumps(header)})
    with pytest.raises(LatentclustError, match=r"reads weights from 'elsewhere\.safetensors'"):
        load(file)
