"""Nodata that the user declares: in the recipe of the model, or by an option of the labelling."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio

import latentclust
from latentclust.errors import LatentclustError
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import load, save_model
from tests.labelling.planted import noise_scene, read_band, write_scene

WithBands = Callable[..., ClusteringModel]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The same scene with fill 0 at the left, which one file declares."""
    values = noise_scene(70, 80)
    values[:, :, :30] = 0
    write_scene(tmp_path / "in" / "plain.tif", values)
    write_scene(tmp_path / "in" / "tagged.tif", values, nodata=0)
    return tmp_path / "in"


def test_a_declared_value_is_nodata_as_if_the_file_declared_it(
    planted: ClusteringModel, folder: Path, tmp_path: Path
) -> None:
    report = latentclust.label(planted, folder, tmp_path / "out", nodata=0)
    plain, tagged = (read_band(tmp_path / "out" / f"{name}.tif") for name in ("plain", "tagged"))
    np.testing.assert_array_equal(plain, tagged)
    np.testing.assert_array_equal(plain == 0, np.arange(80) * np.ones((70, 1)) < 30)
    assert [scene.warnings for scene in report.scenes] == [(), ()]


def test_fill_that_nobody_declared_is_labelled_with_a_warning(
    planted: ClusteringModel, folder: Path, tmp_path: Path
) -> None:
    plain, tagged = latentclust.label(planted, folder, tmp_path / "out").scenes
    assert "0 alone fills a part of the border in all bands" in plain.warnings[0]
    assert "--nodata 0 for label" in plain.warnings[0]
    assert tagged.warnings == ()
    assert read_band(tmp_path / "out" / "plain.tif").min() > 0


def test_the_value_of_the_recipe_is_in_the_model_and_the_option_counts_before_it(
    with_bands: WithBands, folder: Path, tmp_path: Path
) -> None:
    save_model(tmp_path / "model.safetensors", with_bands(nodata=0.0, declared=(7.0,)))
    model = load(tmp_path / "model.safetensors")
    assert model.bands == with_bands(nodata=0.0, declared=(7.0,)).bands
    latentclust.label(model, folder / "plain.tif", tmp_path / "out")
    assert (read_band(tmp_path / "out" / "plain.tif")[:, :30] == 0).all()
    latentclust.label(model, folder / "plain.tif", tmp_path / "other", nodata=-1)
    assert read_band(tmp_path / "other" / "plain.tif").min() > 0


def test_another_value_is_another_run(planted: ClusteringModel, folder: Path, tmp_path: Path) -> None:
    latentclust.label(planted, folder, tmp_path / "out")
    with pytest.raises(LatentclustError, match=r"nodata"):
        latentclust.label(planted, folder, tmp_path / "out", nodata=0)


def test_bands_of_a_scene_are_named_by_the_option(planted: ClusteringModel, tmp_path: Path) -> None:
    values = noise_scene(70, 80)
    write_scene(tmp_path / "a.tif", values)
    path = write_scene(tmp_path / "b.tif", values[[2, 0, 1]])
    with rasterio.open(path, "r+") as file:
        file.descriptions = ("B02", "B04", "B03")
    latentclust.label(planted, tmp_path / "a.tif", tmp_path / "out")
    latentclust.label(planted, path, tmp_path / "named", bands=("red", "green", "blue"))
    np.testing.assert_array_equal(read_band(tmp_path / "out" / "a.tif"), read_band(tmp_path / "named" / "b.tif"))
