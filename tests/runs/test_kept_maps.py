"""Images with label maps that are preprocessed once and kept in memory."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import torch
from safetensors.torch import load_file

import latentclust
from latentclust.assemble.experiment import Experiment, assemble
from latentclust.assemble.preprocess import Preprocess
from latentclust.assemble.resolve import resolve
from latentclust.infer.posteriors import FittedImages
from latentclust.plugins.registry import installed
from latentclust.recipe.load import load_recipe
from latentclust.runs.kept_maps import with_kept_maps

CPU = torch.device("cpu")


@pytest.fixture
def recipe(tmp_path: Path) -> dict[str, Any]:
    """The clustered generator on the local means of 6 windows of a raster."""
    profile = {"driver": "GTiff", "width": 40, "height": 40, "count": 3, "dtype": "uint8", "nodata": 0}
    profile |= {"crs": "EPSG:32640", "transform": rasterio.Affine(2, 0, 100, 0, -2, 100)}
    values = np.random.default_rng(0).integers(1, 255, (3, 40, 40), dtype=np.uint8)
    values[:, :4] = 0
    with rasterio.open(tmp_path / "scene.tif", "w", **profile) as scene:
        scene.write(values)
    return {
        "schema": 1,
        "extends": "cgm-pixel@1",
        "name": "tiny",
        "data": {
            "use": "raster",
            "path": str(tmp_path / "scene.tif"),
            "window": 16,
            "windows": 6,
            "preprocess": [{"use": "local-statistics", "window": 3}, {"use": "pca", "components": 2}],
        },
        "prior": {"clusters": 2, "style_dim": 0, "style_stride": 16},
        "networks": {"generator": {"output": "linear"}},
        "train": {"rounds": 4, "batch_size": 4},
        "evaluate": {"baselines": []},
    }


def experiment(recipe: dict[str, Any]) -> Experiment:
    return assemble(resolve(load_recipe(recipe, installed()), installed()), ())


def test_images_are_preprocessed_once(recipe: dict[str, Any]) -> None:
    plain = experiment(recipe)
    kept, tested = with_kept_maps(plain, plain.data, CPU)
    source, preprocess = kept.fed
    assert preprocess == Preprocess()
    assert tested.inputs is source
    every = np.arange(len(plain.data.source))
    stored = plain.data.source.read(every)
    expected = plain.preprocess(torch.from_numpy(stored).float() / 255, torch.Generator())
    np.testing.assert_allclose(source.read(every), expected, atol=1e-5)
    np.testing.assert_array_equal(source.read(every[[2, 0]]), source.read(every)[[2, 0]])
    assert kept.data.valid is plain.data.valid


def test_an_inference_is_fitted_to_valid_pixels_alone(recipe: dict[str, Any]) -> None:
    recipe["data"] |= {"max_nodata": 0.5, "windows": 60}
    plain = experiment(recipe)
    kept, _ = with_kept_maps(plain, plain.data, CPU)
    masks = torch.cat([mask for _, mask in FittedImages(kept.data, kept.preprocess, 2, torch.Generator())])
    assert plain.data.valid is not None
    expected = plain.data.valid.read(np.arange(len(plain.data.source)))
    assert not expected.all()
    np.testing.assert_array_equal(masks, expected)


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ("data", {"resident": False}),
        ("data", {"memory_limit": 16 * 16 * 2 * 4}),
        ("data", {"preprocess": []}),
        ("train", {"rounds": 1}),
    ],
)
def test_images_are_preprocessed_as_they_are_read_otherwise(
    recipe: dict[str, Any], table: str, values: dict[str, Any]
) -> None:
    recipe[table] = recipe.get(table, {}) | values
    plain = experiment(recipe)
    assert with_kept_maps(plain, plain.data, CPU) == (plain, plain.data)


def test_a_training_on_kept_images_is_the_same(recipe: dict[str, Any], tmp_path: Path) -> None:
    finished = {
        resident: latentclust.run(
            recipe | {"data": recipe["data"] | {"resident": resident}}, out=tmp_path / str(resident)
        )
        for resident in (True, False)
    }
    one, other = (load_file(each.folder / "model.safetensors") for each in finished.values())
    assert one.keys() == other.keys()
    for name in one:
        torch.testing.assert_close(one[name], other[name], atol=1e-5, rtol=1e-4)
