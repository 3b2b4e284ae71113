"""The bands of a model's pictures: chosen by its recipe, or by the names of its rasters."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from latentclust.assemble.experiment import assemble
from latentclust.assemble.resolve import resolve
from latentclust.data.sources import ArraySource
from latentclust.errors import LatentclustError
from latentclust.labelling.chosen_scenes import choose_scenes
from latentclust.labelling.clusters.window_sample import sample_windows
from latentclust.labelling.scene_options import SceneOptions
from latentclust.model.model import ClusteringModel
from latentclust.plugins.registry import installed
from latentclust.recipe.load import load_recipe
from latentclust.runs.draw_figures import _read_shrunk
from tests.labelling.planted import noise_scene, planted_model, write_scene


def named(names: tuple[str, ...]) -> ClusteringModel:
    model = planted_model()
    assert model.bands is not None
    return replace(model, bands=replace(model.bands, names=names))


def with_display(path: Path, display: Sequence[int | str]) -> Any:
    tables = {
        "schema": 1,
        "name": "shown",
        "extends": "iic-pixel@1",
        "data": {"use": "raster", "path": str(path), "window": 32, "windows": 8, "display": list(display)},
        "prior": {"use": "categorical-map", "clusters": 3, "style_dim": 0, "style_stride": 1},
        "train": {"batch_size": 4},
    }
    return resolve(load_recipe(tables, installed()), installed())


def test_the_names_of_bands_decide_what_figures_and_previews_show(tmp_path: Path) -> None:
    model, image = named(("blue", "green", "red")), noise_scene(64, 64)
    np.testing.assert_array_equal(
        _read_shrunk(model, ArraySource(image[None], "images"), np.array([0])), image[None, ::-1]
    )
    assert model.display_text == "Shown as red, green and blue: bands red, green, blue."
    chosen = choose_scenes(model, write_scene(tmp_path / "scene.tif", image), SceneOptions())
    np.testing.assert_array_equal(sample_windows(model, chosen, 8).windows[0].image, image[::-1])


def test_a_model_without_names_shows_the_first_bands() -> None:
    planted = planted_model()
    image = noise_scene(8, 8)
    np.testing.assert_array_equal(planted.shown(image), image)
    assert planted.display_text == ""
    assert planted.shown(np.zeros((2, 5, 8, 8))).shape == (2, 5, 8, 8)  # generated after preprocessing


def test_a_recipe_chooses_bands_and_a_band_that_is_not_read_is_refused_before_training(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "scene.tif", noise_scene(64, 64))
    assert assemble(with_display(path, [3, 1, 2]), ()).data.source.shape == (3, 32, 32)
    for display, what in (([3, 2, 4], "band 4 of 3 that are read"), (["nir"], "no band 'nir'")):
        with pytest.raises(LatentclustError, match=f"data.display: {what}"):
            assemble(with_display(path, display), ())
    with pytest.raises(LatentclustError, match=r"data\.display"):
        with_display(path, [1, 2, 3, 4])
