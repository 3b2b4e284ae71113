"""From rasters to a trained model to label rasters."""

from pathlib import Path

import numpy as np
import rasterio

import latentclust
from tests.labelling.planted import noise_scene, read_band, write_scene


def test_a_model_trained_on_rasters_labels_them_at_their_own_scale(tmp_path: Path) -> None:
    values = noise_scene(100, 120)[[0, 1, 2, 0]].astype(np.uint16) * 40
    scene = write_scene(tmp_path / "in" / "scene.tif", values, photometric="MINISBLACK", alpha="NO")
    with rasterio.open(scene, "r+") as file:
        file.descriptions = ("blue", "green", "red", "nir")
    settings = [f"data.path='{scene}'", "data.bands=[4, 2]", "data.window=32", "data.windows=16"]
    settings.append("evaluate.baselines=[]")
    run = latentclust.run("rmnp", settings, out=tmp_path / "run", device="cpu")
    bands = latentclust.load(run.folder).bands
    assert bands is not None
    assert (bands.bands, bands.counts, bands.types) == ((4, 2), (4,), ("uint16",))
    assert (bands.names, bands.scales) == (("nir", "green"), ((1.0, 0.0), (1.0, 0.0)))
    expected = np.percentile(values[[3, 1]].reshape(2, -1), (2, 98), axis=1).T
    np.testing.assert_allclose(bands.ranges, expected, rtol=0.02)
    report = latentclust.label(run.folder, scene, tmp_path / "out", device="cpu")
    assert report.failed == ()
    assert report.pixels == 12000
    assert report.windows == 1  # of 128 pixels or fewer: the mixture depends on neighbours alone
    turned = write_scene(tmp_path / "in" / "turned.tif", values[[1, 3]])
    with rasterio.open(turned, "r+") as file:
        file.descriptions = ("green", "nir")
    assert latentclust.label(run.folder, turned, tmp_path / "out", device="cpu").failed == ()
    np.testing.assert_array_equal(read_band(tmp_path / "out" / "turned.tif"), read_band(tmp_path / "out" / "scene.tif"))
    less = write_scene(tmp_path / "in" / "less.tif", values[:3])
    (failed,) = latentclust.label(run.folder, less, tmp_path / "out", device="cpu").failed
    assert "has 3 band(s), and the model was trained on 4 and reads nir, green" in failed.reason
