"""Nodata that the user declares: in the recipe of the model, or by an option of the labelling."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine
from scipy import ndimage

import latentclust
from latentclust.errors import LatentclustError
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import load, save_model
from tests.labelling.planted import TRANSFORM, noise_scene, read_band, write_scene

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


@pytest.fixture
def clouds(tmp_path: Path) -> Path:
    """A mask of half the resolution of the scenes."""
    values = np.zeros((1, 35, 40), np.uint8)
    values[0, 5:15, 20:30] = 9
    values[0, 20, 20] = 3
    values[0, 30] = 1
    place = Affine(20, 0, TRANSFORM.c, 0, -20, TRANSFORM.f)
    return write_scene(tmp_path / "masks" / "clouds.tif", values, transform=place)


def test_masked_pixels_are_no_data_in_all_outputs_and_not_seen_elsewhere(
    planted: ClusteringModel, folder: Path, clouds: Path, tmp_path: Path
) -> None:
    options = {"confidence": True, "probabilities": True}
    latentclust.label(planted, folder / "tagged.tif", tmp_path / "plain", **options)
    (scene,) = latentclust.label(
        planted, folder / "tagged.tif", tmp_path / "out", mask=clouds, mask_values=(3, 9), **options
    ).scenes
    masked = np.kron(np.isin(read_band(clouds), [3, 9]), np.ones((2, 2))) > 0
    plain, found = (read_band(tmp_path / name / "tagged.tif") for name in ("plain", "out"))
    np.testing.assert_array_equal(found == 0, masked | (plain == 0))
    for name in ("confidence", "probabilities"):
        np.testing.assert_array_equal(read_band(tmp_path / "out" / f"tagged-{name}.tif") == 0, found == 0)
    # The model sees two pixels far: farther from the mask nothing changes.
    near = ndimage.binary_dilation(masked, np.ones((5, 5)))
    np.testing.assert_array_equal(found[~near], plain[~near])
    assert scene.pixels == (found > 0).sum() < (plain > 0).sum()
    assert scene.warnings == ()


def test_what_lies_below_a_mask_does_not_change_the_labels(
    planted: ClusteringModel, clouds: Path, tmp_path: Path
) -> None:
    masked = np.kron(read_band(clouds) == 9, np.ones((2, 2))) > 0
    values = noise_scene(70, 80)
    clear = write_scene(tmp_path / "in" / "clear.tif", values)
    cloudy = write_scene(tmp_path / "in" / "cloudy.tif", np.where(masked, np.uint8(255), values))
    latentclust.label(planted, [clear, cloudy], tmp_path / "out", mask=clouds, mask_values=(9,))
    np.testing.assert_array_equal(*(read_band(tmp_path / "out" / path.name) for path in (clear, cloudy)))


def test_another_mask_is_another_run_and_a_mask_that_changes_too(
    planted: ClusteringModel, folder: Path, clouds: Path, tmp_path: Path
) -> None:
    run = partial(latentclust.label, planted, folder / "tagged.tif", tmp_path / "out", mask=clouds)
    run(mask_values=(3,))
    assert run(mask_values=(3,)).kept
    with pytest.raises(LatentclustError, match=r"mask was"):
        run(mask_values=(9,))
    write_scene(clouds, np.zeros((1, 70, 80), np.uint8))
    with pytest.raises(LatentclustError, match=r"changed"):
        run(mask_values=(3,))


def test_a_scene_without_its_mask_fails_and_the_others_are_labelled(
    planted: ClusteringModel, folder: Path, clouds: Path, tmp_path: Path
) -> None:
    clouds.rename(clouds.with_name("plain-clouds.tif"))
    report = latentclust.label(
        planted, folder, tmp_path / "out", mask=f"{clouds.parent}/{{name}}-clouds.tif", mask_values=(9,)
    )
    assert [scene.status for scene in report.scenes] == ["done", "failed"]
    assert "has no mask that match" in report.scenes[1].reason
