"""Scenes of another radiometry that are brought to the training data: labels agree where scenes overlap."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.transform import Affine

import latentclust
from latentclust.data.rasters import follow_curves
from latentclust.data.scenes.bands import match_bands
from latentclust.data.scenes.inputs import scene_from_file
from latentclust.data.scenes.opening import raster
from latentclust.data.scenes.quantiles import band_quantiles
from latentclust.data.scenes.vrt import vrt_text
from latentclust.errors import LatentclustError
from latentclust.labelling.scenes.normalisation import Normalisation
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import load, save_model
from tests.labelling.planted import TRANSFORM, noise_scene, read_band, write_scene

WithBands = Callable[..., ClusteringModel]

GAINS, OFFSETS = np.array([1.25, 0.8, 1.1]), np.array([300.0, -100.0, 50.0])


def land(height: int = 90, width: int = 200) -> NDArray[np.uint16]:
    """Fields whose brightness rises from west to east, `(3, h, w)`."""
    return (noise_scene(height, width) * 16.0 + np.linspace(200, 1200, width)).astype(np.uint16)


def part(path: Path, values: NDArray[np.uint16], left: int, right: int, changed: bool = False) -> Path:
    cut = values[:, :, left:right].astype(float)
    if changed:
        cut = cut * GAINS[:, None, None] + OFFSETS[:, None, None]
    place = Affine(10, 0, TRANSFORM.c + 10 * left, 0, -10, TRANSFORM.f)
    return write_scene(path, np.rint(cut).astype(np.uint16), transform=place)


@pytest.fixture
def model(with_bands: WithBands) -> ClusteringModel:
    values = land().reshape(3, -1)
    ranges = tuple((float(low), float(high)) for low, high in np.percentile(values, (2, 98), axis=1).T)
    return with_bands(types=("uint16",), ranges=ranges, quantiles=band_quantiles([values]))


def equal(one: NDArray[Any], other: NDArray[Any]) -> float:
    return float((one == other).mean())


def test_overlapping_parts_agree_if_both_are_brought_to_one_scene(model: ClusteringModel, tmp_path: Path) -> None:
    values = land()
    trained = part(tmp_path / "trained.tif", values, 0, 200)
    west, east = part(tmp_path / "west.tif", values, 0, 120), part(tmp_path / "east.tif", values, 60, 200, changed=True)
    shares = {}
    for name, options in (("none", {}), ("to", {"normalise_to": trained})):
        report = latentclust.label(model, [west, east], tmp_path / name, **options)
        assert not report.failed
        one, other = (read_band(tmp_path / name / path.name) for path in (west, east))
        shares[name] = equal(one[:, 64:116], other[:, 4:56])  # the model sees two pixels far
    assert shares["none"] < 0.7
    assert shares["to"] > 0.99


def test_a_scene_of_the_same_land_agrees_by_its_histogram_alone(model: ClusteringModel, tmp_path: Path) -> None:
    plain, changed = (part(tmp_path / f"{each}.tif", land(), 0, 200, changed=each) for each in (False, True))
    latentclust.label(model, plain, tmp_path / "plain")
    latentclust.label(model, changed, tmp_path / "none")
    latentclust.label(model, changed, tmp_path / "histogram", normalise="histogram")
    wanted = read_band(tmp_path / "plain" / plain.name)
    none, found = (read_band(tmp_path / name / changed.name) for name in ("none", "histogram"))
    assert equal(none, wanted) < 0.7
    assert equal(found, wanted) > 0.99
    latentclust.label(model, changed, tmp_path / "tiles", normalise="histogram", tile=48)
    assert equal(read_band(tmp_path / "tiles" / changed.name), found) > 0.999


def test_changed_land_does_not_count_for_gain_and_offset(model: ClusteringModel, tmp_path: Path) -> None:
    assert model.bands is not None
    values, cloudy = land(), land()
    cloudy[:, :, 60:136] = 9000 + np.random.default_rng(1).integers(0, 900, (90, 76))  # 48% of the shared pixels
    trained = part(tmp_path / "trained.tif", values, 0, 200)
    other = part(tmp_path / "other.tif", cloudy, 40, 200, changed=True)
    normalise = Normalisation(scene_from_file(trained))
    with raster(other) as file:
        found = match_bands(file, model.bands, "other", normalise=normalise.curves).bands.curves
    probe = np.array([[1000.0, 5000.0]] * 3)
    wanted = (probe - OFFSETS[:, None]) / GAINS[:, None]
    np.testing.assert_allclose(follow_curves(probe, found), wanted, rtol=2e-3)


def test_the_quantiles_of_the_training_data_are_in_the_model_file(model: ClusteringModel, tmp_path: Path) -> None:
    save_model(tmp_path / "model.safetensors", model)
    assert load(tmp_path / "model.safetensors").bands == model.bands


def test_another_normalisation_is_another_run(model: ClusteringModel, tmp_path: Path) -> None:
    scene = part(tmp_path / "a.tif", land(), 0, 200)
    latentclust.label(model, scene, tmp_path / "out", normalise="histogram")
    assert latentclust.label(model, scene, tmp_path / "out", normalise="histogram").kept
    with pytest.raises(LatentclustError, match=r"normalise was histogram and is None"):
        latentclust.label(model, scene, tmp_path / "out")


def test_what_cannot_be_normalised_is_refused(model: ClusteringModel, with_bands: WithBands, tmp_path: Path) -> None:
    scene = part(tmp_path / "a.tif", land(), 0, 100)
    far, empty = (
        part(tmp_path / "far.tif", land(), 150, 200),
        write_scene(tmp_path / "no.tif", np.zeros((3, 9, 9), np.uint16), nodata=0),
    )
    with pytest.raises(LatentclustError, match=r"does not contain\. Retrain the model"):
        latentclust.label(with_bands(), scene, tmp_path / "out", normalise="histogram")
    with pytest.raises(LatentclustError, match=r"--normalise, --normalise-to: exclude each other"):
        latentclust.label(model, scene, tmp_path / "out", normalise="histogram", normalise_to=scene)
    with pytest.raises(LatentclustError, match=r"absent\.tif"):
        latentclust.label(model, scene, tmp_path / "out", normalise_to=tmp_path / "absent.tif")
    (failed,) = latentclust.label(model, scene, tmp_path / "out", normalise_to=far).scenes
    assert "shares 0 sampled valid pixels with" in failed.reason
    (failed,) = latentclust.label(model, empty, tmp_path / "other", normalise="histogram").scenes
    assert "has no valid pixel to be normalised by" in failed.reason


def test_training_rasters_have_their_quantiles_in_common(tmp_path: Path) -> None:
    from latentclust.bundled.datasets.raster import Raster

    values = land()
    paths = tuple(str(part(tmp_path / f"{left}.tif", values, left, left + 100)) for left in (0, 100))
    opened = Raster(path=paths, window=16, windows=4).open(())
    (found,) = {reading.quantiles for reading in opened.source.windows.readings}
    np.testing.assert_allclose(found, band_quantiles([values.reshape(3, -1)]), rtol=0.01)


def test_unrelated_bands_are_told(model: ClusteringModel, tmp_path: Path) -> None:
    trained = part(tmp_path / "trained.tif", land(), 0, 200)
    other = part(tmp_path / "other.tif", land()[:, ::-1, ::-1], 0, 200)
    (scene,) = latentclust.label(model, other, tmp_path / "out", normalise_to=trained).scenes
    assert sum("is hardly related to" in warning for warning in scene.warnings) == 3
    with rasterio.open(tmp_path / "out" / "other.tif") as file:
        assert file.read(1).all()


@pytest.mark.parametrize("exceptions", [0, 40])
def test_a_band_without_a_gain_is_told(model: ClusteringModel, tmp_path: Path, exceptions: int) -> None:
    assert model.bands is not None
    values, later = land(), land()
    values[2], later[2] = 7, 9
    values[2, 0, :exceptions], later[2, 1, :exceptions] = 500, 500
    trained, other = part(tmp_path / "trained.tif", values, 0, 200), part(tmp_path / "other.tif", later, 0, 200)
    normalise = Normalisation(scene_from_file(trained))
    with raster(other) as file:
        if exceptions:
            with pytest.raises(
                LatentclustError, match=r"its band 3 is 9 in all pixels without change.*--normalise hist"
            ):
                normalise.curves(file, model.bands, "other")
            return
        curves, notes = normalise.curves(file, model.bands, "other")
    np.testing.assert_allclose(follow_curves(np.array([[50.0], [50.0], [9.0]]), curves), [[50.0], [50.0], [7.0]])
    assert notes == ("its band 3 is 9 in all shared pixels: it gets an offset, but no gain",)


@pytest.mark.parametrize("nodata", [None, 0])
def test_masked_pixels_of_the_other_scene_do_not_count(
    model: ClusteringModel, tmp_path: Path, nodata: int | None
) -> None:
    cloudy = land()
    cloudy[:, :, 50:170] = 60000
    profile = {"transform": TRANSFORM, "nodata": nodata}
    trained = write_scene(tmp_path / "trained.tif", cloudy, **profile)
    other = write_scene(tmp_path / "other.tif", land(), **profile)
    for scene, clouds in ((trained, slice(50, 170)), (other, slice(0, 0))):
        mask = np.zeros((1, 90, 200), np.uint8)
        mask[:, :, clouds] = 9
        write_scene(tmp_path / f"{scene.stem}_scl.tif", mask, transform=TRANSFORM)
    options = {"mask": str(tmp_path / "{name}_scl.tif"), "mask_values": (9,)}
    for name, more in (("plain", {}), ("to", {"normalise_to": trained})):
        assert not latentclust.label(model, other, tmp_path / name, **options, **more).failed
    assert equal(*(read_band(tmp_path / name / "other.tif") for name in ("plain", "to"))) > 0.99


def test_a_vrt_that_is_not_trusted_is_no_scene_to_normalise_to(model: ClusteringModel, tmp_path: Path) -> None:
    scene = part(tmp_path / "a.tif", land(), 0, 200)
    with rasterio.open(scene) as file:
        (tmp_path / "b.vrt").write_text(vrt_text(file))
    assert not latentclust.label(model, scene, tmp_path / "out", normalise_to=tmp_path / "b.vrt").failed
    with pytest.raises(LatentclustError, match=r"b\.vrt"):
        latentclust.label(model, scene, tmp_path / "other", normalise_to=tmp_path / "b.vrt", untrusted=True)


def test_a_stack_is_normalised_to_a_stack(with_bands: WithBands, tmp_path: Path) -> None:
    dates = ("2020-01-01", "2020-06-01", "2020-09-01")
    values = land().reshape(3, -1)
    ranges = tuple((float(low), float(high)) for low, high in np.percentile(values, (2, 98), axis=1).T)
    stacked = with_bands(types=("uint16",), ranges=ranges)
    for folder, changed in (("trained", False), ("new", True)):
        for band, date in enumerate(dates):
            cut = land()[band].astype(float) * (GAINS[band] if changed else 1) + (OFFSETS[band] if changed else 0)
            write_scene(tmp_path / folder / f"a_{date}.tif", np.rint(cut).astype(np.uint16)[None], transform=TRANSFORM)
    latentclust.label(stacked, tmp_path / "trained", tmp_path / "plain", stack=True)
    report = latentclust.label(
        stacked, tmp_path / "new", tmp_path / "to", stack=True, normalise_to=tmp_path / "trained"
    )
    assert not report.failed
    assert equal(*(read_band(tmp_path / name / "a.tif") for name in ("plain", "to"))) > 0.99
